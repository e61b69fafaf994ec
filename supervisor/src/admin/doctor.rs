//! The machine as the service itself sees it: with its own user, namespaces and limits.

use axum::Json;
use axum::extract::State;
use colmeia::admin::{Diagnosis, Finding, Verdict};
use colmeia_doctor::{Subject, examine};

use super::{Admin, Refusal, broken};
use crate::memory::InForce;

/// `GET /v1/doctor`.
pub(super) async fn doctor(State(admin): State<Admin>) -> Result<Json<Diagnosis>, Refusal> {
    let host = &admin.app.host;
    let subject = Subject {
        browser: host.config.browser.clone(),
        ffmpeg: host.config.conversion.ffmpeg.clone(),
        wa_js: host.config.wa_js.clone(),
        memory_merge: host.config.memory_merge,
        state_dir: host.state.root().to_owned(),
        runtime_dir: host.run.root().to_owned(),
    };
    let mut findings =
        tokio::task::spawn_blocking(move || examine(&subject)).await.map_err(|error| broken(&error))?;
    findings.push(caps(host.memory.mode()));
    Ok(Json(Diagnosis { findings }))
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
