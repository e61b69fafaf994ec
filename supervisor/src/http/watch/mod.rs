//! What other programs watch us by: whether we can serve, how each session is, and figures.
//!
//! `/health`, which Flask asks, stays shallow and is `flask/`'s. Nothing in here starts or changes anything.

mod health;
mod metrics;
mod ready;

use axum::Router;
use axum::routing::get;

use super::Http;

pub(super) use health::Health;
pub(super) use ready::Readiness;

/// Its routes.
pub(super) fn routes() -> Router<Http> {
    Router::new().route("/ready", get(ready::ready)).route("/metrics", get(metrics::metrics))
}
