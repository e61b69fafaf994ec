//! Events for programs: what was ([`replay`]), what comes ([`stream`] and [`socket`]), and what could not be delivered
//! ([`dead`]).
//!
//! Owns the routes and their questions ([`query`]). All of them read the journal through one [`feed`], so that nothing
//! is missed between what was and what comes, and none of them sees an event before it is on disk.

mod dead;
mod feed;
pub(crate) mod query;
mod replay;
mod socket;
mod stream;

use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use colmeia::UserId;

use super::access::{Caller, KeyAction};
use crate::api::context::origin;
use crate::api::session::is_known as knows_session;
use crate::effect::Effect;
use crate::route::Route;
use crate::state::Http;
use feed::Source;
use query::EventQuery;

/// Its routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::look("/api/events", replay::replay),
        Route::look("/api/events/stream", stream::stream),
        Route::look("/api/events/dead", dead::list),
        Route::post("/api/events/replay", dead::replay),
        Route::new(Method::GET, "/ws", Effect::Change, socket::socket),
    ]
}

/// Where the events of a question are read, as far as this caller may see them, with files where it finds them.
fn source(http: &Http, question: EventQuery, caller: Caller, headers: &HeaderMap) -> Source {
    let files = origin(http, headers);
    let scope = Arc::new(move |user: &UserId| caller.may(KeyAction::Read, user));
    let known = http.clone();
    let data: feed::Data = Arc::new(move |user, status| known.users.find(user)?.view().status_data(status));
    Source { journal: http.journal.clone(), question: Arc::new(question), scope, files, data }
}

/// Whether there is such a session, or all are meant.
async fn is_known(http: &Http, question: &EventQuery) -> bool {
    match &question.session {
        Some(user) => knows_session(http, user).await,
        None => true,
    }
}
