//! Events for programs: what was ([`replay`]), what comes ([`stream`] and [`socket`]), and what could not be delivered
//! ([`dead`]).
//!
//! Owns the routes and their questions ([`query`]). All of them read the journal through one [`feed`], so that nothing
//! is missed between what was and what comes, and none of them sees an event before it is on disk.

mod dead;
mod feed;
mod query;
mod refusal;
mod replay;
mod socket;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use colmeia::UserId;

use super::Http;
use super::access::{Action, Caller};
use feed::Source;
use query::Question;

pub(super) use socket::SOCKETS;

/// Its routes.
pub(super) fn routes() -> Router<Http> {
    Router::new()
        .route("/api/events", get(replay::replay))
        .route("/api/events/stream", get(stream::stream))
        .route("/api/events/dead", get(dead::list))
        .route("/api/events/replay", post(dead::replay))
        .route("/ws", get(socket::socket))
}

/// Where the events of a question are read, as far as this caller may see them.
fn source(http: &Http, question: Question, caller: Caller) -> Source {
    let scope = Arc::new(move |user: &UserId| caller.may(Action::Read, user));
    Source { journal: http.journal.clone(), question: Arc::new(question), scope }
}
