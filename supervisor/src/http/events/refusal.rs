//! [`Refusal`]: an answer that says what is wrong and with which field, in English: programs read it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::super::reply;
use crate::journal::JournalError;
use crate::logging::chain;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    error: String,
    field: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    status_code: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

impl Refusal {
    /// 400: a field is wrong.
    pub(super) fn field(field: &'static str, rule: impl std::fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: format!("{field} {rule}"), field: Some(field) }
    }

    /// 403: the key does not allow it.
    pub(super) fn forbidden(field: &'static str, rule: &str) -> Self {
        Self { status: StatusCode::FORBIDDEN, error: format!("{field} {rule}"), field: Some(field) }
    }

    /// 503: not now.
    pub(super) fn busy(error: &str) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error: error.into(), field: None }
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        tracing::error!(error = chain(&error), "events cannot be read");
        Self::busy("the journal cannot be read now; try again")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, error, field } = self;
        reply::json(status, &Body { status_code: status.as_u16(), error: &error, field })
    }
}
