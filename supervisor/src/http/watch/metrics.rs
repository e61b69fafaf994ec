//! `GET /metrics`: everything that is counted, in the text format of OpenMetrics.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::super::Http;
use super::super::errors::Failure;
use crate::logging::chain;
use crate::metrics::CONTENT_TYPE as OPENMETRICS;

pub(super) async fn metrics(State(http): State<Http>) -> Result<Response, Failure> {
    let sessions = http.operators.sessions().await.map_err(|error| {
        tracing::error!(error = chain(&error), "the sessions could not be read for the metrics");
        Failure::bug()
    })?;
    let text = http.metrics.encode(&sessions);
    Ok(([(CONTENT_TYPE, OPENMETRICS), (CACHE_CONTROL, "no-store")], text).into_response())
}
