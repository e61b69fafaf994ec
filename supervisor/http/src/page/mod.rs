//! What people look at: the page with one user's QR code, and the dashboard.
//!
//! Server-rendered; scripts only follow the changes. **Nothing comes from another host**, and the content
//! security policy says so. A page shows the same [`colmeia_control::summary::SessionSummary`] as the JSON answers.

mod dashboard;
mod events;
mod qr;
mod shown;
mod svg;
mod theme;

use askama::Template;
use axum::http::Method;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};

use crate::effect::Effect;
use crate::errors::FlaskError;
use crate::route::Route;
use colmeia::errors::chain;

pub(super) use dashboard::{list, nowhere, to_sign_in};
pub(super) use qr::{ask, qr};
pub(super) use shown::ASK;
pub(super) use shown::switched_off;

/// Its routes; the pages themselves stand at `/` and `/qr`, where programs get JSON.
pub(super) fn routes() -> Vec<Route> {
    let css = || async { asset("text/css; charset=utf-8", include_str!("style.css")) };
    let follow_js = || async { asset("text/javascript; charset=utf-8", include_str!("follow.js")) };
    let qr_js = || async { asset("text/javascript; charset=utf-8", include_str!("qr.js")) };
    let passkey_js = || async { asset("text/javascript; charset=utf-8", include_str!("passkey.js")) };
    // People paste it into the console of their own browser: it signs one request, and does nothing else.
    // A text to be copied: no page runs it from here.
    let sign_js = || async { asset("text/plain; charset=utf-8", include_str!("sign.js")) };
    let mut routes = vec![
        Route::new(Method::GET, "/qr/events", Effect::Change, qr::events),
        Route::post("/qr/retry", qr::retry),
        Route::post("/qr/passkey", qr::passkey),
        Route::post("/qr/passkey/confirm", qr::passkey_confirm),
        Route::post("/qr/passkey/cancel", qr::passkey_cancel),
        Route::look("/assets/follow.js", follow_js),
        Route::look("/assets/passkey.js", passkey_js),
        Route::look("/assets/sign.js", sign_js),
        Route::look("/assets/style.css", css),
        Route::look("/assets/qr.js", qr_js),
    ];
    routes.extend(dashboard::routes());
    routes
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
            FlaskError::bug().into_response()
        }
    }
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, text).into_response()
}
