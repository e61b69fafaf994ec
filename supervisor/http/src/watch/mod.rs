//! What other programs watch us by: whether we can serve, how each session is, and figures.
//!
//! `/health`, which Flask asks, stays shallow and is `flask/`'s. Nothing in here starts or changes anything.

pub(crate) mod health;
mod metrics;
pub(crate) mod ready;

use axum::extract::State;
use axum::response::Response;

use crate::route::Route;
use crate::state::Http;

/// Its routes.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::look("/ready", ready), Route::look("/metrics", metrics::metrics)]
}

async fn ready(State(http): State<Http>) -> Response {
    http.readiness.answer(&http.journal, &http.config).await
}
