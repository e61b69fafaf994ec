//! `/v1/events`: how much waits for whom, and having that tried now or given up; dead letters, and having them tried
//! again.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::{DeadLetters, Discarded, EventQueues, Replayed, Retried};
use serde::Deserialize;

use super::socket::Peer;
use super::{Admin, Refusal, refuse};
use colmeia_control::operators::{Asker, Letters};
use colmeia_events::journal::{EventId, Queues};

/// How many dead letters are shown when nobody says how many.
const USUAL: u32 = 100;

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventsQuery {
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

/// What may stand behind a `?` where queues are meant.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Meant {
    /// The number of one.
    queue: Option<i64>,
    /// All of this user's.
    user: Option<UserId>,
    /// Really all of them.
    all: bool,
    /// The event that is expected to have its turn.
    event: Option<String>,
}

/// `POST /v1/events/retry`.
pub(super) async fn retry(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(meant): Query<Meant>,
) -> Result<Json<Retried>, Refusal> {
    let queues = match meant {
        Meant { queue: Some(id), user: None, all: false, event: None } => Queues::Numbered(id),
        Meant { queue: None, user: Some(user), all: false, event: None } => Queues::Of(user),
        Meant { queue: None, user: None, all: true, event: None } => Queues::All,
        _ => return Err(refuse(StatusCode::BAD_REQUEST, "say which, in one way: queue, user, or all=true")),
    };
    Ok(Json(admin.app.operators.retry(queues, process(peer)).await?))
}

/// `POST /v1/events/discard`.
pub(super) async fn discard(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(meant): Query<Meant>,
) -> Result<Json<Discarded>, Refusal> {
    let Meant { queue: Some(queue), user: None, all: false, event } = meant else {
        return Err(refuse(StatusCode::BAD_REQUEST, "say which queue, by its number, and no other"));
    };
    let event = event.map(|event| event.parse::<EventId>()).transpose();
    let event = event.map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("event {error}")))?;
    Ok(Json(admin.app.operators.discard(queue, event, process(peer)).await?))
}

fn process(peer: Peer) -> Asker {
    Asker::Process { uid: peer.uid, pid: peer.pid }
}

/// `GET /v1/events/dead`.
pub(super) async fn dead(
    State(admin): State<Admin>,
    Query(wishes): Query<EventsQuery>,
) -> Result<Json<DeadLetters>, Refusal> {
    let limit = wishes.limit.unwrap_or(USUAL);
    Ok(Json(admin.app.operators.dead_letters(wishes.user, limit).await?))
}

/// `POST /v1/events/replay`.
pub(super) async fn replay(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(wishes): Query<EventsQuery>,
) -> Result<Json<Replayed>, Refusal> {
    let letters = match wishes {
        EventsQuery { ids: Some(ids), user: None, all: false, .. } => {
            let ids = ids.split(',').map(str::parse).collect::<Result<_, _>>();
            Letters::Named(
                ids.map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("each of ids {error}")))?,
            )
        }
        EventsQuery { ids: None, user: Some(user), all: false, .. } => Letters::Of(user),
        EventsQuery { ids: None, user: None, all: true, .. } => Letters::All,
        _ => return Err(refuse(StatusCode::BAD_REQUEST, "say which, in one way: ids, user, or all=true")),
    };
    Ok(Json(admin.app.operators.replay(letters, process(peer)).await?))
}
