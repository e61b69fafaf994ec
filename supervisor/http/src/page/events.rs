//! Server-sent events: a stream that tells a text whenever it changes, and ends when the service does.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio_util::sync::CancellationToken;

/// How often a silent stream shows that it is alive, so that nothing between us and the page closes it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where the texts of a stream come from.
pub(super) trait Source: Send + 'static {
    /// What is to be shown now.
    fn text(&mut self) -> impl Future<Output = String> + Send;
    /// Returns when that may have changed; `false` when it never will again.
    fn changed(&mut self) -> impl Future<Output = bool> + Send;
}

/// Tells the first text at once and then every different one.
pub(super) fn follow<S: Source>(source: S, shutdown: CancellationToken) -> Response {
    let events = stream::unfold((source, shutdown, None), |(mut source, shutdown, mut last)| async move {
        let next = async {
            loop {
                if last.is_some() && !source.changed().await {
                    return None;
                }
                let text = source.text().await;
                if last.as_ref() != Some(&text) {
                    return Some(text);
                }
            }
        };
        let text = shutdown.run_until_cancelled(next).await.flatten()?;
        last = Some(text.clone());
        Some((Ok::<_, Infallible>(Event::default().data(text)), (source, shutdown, last)))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
