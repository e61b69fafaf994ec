//! The dashboard: all sessions at `/`, and one page for each, for whoever runs the service.
//!
//! Server-rendered, in both languages, and of use without scripts: a script only puts the changes on the page as they
//! come ([`super::events`]) and sends forms without leaving it. What is seen and done is [`crate::operators`]'s, the
//! same that the admin socket has. Looking starts nothing.
//!
//! ```text
//! list ─▶ session ─▶ actions (forms with a token) ─▶ operators
//!            └─────▶ confirm (what cannot be undone)
//! ```

mod actions;
mod list;
mod pairing;
mod session;
mod sign_in;
mod told;
mod words;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::super::Http;
use super::super::negotiate::Language;
use super::super::user::Pairs;
use super::super::visitors::Visit;
use super::{asset, html};

pub(in super::super) use list::list;
pub(in super::super) use sign_in::to_sign_in;

/// Its routes; the list itself stands at `/`, where programs get JSON.
pub(super) fn routes() -> Router<Http> {
    let js = || async { asset("text/javascript; charset=utf-8", include_str!("dashboard.js")) };
    let css = || async { asset("text/css; charset=utf-8", include_str!("dashboard.css")) };
    Router::new()
        .route("/sessions", post(actions::create))
        .route("/sessions/events", get(list::events))
        .route("/sessions/{user}", get(session::session))
        .route("/sessions/{user}/events", get(session::events))
        .route("/sessions/{user}/confirm/{operation}", get(actions::confirm))
        .route("/sessions/{user}/pairing-code", post(pairing::code))
        .route("/sessions/{user}/replay", post(actions::replay))
        .route("/sessions/{user}/{operation}", post(actions::change))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/language/{tag}", get(language))
        .route("/assets/dashboard.js", get(js))
        .route("/assets/dashboard.css", get(css))
}

/// What every page of it has around its own part.
struct Frame {
    language: Language,
    english: bool,
    /// Where the page itself stands: where a change of language comes back to.
    path: String,
    /// Whether there is a visit to be ended.
    signed_in: bool,
    /// What a form has to carry.
    token: String,
}

impl Frame {
    /// For a request of this visit.
    fn new(http: &Http, headers: &HeaderMap, visit: &Visit, path: impl Into<String>) -> Self {
        let language = Language::of(headers);
        Self {
            language,
            english: language == Language::English,
            path: path.into(),
            signed_in: http.access.is_signed_in(headers),
            token: http.access.visitors.token(visit),
        }
    }
}

/// What a form may carry; each reads what it needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    token: String,
    user_id: String,
    phone: String,
    key: String,
    next: String,
}

/// Adds the cookie of a visit that begins with this answer.
fn begin(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Go there, with `GET`.
fn see_other(path: &str) -> Response {
    let place = HeaderValue::from_str(path).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}

/// A path of ours that a request named; anything else is the list.
fn own_path(path: &str) -> &str {
    let ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if ours { path } else { "/" }
}

/// `GET /language/{tag}?back=`: remembers a choice.
async fn language(State(_): State<Http>, Path(tag): Path<String>, pairs: Pairs) -> Response {
    let mut response = see_other(own_path(pairs.get("back").unwrap_or_default()));
    if let Some(cookie) = Language::of_tag(&tag).and_then(|language| language.cookie().parse().ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for path in ["/", "/sessions/3", "/sessions/3?x=1"] {
            assert_eq!(own_path(path), path);
        }
        for path in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nset-cookie: x", "/á"]
        {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
    }
}
