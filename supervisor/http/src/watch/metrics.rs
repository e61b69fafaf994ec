//! `GET /metrics`: everything that is counted, in the text format of OpenMetrics.

use std::io;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::errors::FlaskError;
use crate::state::Http;
use colmeia::errors::chain;
use colmeia_control::operators::OperationError;
use colmeia_host::blocking;
use colmeia_metrics::{CONTENT_TYPE as OPENMETRICS, Process};

pub(super) async fn metrics(State(http): State<Http>) -> Result<Response, FlaskError> {
    let failed = |error: OperationError| {
        tracing::error!(error = chain(&error), "what the metrics tell could not be read");
        FlaskError::bug()
    };
    let sessions = http.operators.sessions_seen().await.map_err(failed)?;
    let queues = http.operators.event_queues().await.map_err(failed)?.queues;
    let process = match blocking::looking(Process::look).await.map_err(io::Error::other).flatten() {
        Ok(process) => Some(process),
        Err(error) => {
            tracing::warn!(error = chain(&error), "the metrics tell nothing of our own process");
            None
        }
    };
    let text = http.metrics.encode(&sessions, &queues, process.as_ref());
    Ok(([(CONTENT_TYPE, OPENMETRICS), (CACHE_CONTROL, "no-store")], text).into_response())
}
