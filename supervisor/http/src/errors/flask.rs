//! Flask's form: `{"error": …}` with a status, in Portuguese, because pages show it. Knows no route.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::{Form, HttpError};
use crate::negotiate::Language;
use crate::reply;

/// An error of Flask's routes and of the pages.
pub(crate) type FlaskError = HttpError<Flask>;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flask {}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    restriction: Option<&'a str>,
    /// When that ends, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

impl Form for Flask {
    const LANGUAGE: Language = Language::Portuguese;

    fn answer(error: &FlaskError) -> Response {
        let (restriction, until) = error.restriction();
        reply::json(error.status, &Body { error: &error.text, restriction, until })
    }
}

impl FlaskError {
    /// 500: it did not work, and that was not the caller's fault.
    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// 500: a bug. What happened is in the log and not in the answer.
    pub(crate) fn bug() -> Self {
        Self::internal("Erro interno do serviço. Tente novamente.")
    }
}
