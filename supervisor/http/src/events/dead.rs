//! `/api/events/dead` and `/api/events/replay`: what could not be delivered, and having it tried again.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::access::{Caller, KeyAction};
use super::super::reply;
use super::query::EventQuery;
use super::source;
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_events::delivery::shown;
use colmeia_events::journal::Which;

/// What could not be delivered, the newest first.
#[derive(Serialize)]
struct Letters {
    dead: Vec<Letter>,
}

/// One of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Letter {
    /// The event as it would have been sent.
    event: Box<RawValue>,
    /// The receiver's host; the rest of the address may be a secret.
    receiver: String,
    attempts: u32,
    /// How the last attempt ended.
    error: String,
    /// When it was given up, in milliseconds since the epoch.
    died: i64,
}

/// How many are tried again.
#[derive(Serialize)]
struct Replayed {
    replayed: usize,
}

/// Answers with at most `limit` dead letters, of one session where one is named.
pub(super) async fn list(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let question = EventQuery::read(&query.unwrap_or_default())?;
    let which = Which { user: question.session.clone(), rows: None };
    let limit = u32::try_from(question.limit).unwrap_or(u32::MAX);
    let source = source(&http, question, caller, &headers);
    let dead = http.journal.dead(which, limit).await?.into_iter().filter_map(|letter| {
        let event = RawValue::from_string(source.tell(&letter.event)?.json).ok()?;
        let wanted = source.question.wants(letter.event.kind) && (source.scope)(&letter.event.user);
        wanted.then(|| Letter {
            event,
            receiver: shown(&letter.address),
            attempts: letter.attempts,
            error: letter.error,
            died: letter.died_ms,
        })
    });
    Ok(reply::ok(&Letters { dead: dead.collect() }))
}

/// Has dead letters tried again: all, or those of one session, or those that are named by `id`. A key with limits
/// has to name a session that it may control.
pub(super) async fn replay(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let question = EventQuery::read(&query.unwrap_or_default())?;
    let may = |session| caller.may(KeyAction::Control, session);
    if !caller.is_admin() && !question.session.as_ref().is_some_and(may) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "session has to be one that this key may control"));
    }
    let rows = question.ids.iter().filter_map(|id| http.journal.row(*id)).collect();
    let rows = Some(rows).filter(|_| !question.ids.is_empty());
    let which = Which { user: question.session, rows };
    Ok(reply::ok(&Replayed { replayed: http.journal.replay(which).await? }))
}
