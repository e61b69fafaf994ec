//! `GET /api/events/stream`: server-sent events, from `Last-Event-ID` or `after` on, else from now on.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt as _, stream};

use super::super::access::Caller;
use super::super::places::during;
use super::feed::Feed;
use super::query::EventQuery;
use super::{is_known, source};
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_events::journal::Cursor;

/// How often a silent stream shows that it is alive, so that nothing between us and the reader closes it.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader waits before it connects again.
const AGAIN: Duration = Duration::from_secs(2);

/// Tells events until the reader goes or the service ends.
pub(super) async fn stream(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut question = EventQuery::read(&query.unwrap_or_default())?;
    if let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) {
        let id = last.to_str().unwrap_or_default().parse();
        question.after = Some(id.map_err(|error| ApiError::field("Last-Event-ID", error))?);
    }
    let from = question.cursor(Cursor::End);
    let strange = http.places.strange(is_known(&http, &question).await)?;
    let feed = Feed::start(source(&http, question, caller, &headers), from).await?;
    let begin = stream::iter([Ok::<_, Infallible>(Event::default().retry(AGAIN))]);
    let events = stream::unfold((feed, http.shutdown.clone()), |(mut feed, shutdown)| async move {
        let told = shutdown.run_until_cancelled(feed.next()).await.flatten()?;
        Some((Ok(Event::default().id(told.id.to_string()).data(told.json)), (feed, shutdown)))
    });
    let sse = Sse::new(begin.chain(events)).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let mut response = sse.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(during(strange, response))
}
