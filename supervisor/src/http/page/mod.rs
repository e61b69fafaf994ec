//! What people look at: the page with one user's QR code, and the dashboard.
//!
//! Server-rendered; scripts only follow the changes. **Nothing comes from another host**, and the content
//! security policy says so. A page shows the same [`super::standing::Standing`] as the JSON answers.

mod dashboard;
mod events;
mod qr;
mod shown;
mod svg;

use askama::Template;
use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};

use super::Http;
use super::errors::Failure;
use crate::logging::chain;

pub(super) use dashboard::{list, to_sign_in};
pub(super) use qr::qr;

/// Its routes; the pages themselves stand at `/` and `/qr`, where programs get JSON.
pub(super) fn routes() -> Router<Http> {
    let css = || async { asset("text/css; charset=utf-8", include_str!("style.css")) };
    let qr_js = || async { asset("text/javascript; charset=utf-8", include_str!("qr.js")) };
    Router::new()
        .route("/qr/events", get(qr::events))
        .route("/qr/retry", post(qr::retry))
        .route("/assets/style.css", get(css))
        .route("/assets/qr.js", get(qr_js))
        .merge(dashboard::routes())
}

/// A page: never kept, never framed, with scripts and styles of our own origin only. The code is an image in
/// a `data:` address.
fn html(page: &impl Template) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                          img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    match page.render() {
        Ok(text) => {
            let headers = [
                (CACHE_CONTROL, "no-store"),
                (CONTENT_SECURITY_POLICY, POLICY),
                // Not `no-referrer`: with that a browser says `Origin: null` of our own forms.
                (REFERRER_POLICY, "same-origin"),
                (VARY, "Accept, Accept-Language, Cookie"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, Html(text)).into_response()
        }
        Err(error) => {
            tracing::error!(error = chain(&error), "a page could not be rendered");
            Failure::bug().into_response()
        }
    }
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, text).into_response()
}
