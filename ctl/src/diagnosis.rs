//! `doctor`: asks the service about its machine, or looks itself where no service answers.

use std::path::PathBuf;

use colmeia::admin::{Diagnosis, Finding, Verdict};
use colmeia::config::{ServiceConfig, WorkerUids};
use colmeia_doctor::{Subject, examine};

use crate::client::{Client, ClientError};
use crate::table::plain;

/// Where the service's configuration lies.
const CONFIG: &str = "/etc/colmeia/colmeia.toml";

/// All findings; the first says whether the service answers.
pub(crate) async fn diagnose(client: &Client) -> Result<Diagnosis, ClientError> {
    let check = String::from("service");
    let (first, mut rest) = match client.get::<Diagnosis>("/v1/doctor").await {
        Ok(diagnosis) => {
            let found = "it answers, and looked at itself".into();
            (Finding { check, verdict: Verdict::Ok, found, advice: None }, diagnosis.findings)
        }
        Err(error @ ClientError::Unreachable { .. }) => {
            let advice = "start it (systemctl start colmeia); what follows was seen by you, not by it".into();
            let found = error.to_string();
            (Finding { check, verdict: Verdict::Problem, found, advice: Some(advice) }, examine(&subject()))
        }
        Err(error) => return Err(error),
    };
    rest.insert(0, first);
    Ok(Diagnosis { findings: rest })
}

/// What the service would use, as far as its file says it.
fn subject() -> Subject {
    let text = std::fs::read_to_string(CONFIG).unwrap_or_default();
    let config: ServiceConfig = toml::from_str(&text).unwrap_or_default();
    Subject {
        browser: config.browser,
        worker: config.worker.unwrap_or_else(|| PathBuf::from("/usr/bin/colmeia-worker")),
        browser_sandbox: config.browser_sandbox,
        own_uids: config.worker_uids != WorkerUids::Off,
        ffmpeg: config.conversion.ffmpeg,
        wa_js: config.wa_js,
        state_dir: config.state_dir,
        memory_merge: config.memory_merge,
        runtime_dir: config.runtime_dir.unwrap_or_else(|| PathBuf::from("/run/colmeia")),
    }
}

/// The findings as text.
pub(crate) fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    for finding in &diagnosis.findings {
        let word = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "PROBLEM",
        };
        text.push_str(&format!("{word:<8} {:<18} {}\n", finding.check, plain(&finding.found)));
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("{:<27} → {}\n", "", plain(advice)));
        }
    }
    text
}

/// Whether something does not work.
pub(crate) fn is_unwell(diagnosis: &Diagnosis) -> bool {
    diagnosis.findings.iter().any(|finding| finding.verdict == Verdict::Problem)
}
