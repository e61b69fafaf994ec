//! `GET /api/events`: events that are on disk, page by page.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::access::Caller;
use super::super::reply;
use super::query::EventQuery;
use super::source;
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_events::journal::{Cursor, EventId};

/// How many bytes of events an answer has, beside its last one: the rest is on the next page.
const BYTES: usize = 4 * 1024 * 1024;

/// A page.
#[derive(Serialize)]
struct ReplayAnswer {
    /// The oldest first.
    events: Vec<Box<RawValue>>,
    /// What to give as `after` for the next page; `null` when nothing more is there yet.
    next: Option<EventId>,
}

/// Answers with at most `limit` events after `after`.
pub(super) async fn replay(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let question = EventQuery::read(&query.unwrap_or_default())?;
    let (limit, from) = (question.limit, question.cursor(Cursor::Beginning));
    let source = source(&http, question, caller, &headers);
    let mut after = source.journal.place(from).await?;
    let (mut events, mut last, mut bytes) = (Vec::new(), None, 0);
    loop {
        let page = source.page(after, limit - events.len()).await?;
        for told in page.events.iter().filter_map(|event| source.tell(event)) {
            last = Some(told.id);
            bytes += told.json.len();
            events.extend(RawValue::from_string(told.json));
        }
        after = page.reached;
        if !page.more || events.len() >= limit || bytes >= BYTES {
            let next = last.filter(|_| page.more);
            return Ok(reply::ok(&ReplayAnswer { events, next }));
        }
    }
}
