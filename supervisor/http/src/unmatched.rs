//! What a request for a path or method gets that nobody serves: an error in the form of the surface that it was for.

use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::access::Surface;
use crate::api;
use crate::errors::FlaskError;

/// 404 for a path that nobody serves.
pub(super) async fn unknown_route(method: Method, uri: Uri) -> Response {
    match Surface::of(uri.path()) {
        Surface::Api => api::unknown_route(&method, uri.path()),
        Surface::Open | Surface::Pages => FlaskError::not_found("Rota não encontrada").into_response(),
    }
}

/// 405; the router adds `Allow`.
pub(super) async fn wrong_method(method: Method, uri: Uri) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    match Surface::of(uri.path()) {
        Surface::Api => api::wrong_method(&method, uri.path()),
        Surface::Open | Surface::Pages => {
            FlaskError::new(status, "Método não permitido nesta rota").into_response()
        }
    }
}
