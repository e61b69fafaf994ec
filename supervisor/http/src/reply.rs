//! The form of answers: JSON in UTF-8 that nobody keeps.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::errors::chain;
use colmeia_host::uploads::Fetched;
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

/// A file, piece by piece. Who reads it slowly has no more of it in our memory than a piece.
pub(super) fn file(file: Fetched) -> Response {
    let length = [(CONTENT_LENGTH, HeaderValue::from(file.length()))];
    (length, Body::from_stream(file.pieces())).into_response()
}
