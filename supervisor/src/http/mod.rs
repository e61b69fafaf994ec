//! HTTP: turns requests into commands and what is known of a user into answers.
//!
//! Owns the routes, who may call them and what every answer looks like. Never waits for a browser to say how a
//! session is, and knows no process: it asks [`users`] for a user's handle, reads its view and sends commands.
//!
//! ```text
//! server (connections, time-outs) ─▶ observe (span, panics) ─▶ access ─▶ body (size) ─▶ flask/ | page/
//! ```
//!
//! `flask/` has the surface that Flask calls, one file per handler; `page/` has what people look at; `events/` tells
//! programs what happens.
//! **What is known of a user is read in one place**, [`standing`], so that no two answers contradict each other.

mod access;
mod body;
mod control;
mod errors;
mod events;
mod flask;
mod negotiate;
mod observe;
mod page;
mod reasons;
mod reply;
mod server;
mod standing;
#[cfg(test)]
mod tests;
mod user;
mod users;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use colmeia::config::ServiceConfig;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::delivery::Recipients;
use crate::journal::Journal;
use crate::registry::Registry;
use access::Access;
use users::Users;

pub(crate) use control::{Control, control};
pub(crate) use server::serve;
pub(crate) use standing::state_name;

/// What HTTP needs of the rest of the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Finds users.
    pub(crate) registry: Registry,
    /// What is configured.
    pub(crate) config: Arc<ServiceConfig>,
    /// What has happened, and how much waits to be delivered.
    pub(crate) journal: Journal,
    /// What is configured of events.
    pub(crate) recipients: Recipients,
}

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
struct Http(Arc<Shared>);

struct Shared {
    users: Box<dyn Users>,
    config: Arc<ServiceConfig>,
    journal: Journal,
    recipients: Recipients,
    /// Places for WebSockets.
    sockets: Arc<Semaphore>,
    /// Where we listen; the port is part of the default user's name.
    local: SocketAddr,
    access: Access,
    /// Ends event streams.
    shutdown: CancellationToken,
}

impl Http {
    fn new(app: App, local: SocketAddr, shutdown: CancellationToken) -> Self {
        let App { registry, config, journal, recipients } = app;
        Self::with_users(Box::new(registry), config, (journal, recipients), local, shutdown)
    }

    fn with_users(
        users: Box<dyn Users>,
        config: Arc<ServiceConfig>,
        (journal, recipients): (Journal, Recipients),
        local: SocketAddr,
        shutdown: CancellationToken,
    ) -> Self {
        let access = Access::new(local, &config);
        let sockets = Arc::new(Semaphore::new(events::SOCKETS));
        Self(Arc::new(Shared { users, config, journal, recipients, sockets, local, access, shutdown }))
    }
}

impl Deref for Http {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// All routes and what every request passes on its way to one.
fn router(http: Http) -> Router {
    Router::new()
        .merge(flask::routes())
        .merge(page::routes())
        .merge(events::routes())
        .fallback(errors::unknown_route)
        .method_not_allowed_fallback(errors::wrong_method)
        .layer(from_fn(body::collect))
        .layer(from_fn_with_state(http.clone(), access::guard))
        .layer(from_fn(observe::observe))
        .with_state(http)
}
