//! Signing in with an API key, and out again. On loopback and from trusted networks nobody needs to.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::super::super::Http;
use super::super::super::user::Pairs;
use super::super::super::visitors::Visit;
use super::told::ours;
use super::{Fields, Frame, begin, html, own_path, see_other};

#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct Page<'a> {
    frame: Frame,
    next: &'a str,
    wrong: bool,
}

/// Where who has no key yet is sent instead of the page that was asked for.
pub(in super::super::super) fn to_sign_in(asked: &Uri) -> Response {
    // Whole paths of ours need no escaping but for what would end the value.
    let next = own_path(asked.path_and_query().map_or("/", |path| path.as_str()));
    let next = next.replace('%', "%25").replace('&', "%26").replace('#', "%23").replace('+', "%2B");
    see_other(&format!("/sign-in?next={next}"))
}

/// `GET /sign-in`.
pub(super) async fn form(State(http): State<Http>, headers: HeaderMap, pairs: Pairs) -> Response {
    page(&http, &headers, pairs.get("next").unwrap_or_default(), false)
}

/// `POST /sign-in`.
pub(super) async fn sign_in(
    State(http): State<Http>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    if let Err(told) = ours(&http, &headers, &fields) {
        return told.answer(&http, &headers, "/sign-in");
    }
    match http.access.sign_in(&fields.key, &headers) {
        Some(cookie) => {
            tracing::info!("someone signed in at the dashboard");
            begin(see_other(own_path(&fields.next)), Some(cookie))
        }
        None => {
            tracing::warn!("a wrong key was shown at the dashboard");
            (StatusCode::UNAUTHORIZED, page(&http, &headers, &fields.next, true)).into_response()
        }
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(http): State<Http>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    if let Err(told) = ours(&http, &headers, &fields) {
        return told.answer(&http, &headers, "/");
    }
    let mut response = see_other("/");
    if let Some(visit) = Visit::of(&headers) {
        response.headers_mut().append(SET_COOKIE, http.access.visitors.sign_out(&visit, &headers));
    }
    response
}

fn page(http: &Http, headers: &HeaderMap, next: &str, wrong: bool) -> Response {
    let (visit, cookie) = Visit::of_or_new(headers);
    let frame = Frame::new(http, headers, &visit, "/sign-in");
    begin(html(&Page { frame, next: own_path(next), wrong }), cookie)
}
