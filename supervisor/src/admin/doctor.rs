//! The machine as the service itself sees it: with its own user, namespaces and limits.

use axum::Json;
use axum::extract::State;
use colmeia::admin::{Diagnosis, Finding, Verdict};
use colmeia_base::tasks;
use colmeia_doctor::examine;

use super::{Admin, Refusal, broken};
use crate::apart;
use colmeia_host::memory::InForce;
use colmeia_store::Unreadable;

/// `GET /v1/doctor`.
pub(super) async fn doctor(State(admin): State<Admin>) -> Result<Json<Diagnosis>, Refusal> {
    let host = &admin.app.host;
    let subject = apart::subject(host);
    let mut findings =
        tasks::blocking("doctor", move || examine(&subject)).await.map_err(|error| broken(&error))?;
    findings.push(caps(host.memory.mode()));
    findings.push(limit(host.memory.limit_of_all()));
    findings.push(settings(&host.store.unreadable_sessions()));
    Ok(Json(Diagnosis { findings }))
}

/// Whose configuration could not be read.
fn settings(unreadable: &Unreadable) -> Finding {
    let check = "settings".into();
    if unreadable.is_empty() {
        return Finding { check, verdict: Verdict::Ok, found: "all can be read".into(), advice: None };
    }
    let names: Vec<String> = unreadable.iter().map(|(user, why)| format!("{user} ({why})")).collect();
    let advice =
        "these sessions do not start; set each one's configuration anew (PUT /api/sessions/…), or delete it";
    let found = format!("the configuration cannot be read of: {}", names.join(", "));
    Finding { check, verdict: Verdict::Problem, found, advice: Some(advice.into()) }
}

/// What all of it may take together: a container's limit, or a unit's.
fn limit(bytes: Option<u64>) -> Finding {
    let found = bytes.map_or("none but the machine's".into(), |bytes| format!("{} MiB", bytes >> 20));
    Finding { check: "memory limit".into(), verdict: Verdict::Ok, found, advice: None }
}

/// Which way of keeping the memory caps is in force: what could be is a question to the machine, what is one to us.
fn caps(mode: InForce) -> Finding {
    let (verdict, advice) = match mode {
        InForce::Cgroup | InForce::Polling => (Verdict::Ok, None),
        InForce::Off => {
            (Verdict::Warning, Some("a session may take all memory; set memory.mode to \"auto\"".into()))
        }
    };
    Finding { check: "memory caps".into(), verdict, found: mode.name().into(), advice }
}
