//! What is noted of every request: one span that carries the user, one line at the end, and panics.
//!
//! Never notes a query, a body or an answer: they hold numbers, texts and QR codes.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::{Instrument, debug, error, field};

use super::access::Surface;
use super::api::ApiError;
use super::errors::Failure;

/// What is asked all day long and notes nothing of its own: making a span costs more than the answer.
const POLLED: [&str; 3] = ["/status", "/health", "/ping"];

/// Middleware: the outermost.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("(none)", MatchedPath::as_str);
    let span = if POLLED.contains(&route) {
        tracing::debug_span!("http", method = %request.method(), route, user = field::Empty)
    } else {
        tracing::info_span!("http", method = %request.method(), route, user = field::Empty)
    };
    let surface = Surface::of(request.uri().path());
    let begun = Instant::now();
    async move {
        let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            error!(route, "a handler panicked");
            match surface {
                Surface::Api => ApiError::bug().into_response(),
                Surface::Open | Surface::Pages => Failure::bug().into_response(),
            }
        });
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        debug!(status = response.status().as_u16(), ms, "answered");
        response
    }
    .instrument(span)
    .await
}
