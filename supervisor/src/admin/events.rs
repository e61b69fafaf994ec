//! `/v1/events`: how much waits for whom, dead letters, and having them tried again.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::{DeadLetters, EventQueues, Replayed};
use serde::Deserialize;

use super::socket::Peer;
use super::{Admin, Refusal, refuse};
use crate::operators::{Asker, Letters};

/// How many dead letters are shown when nobody says how many.
const USUAL: u32 = 100;

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wishes {
    /// Only this user's.
    user: Option<UserId>,
    /// Only these events, separated by commas.
    ids: Option<String>,
    /// Really all of them.
    all: bool,
    limit: Option<u32>,
}

/// `GET /v1/events/queues`.
pub(super) async fn queues(State(admin): State<Admin>) -> Result<Json<EventQueues>, Refusal> {
    Ok(Json(admin.app.operators.event_queues().await?))
}

/// `GET /v1/events/dead`.
pub(super) async fn dead(
    State(admin): State<Admin>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<DeadLetters>, Refusal> {
    let limit = wishes.limit.unwrap_or(USUAL);
    Ok(Json(admin.app.operators.dead_letters(wishes.user, limit).await?))
}

/// `POST /v1/events/replay`.
pub(super) async fn replay(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<Replayed>, Refusal> {
    let letters = match wishes {
        Wishes { ids: Some(ids), user: None, all: false, .. } => {
            let ids = ids.split(',').map(str::parse).collect::<Result<_, _>>();
            Letters::Named(
                ids.map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("each of ids {error}")))?,
            )
        }
        Wishes { ids: None, user: Some(user), all: false, .. } => Letters::Of(user),
        Wishes { ids: None, user: None, all: true, .. } => Letters::All,
        _ => return Err(refuse(StatusCode::BAD_REQUEST, "say which, in one way: ids, user, or all=true")),
    };
    let asker = Asker::Process { uid: peer.uid, pid: peer.pid };
    Ok(Json(admin.app.operators.replay(letters, asker).await?))
}
