//! The machine as the service itself sees it: with its own user, namespaces and limits.

use axum::Json;
use axum::extract::State;
use colmeia::admin::Diagnosis;
use colmeia_doctor::{Subject, examine};

use super::{Admin, Refusal, broken};

/// `GET /v1/doctor`.
pub(super) async fn doctor(State(admin): State<Admin>) -> Result<Json<Diagnosis>, Refusal> {
    let host = &admin.app.host;
    let subject = Subject {
        browser: host.config.browser.clone(),
        wa_js: host.config.wa_js.clone(),
        state_dir: host.state.root().to_owned(),
        runtime_dir: host.run.root().to_owned(),
    };
    let findings = tokio::task::spawn_blocking(move || examine(&subject)).await;
    findings.map(|findings| Json(Diagnosis { findings })).map_err(|error| broken(&error))
}
