//! What other programs watch us by: whether we can serve, how each session is, and figures.
//!
//! `/health`, which Flask asks, stays shallow and is `flask/`'s. Nothing in here starts or changes anything.

mod health;
mod metrics;
mod ready;

use super::routes::Route;

pub(super) use health::Health;
pub(super) use ready::Readiness;

/// Its routes.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::look("/ready", ready::ready), Route::look("/metrics", metrics::metrics)]
}
