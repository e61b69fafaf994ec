//! What is noted of every request: one span that carries the user, one line at the end, and panics.
//!
//! Never notes a query, a body or an answer: they hold numbers, texts and QR codes.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use futures::FutureExt;
use tracing::{Instrument, Span, debug, error, field};

use super::access::Surface;
use crate::errors;

/// What is asked all day long and notes nothing of its own: making a span costs more than the answer.
const POLLED: [&str; 3] = ["/status", "/health", "/ping"];

/// In the place of a route for what has none.
const NO_ROUTE: &str = "(none)";

/// A request that has come in.
pub(super) struct Observed {
    route: Option<MatchedPath>,
    span: Span,
    surface: Surface,
    begun: Instant,
}

impl Observed {
    /// Before anything is done about it.
    pub(super) fn begin(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let name = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        let span = if POLLED.contains(&name) {
            tracing::debug_span!("http", method = %request.method(), route = name, user = field::Empty)
        } else {
            tracing::info_span!("http", method = %request.method(), route = name, user = field::Empty)
        };
        Self { span, surface: Surface::of(request.uri().path()), begun: Instant::now(), route }
    }

    /// Everything that is done about it.
    pub(super) fn around(self, answer: impl Future<Output = Response>) -> impl Future<Output = Response> {
        let Self { route, span, surface, begun } = self;
        async move {
            let response = AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
                error!(route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str), "a handler panicked");
                errors::bug(surface)
            });
            debug!(status = response.status().as_u16(), ms = begun.elapsed().as_millis(), "answered");
            colmeia_base::timing!("request", begun);
            response
        }
        .instrument(span)
    }
}
