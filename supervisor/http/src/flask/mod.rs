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

use axum::http::Method;

use crate::effect::Effect;
use crate::route::Route;

/// Its routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::look("/", index::index),
        Route::look("/health", health::health),
        Route::new(Method::GET, "/qr", Effect::Page, qr::qr),
        Route::look("/status", status::status),
        Route::post("/send", send::send),
        Route::post("/disconnect", disconnect::disconnect),
        Route::look("/chats", chats::chats),
        Route::look("/chats/{chat}/messages", messages::messages),
        Route::look("/media/{message}", media::media),
    ]
}
