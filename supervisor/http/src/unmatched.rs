//! What a request for a path or method gets that nobody serves: an error in the form of the surface that it was for,
//! and a page for a browser.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::access::Surface;
use crate::api;
use crate::errors::FlaskError;
use crate::negotiate::wants_html;
use crate::page;
use crate::state::Http;

/// 404 for a path that nobody serves.
pub(super) async fn unknown_route(
    State(http): State<Http>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match Surface::of(uri.path()) {
        Surface::Api => api::unknown_route(&method, uri.path()),
        _ if wants_html(&headers) => page::nowhere(&http, &headers, StatusCode::NOT_FOUND),
        Surface::Open | Surface::Pages => FlaskError::not_found("Rota não encontrada").into_response(),
    }
}

/// 405; the router adds `Allow`.
pub(super) async fn wrong_method(
    State(http): State<Http>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    match Surface::of(uri.path()) {
        Surface::Api => api::wrong_method(&method, uri.path()),
        // Where a form was refused and its address is opened again.
        _ if wants_html(&headers) => page::nowhere(&http, &headers, status),
        Surface::Open | Surface::Pages => {
            FlaskError::new(status, "Método não permitido nesta rota").into_response()
        }
    }
}
