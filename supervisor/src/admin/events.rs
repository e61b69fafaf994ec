//! What operators see of events on their way out: how much waits for whom, what was given up, and having that tried
//! again. Shows no payload: only which event, whose, and what went wrong.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::{DeadLetter, DeadLetters, EventQueue, EventQueues, Replayed};
use serde::Deserialize;

use super::socket::Peer;
use super::{Admin, Refusal, broken, refuse};
use crate::delivery::shown;
use crate::journal::{EventId, Which};

/// How many dead letters are shown when nobody says how many.
const USUAL: u32 = 100;
/// The most that are shown.
const MOST: u32 = 10_000;

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
    let loads = admin.app.journal.loads().await.map_err(|error| broken(&error))?;
    let queues = loads.into_iter().map(|load| EventQueue {
        user: load.queue.user,
        receiver: shown(&load.queue.address),
        pending: load.pending.unsigned_abs(),
        dead: load.dead.unsigned_abs(),
    });
    Ok(Json(EventQueues { queues: queues.collect() }))
}

/// `GET /v1/events/dead`.
pub(super) async fn dead(
    State(admin): State<Admin>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<DeadLetters>, Refusal> {
    let limit = wishes.limit.unwrap_or(USUAL).min(MOST);
    let which = Which { user: wishes.user, rows: None };
    let letters = admin.app.journal.dead(which, limit).await.map_err(|error| broken(&error))?;
    let letters = letters.into_iter().map(|letter| DeadLetter {
        id: letter.event.id.to_string(),
        event: letter.event.kind.name().into(),
        receiver: shown(&letter.address),
        created_ms: letter.event.created_ms.unsigned_abs(),
        died_ms: letter.died_ms.unsigned_abs(),
        attempts: letter.attempts,
        error: letter.error,
        user: letter.event.user,
    });
    Ok(Json(DeadLetters { letters: letters.collect() }))
}

/// `POST /v1/events/replay`.
pub(super) async fn replay(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<Replayed>, Refusal> {
    if wishes.user.is_none() && wishes.ids.is_none() && !wishes.all {
        return Err(refuse(StatusCode::BAD_REQUEST, "say which: ids, user, or all=true"));
    }
    let journal = &admin.app.journal;
    let row = |id: &str| match id.parse::<EventId>() {
        Ok(id) => journal
            .row(id)
            .ok_or_else(|| refuse(StatusCode::NOT_FOUND, format!("{id} is no event of this journal"))),
        Err(error) => Err(refuse(StatusCode::BAD_REQUEST, format!("ids {error}"))),
    };
    let rows = wishes.ids.as_deref().map(|ids| ids.split(',').map(row).collect()).transpose()?;
    let which = Which { user: wishes.user, rows };
    let replayed = journal.replay(which).await.map_err(|error| broken(&error))?;
    tracing::info!(
        replayed,
        uid = peer.uid,
        pid = peer.pid,
        "dead letters are tried again, asked by an operator"
    );
    Ok(Json(Replayed { replayed: replayed as u64 }))
}
