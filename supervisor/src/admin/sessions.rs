//! What operators see: the service, the list, one session. Owns the routes; what is read of a session is
//! [`colmeia_control::operators`]'s.

use axum::Json;
use axum::extract::{Path, Query, State};
use colmeia::admin::{Service, SessionDetail, Sessions};
use serde::Deserialize;

use super::{Admin, Refusal, limits, parse};
use colmeia_control::operators::{self, millis};

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SessionsQuery {
    qr: bool,
    number: bool,
}

/// `GET /v1/service`.
pub(super) async fn service(State(admin): State<Admin>) -> Json<Service> {
    let host = &admin.app.host;
    Json(Service {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        started_ms: millis(admin.started),
        listen: admin.app.listen.to_string(),
        state_dir: host.state.root().display().to_string(),
        runtime_dir: host.run.root().display().to_string(),
        draining: admin.app.drain.is_on(),
        memory_mode: Some(host.memory.mode().name().into()),
    })
}

/// `GET /v1/sessions`.
pub(super) async fn list(State(admin): State<Admin>) -> Result<Json<Sessions>, Refusal> {
    let sessions = admin.app.operators.sessions().await?;
    Ok(Json(Sessions { draining: admin.app.drain.is_on(), sessions }))
}

/// `GET /v1/sessions/{user}`.
pub(super) async fn show(
    State(admin): State<Admin>,
    Path(user): Path<String>,
    Query(SessionsQuery { qr, number }): Query<SessionsQuery>,
) -> Result<Json<SessionDetail>, Refusal> {
    let wishes = operators::Details { qr, number };
    let user = parse(&user)?;
    let detail = admin.app.operators.session(user.clone(), wishes).await?;
    let uid = admin.app.host.uids.own(&user);
    let own = limits::kept(&admin.app, &user)?;
    Ok(Json(SessionDetail { limits: Some(limits::of(&admin.app, &user, own)), uid, ..detail }))
}
