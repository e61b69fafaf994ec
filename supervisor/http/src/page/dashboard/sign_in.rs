//! Signing in with an API key, and out again. Until there is a key, nobody on this machine or in a trusted network
//! needs to.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::super::super::access::{Peer, Refusal};
use super::super::super::user::Pairs;
use super::super::super::visitors::Visit;
use super::super::shown::ASK;
use super::told::Posted;
use super::{Frame, begin, html, own_path, see_other};
use crate::state::Http;

#[derive(Template)]
#[template(path = "dashboard/sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    next: &'a str,
    wrong: SignInError,
}

/// What was wrong with the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignInError {
    Nothing,
    Key,
    TooMany,
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
    page(&http, &headers, pairs.get("next").unwrap_or_default(), SignInError::Nothing)
}

/// `POST /sign-in`.
pub(super) async fn sign_in(Extension(peer): Extension<Peer>, posted: Posted) -> Response {
    if let Err(told) = posted.ours() {
        return posted.answer(&told, "/sign-in");
    }
    let Posted { http, headers, fields, .. } = &posted;
    match http.access.sign_in(&fields.key, peer, headers) {
        Ok(cookie) => {
            tracing::info!(from = ?peer.caller(), "someone signed in at the dashboard");
            begin(see_other(&after(&fields.next)), Some(cookie))
        }
        Err(Refusal::TooMany { secs }) => {
            let page = page(http, headers, &fields.next, SignInError::TooMany);
            (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, secs)], page).into_response()
        }
        Err(_) => {
            (StatusCode::UNAUTHORIZED, page(http, headers, &fields.next, SignInError::Key)).into_response()
        }
    }
}

/// Where who has signed in goes on. Whoever made the link to the sign-in chose it, so it changes nothing.
fn after(next: &str) -> String {
    let next = own_path(next);
    let (path, query) = next.split_once('?').unwrap_or((next, ""));
    match path {
        "/qr" => format!("/qr?{query}&{ASK}=1"),
        _ if path == "/" || path.starts_with("/sessions/") || path.starts_with("/docs") => next.to_owned(),
        _ => "/".to_owned(),
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(posted: Posted) -> Response {
    if let Err(told) = posted.ours() {
        return posted.answer(&told, "/");
    }
    let Posted { http, headers, .. } = &posted;
    let mut response = see_other("/");
    if let Some(visit) = Visit::of(headers) {
        response.headers_mut().append(SET_COOKIE, http.access.visitors.sign_out(&visit, headers));
    }
    response
}

fn page(http: &Http, headers: &HeaderMap, next: &str, wrong: SignInError) -> Response {
    let (frame, cookie) = Frame::new(http, headers, "/sign-in");
    begin(html(&SignInPage { frame, next: own_path(next), wrong }), cookie)
}
