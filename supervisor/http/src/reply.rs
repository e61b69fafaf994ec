//! The form of answers: JSON in UTF-8 that nobody keeps.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::errors::chain;
use serde::Serialize;

/// A JSON answer. States change from second to second and QR codes are secrets: no cache keeps it.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    match serde_json::to_vec(body) {
        Ok(body) => (status, headers, body).into_response(),
        Err(error) => {
            tracing::error!(error = chain(&error), "an answer has no JSON form");
            (StatusCode::INTERNAL_SERVER_ERROR, headers, r#"{"error":"Erro interno do serviço"}"#)
                .into_response()
        }
    }
}

/// 200 with this.
pub(super) fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}
