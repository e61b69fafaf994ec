//! `GET /`: what this is. A browser gets the page with all users.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;

use super::super::user::{Pairs, RequestUser};
use super::super::{negotiate, page, reply};
use crate::state::Http;
use colmeia_control::summary::SessionSummary;

#[derive(Serialize)]
struct Index {
    service: &'static str,
    status: &'static str,
    ready: bool,
    endpoints: Endpoints,
}

#[derive(Serialize)]
struct Endpoints {
    health: &'static str,
    qr: &'static str,
    status: &'static str,
    send: &'static str,
    disconnect: &'static str,
    chats: &'static str,
    messages: &'static str,
    media: &'static str,
}

const ENDPOINTS: Endpoints = Endpoints {
    health: "GET /health",
    qr: "GET /qr?user_id=1",
    status: "GET /status?user_id=1",
    send: "POST /send?user_id=1",
    disconnect: "POST /disconnect?user_id=1",
    chats: "GET /chats?user_id=1",
    messages: "GET /chats/{chatId}/messages?user_id=1",
    media: "GET /media/{messageId}?user_id=1",
};

pub(super) async fn index(
    State(http): State<Http>,
    headers: HeaderMap,
    RequestUser(user): RequestUser,
    pairs: Pairs,
) -> Response {
    if negotiate::wants_html(&headers) {
        return page::list(&http, &headers, &pairs).await;
    }
    let ready = http.users.find(&user).is_some_and(|user| SessionSummary::of(&user.view()).is_ready());
    let service = concat!("Colmeia ", env!("CARGO_PKG_VERSION"));
    reply::ok(&Index { service, status: "running", ready, endpoints: ENDPOINTS })
}
