//! What keeps users apart on this machine, said in the log once at each start, as `colmeiactl doctor` says it when asked.
//!
//! Owns the lines. What is looked at is `colmeia_doctor`'s; nothing follows from it here.

use std::sync::Arc;

use colmeia::admin::Verdict;
use colmeia_base::tasks;
use colmeia_doctor::Subject;
use colmeia_session::Host;

/// What is looked at, as this service is configured.
pub(crate) fn subject(host: &Host) -> Subject {
    let config = &host.config;
    Subject {
        browser: config.browser.clone(),
        worker: host.launch.program.clone(),
        browser_sandbox: config.browser_sandbox,
        own_uids: host.uids.in_force().gives_own(),
        ffmpeg: config.conversion.ffmpeg.clone(),
        wa_js: config.wa_js.clone(),
        memory_merge: config.memory_merge,
        state_dir: host.state.root().to_owned(),
        runtime_dir: host.run.root().to_owned(),
    }
}

/// Says it: what is as it should be in one word, and the rest with what can be done about it.
pub(crate) async fn tell(host: Arc<Host>) {
    let subject = subject(&host);
    let looked = tasks::blocking("apart", move || colmeia_doctor::apart(&subject)).await;
    for finding in looked.unwrap_or_default() {
        let (check, found) = (finding.check, finding.found);
        match finding.verdict {
            Verdict::Ok => tracing::info!(check, found, "what keeps users apart"),
            Verdict::Warning | Verdict::Problem => {
                let advice = finding.advice.unwrap_or_default();
                tracing::warn!(check, found, advice, "what keeps users apart is less than it could be");
            }
        }
    }
}
