//! The dashboard: all sessions at `/`, and one page for each, for whoever runs the service.
//!
//! Server-rendered, in both languages, and of use without scripts: a script only puts the changes on the page as they
//! come ([`super::events`]) and sends forms without leaving it. What is seen and done is [`colmeia_control::operators`]'s, the
//! same that the admin socket has. Looking starts nothing.
//!
//! ```text
//! list ─▶ session ─▶ actions (forms with a token) ─▶ operators
//!            └─────▶ confirm (what cannot be undone)
//! ```

mod actions;
mod bulk;
mod chats;
mod deliveries;
mod failures;
mod history;
mod keys;
mod known;
mod label;
mod limits;
mod list;
mod log;
mod log_lines;
mod machine;
mod messages;
mod pairing;
mod plot;
mod query;
mod refused;
mod rows;
mod session;
mod settings;
mod sign_in;
mod told;
mod words;
mod writing;

use axum::extract::Path;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::external;
use super::super::negotiate::Language;
use super::super::user::Pairs;
use super::super::visitors::Visit;
use super::theme::Theme;
use super::{asset, html};
use crate::effect::Effect;
use crate::route::Route;
use crate::state::Http;

pub(in super::super) use list::list;
pub(in super::super) use sign_in::to_sign_in;
pub(in super::super) use told::nowhere;

/// Its routes; the list itself stands at `/`, where programs get JSON.
pub(super) fn routes() -> Vec<Route> {
    let js = || async { asset("text/javascript; charset=utf-8", include_str!("dashboard.js")) };
    let css = || async { asset("text/css; charset=utf-8", include_str!("dashboard.css")) };
    vec![
        Route::post("/sessions", actions::create),
        Route::post("/bulk", bulk::change),
        Route::look("/sessions/events", list::events),
        Route::look("/sessions/{user}", session::session),
        // It keeps a session awake that waits for its phone.
        Route::new(Method::GET, "/sessions/{user}/events", Effect::Change, session::events),
        Route::look("/sessions/{user}/confirm/{operation}", actions::confirm),
        Route::look("/sessions/{user}/chats", chats::list),
        Route::look("/sessions/{user}/open", chats::open),
        Route::look("/sessions/{user}/settings", settings::settings),
        Route::post("/sessions/{user}/settings/{part}", settings::change),
        Route::look("/sessions/{user}/log", log::log),
        Route::look("/sessions/{user}/log/events", log::events),
        Route::look("/sessions/{user}/chats/{chat}", chats::chat),
        Route::look("/sessions/{user}/chats/{chat}/events", chats::events),
        Route::post("/sessions/{user}/chats/{chat}/send", writing::send),
        Route::post("/sessions/{user}/chats/{chat}/seen", writing::seen),
        Route::post("/sessions/{user}/pairing-code", pairing::code),
        Route::post("/sessions/{user}/replay", deliveries::replay),
        Route::post("/sessions/{user}/retry", deliveries::retry),
        Route::post("/sessions/{user}/discard", deliveries::discard),
        Route::post("/sessions/{user}/label", label::label),
        Route::post("/sessions/{user}/{operation}", actions::change),
        Route::look("/keys", keys::keys),
        Route::post("/keys", keys::add),
        Route::post("/keys/remove", keys::remove),
        Route::look("/sign-in", sign_in::form),
        Route::post("/sign-in", sign_in::sign_in),
        Route::post("/sign-out", sign_in::sign_out),
        Route::new(Method::GET, "/language/{tag}", Effect::Change, language),
        Route::new(Method::GET, "/theme/{tag}", Effect::Change, theme),
        Route::look("/assets/dashboard.js", js),
        Route::look("/assets/dashboard.css", css),
    ]
}

/// What every page of it has around its own part.
struct Frame {
    language: Language,
    english: bool,
    theme: Theme,
    /// What stands before all our paths.
    base: String,
    /// Where the page itself stands below it: where a change of language comes back to.
    path: String,
    /// Whether there is a visit to be ended.
    signed_in: bool,
    /// What a form has to carry.
    token: String,
}

impl Frame {
    /// For this request, with the cookie of a visit that begins with it.
    fn new(http: &Http, headers: &HeaderMap, path: impl Into<String>) -> (Self, Option<HeaderValue>) {
        let (visit, cookie) = Visit::of_or_new(headers);
        let language = Language::of(headers);
        let frame = Self {
            language,
            english: language == Language::English,
            theme: Theme::of(headers),
            base: external::prefix(headers).to_owned(),
            path: path.into(),
            signed_in: http.access.is_signed_in(headers),
            token: http.access.visitors.token(&visit),
        };
        (frame, cookie)
    }
}

/// What a form may carry; each reads what it needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    token: String,
    user_id: String,
    phone: String,
    queue: String,
    event: String,
    key: String,
    next: String,
    label: String,
    tags: String,
    text: String,
}

/// Adds the cookie of what begins with this answer: a visit, a choice.
fn begin(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Go there, with `GET`.
pub(super) fn see_other(path: &str) -> Response {
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
async fn language(headers: HeaderMap, Path(tag): Path<String>, pairs: Pairs) -> Response {
    let chosen = Language::of_tag(&tag).map(|language| language.cookie(external::cookie_path(&headers)));
    begin(see_other(own_path(pairs.get("back").unwrap_or_default())), chosen)
}

/// `GET /theme/{tag}?back=`: remembers a choice, too.
async fn theme(headers: HeaderMap, Path(tag): Path<String>, pairs: Pairs) -> Response {
    let chosen = Theme::of_tag(&tag).map(|theme| theme.cookie(external::cookie_path(&headers)));
    begin(see_other(own_path(pairs.get("back").unwrap_or_default())), chosen)
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
