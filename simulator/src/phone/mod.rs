//! Owns the phone's HTTP API, one file per thing a phone can do.
//! Handlers check what they are given, then change the world; they never wait for a page.

mod fault;
mod fields;
mod limits;
mod link;
mod look;
mod message;
mod others;
mod passkey;
mod screen;

use axum::{
    Router,
    routing::{get, post},
};

use crate::world::Shared;

/// Everything under `/phone`.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/phone", get(screen::show))
        .route("/phone/events", get(screen::events))
        .route("/phone/scan", post(link::scan))
        .route("/phone/pair", post(link::pair))
        .route("/phone/logout", post(link::log_out))
        .route("/phone/message", post(message::receive))
        .route("/phone/edit", post(message::edit))
        .route("/phone/revoke", post(message::revoke))
        .route("/phone/react", post(message::react))
        .route("/phone/read", post(message::read))
        .route("/phone/readable", post(message::readable))
        .route("/phone/fault", post(fault::set))
        .route("/phone/sent", get(look::sent))
        .route("/phone/media/{id}", get(look::media))
        .route("/phone/pages", get(look::pages))
        .route("/phone/numbers", get(look::numbers))
        .route("/phone/chats", get(look::chats))
        .route("/phone/actions", get(others::actions))
        .route("/phone/records/{kind}", get(others::records).post(others::set))
        .route("/phone/group", post(others::group))
        .route("/phone/presence", post(others::presence))
        .route("/phone/call", post(others::call))
        .route("/phone/chat", post(others::chat))
        .route("/phone/label", post(others::label))
        .route("/phone/history", post(others::history))
        .route("/phone/vote", post(others::vote))
        .route("/phone/passkey", post(passkey::set))
        .route("/phone/passkey/checkpoint", post(passkey::checkpoint))
        .route("/phone/timelock", post(limits::timelock))
        .route("/phone/capping", post(limits::capping))
}
