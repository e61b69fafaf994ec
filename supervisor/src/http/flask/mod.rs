//! The surface that Flask calls: its routes, its keys and its texts, one file per handler.
//!
//! The texts are shown to people by pages that are not ours, so they are Portuguese and stay as they are.

mod call;
mod chats;
mod disconnect;
mod health;
mod index;
mod media;
mod messages;
mod qr;
mod send;
mod status;

use axum::Router;
use axum::routing::{get, post};

use super::Http;

pub(super) use call::once;
pub(super) use status::phone_number;

/// Its routes.
pub(super) fn routes() -> Router<Http> {
    Router::new()
        .route("/", get(index::index))
        .route("/health", get(health::health))
        .route("/qr", get(qr::qr))
        .route("/status", get(status::status))
        .route("/send", post(send::send))
        .route("/disconnect", post(disconnect::disconnect))
        .route("/chats", get(chats::chats))
        .route("/chats/{chat}/messages", get(messages::messages))
        .route("/media/{message}", get(media::media))
}
