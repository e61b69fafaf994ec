//! One user's limits: looked at, set, taken back. The words on the wire are [`colmeia::admin::Limits`]'s; who keeps
//! and applies them is the user's task.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::{Limits, MemoryLimits};
use colmeia::config::{MemoryOverrides, MemoryPolicy};

use super::socket::Peer;
use super::{Admin, App, Refusal, parse, refuse};
use colmeia::errors::chain;
use colmeia_session::limits::{self, LimitsError};

/// `GET /v1/sessions/{user}/limits`.
pub(super) async fn show(
    State(admin): State<Admin>,
    Path(user): Path<String>,
) -> Result<Json<Limits>, Refusal> {
    let user = parse(&user)?;
    admin.app.operators.known(&user).await?;
    let own = kept(&admin.app, &user)?;
    Ok(Json(of(&admin.app, &user, own)))
}

/// `PUT /v1/sessions/{user}/limits`: exactly these from now on. A field that is left out is the configuration's.
pub(super) async fn set(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Path(user): Path<String>,
    body: Bytes,
) -> Result<Json<Limits>, Refusal> {
    let wrong = |error: String| refuse(StatusCode::BAD_REQUEST, error);
    let value: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| wrong(format!("the body is no JSON: {error}")))?;
    let own = MemoryOverrides::from_json(&value).map_err(|error| wrong(error.to_string()))?;
    change(&admin, peer, &user, own).await
}

/// `DELETE /v1/sessions/{user}/limits`: the configuration's again.
pub(super) async fn clear(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Path(user): Path<String>,
) -> Result<Json<Limits>, Refusal> {
    change(&admin, peer, &user, MemoryOverrides::default()).await
}

async fn change(
    admin: &Admin,
    peer: Peer,
    user: &str,
    own: MemoryOverrides,
) -> Result<Json<Limits>, Refusal> {
    let user = parse(user)?;
    let handle = admin.app.operators.known(&user).await?;
    tracing::info!(%user, ?own, uid = peer.uid, pid = peer.pid, "limits set by an operator");
    let applied = handle.limit(own).await.map_err(|error| {
        let status = match error {
            LimitsError::Invalid(_) => StatusCode::BAD_REQUEST,
            LimitsError::Disk(_) => StatusCode::INSUFFICIENT_STORAGE,
            LimitsError::Unread(_) | LimitsError::Gone => StatusCode::SERVICE_UNAVAILABLE,
        };
        refuse(status, chain(&error))
    })?;
    Ok(Json(Limits { applied: Some(applied), ..of(&admin.app, &user, own) }))
}

/// What is set for the user.
///
/// # Errors
/// When it cannot be read just now.
pub(super) fn kept(app: &App, user: &UserId) -> Result<MemoryOverrides, Refusal> {
    let own = limits::load(&app.host.state, app.host.memory_of(user), user);
    own.map_err(|error| refuse(StatusCode::SERVICE_UNAVAILABLE, chain(&error)))
}

/// What follows from what is set for the user.
pub(super) fn of(app: &App, user: &UserId, own: MemoryOverrides) -> Limits {
    Limits {
        user: user.clone(),
        kept_by: app.host.memory.mode().name().into(),
        own,
        in_force: numbers(&app.host.memory_of(user).overridden(own)),
        applied: None,
    }
}

fn numbers(policy: &MemoryPolicy) -> MemoryLimits {
    MemoryLimits {
        high_mb: policy.high_mb,
        max_mb: policy.max_mb,
        swap_max_mb: policy.swap_max_mb,
        pids_max: policy.pids_max,
        cpu_weight: policy.cpu_weight,
    }
}
