//! `GET /metrics`: everything that is counted, in the text format of OpenMetrics.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::super::errors::Failure;
use crate::state::Http;
use colmeia::errors::chain;
use colmeia_control::operators::OperationError;
use colmeia_metrics::CONTENT_TYPE as OPENMETRICS;

pub(super) async fn metrics(State(http): State<Http>) -> Result<Response, Failure> {
    let failed = |error: OperationError| {
        tracing::error!(error = chain(&error), "what the metrics tell could not be read");
        Failure::bug()
    };
    let sessions = http.operators.sessions().await.map_err(failed)?;
    let queues = http.operators.event_queues().await.map_err(failed)?.queues;
    let text = http.metrics.encode(&sessions, &queues);
    Ok(([(CONTENT_TYPE, OPENMETRICS), (CACHE_CONTROL, "no-store")], text).into_response())
}
