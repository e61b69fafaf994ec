//! HTTP: turns requests into commands and what is known of a user into answers.
//!
//! Owns the routes, who may call them and what every answer looks like. Never waits for a browser to say how a
//! session is, and knows no process: it asks [`users`] for a user's handle, reads its view and sends commands.
//!
//! ```text
//! server (connections, time-outs) ─▶ observe (span, panics) ─▶ access ─▶ body (size) ─▶ flask/ | page/
//! ```
//!
//! `flask/` has the surface that Flask calls, one file per handler; `page/` has what people look at, `watch/` what
//! other programs watch us by, `events/` tells them what happens.
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
mod visitors;
mod watch;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use colmeia::config::ServiceConfig;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::operators::Operators;
use crate::registry::Registry;
use access::Access;
use watch::Readiness;

pub(crate) use control::{Control, control};
pub(crate) use server::serve;
pub(crate) use standing::state_name;
pub(crate) use users::Users;

/// What HTTP needs of the rest of the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Finds users.
    pub(crate) registry: Registry,
    /// What is configured.
    pub(crate) config: Arc<ServiceConfig>,
    /// What has happened, and how much waits to be delivered.
    pub(crate) journal: Journal,
    /// What whoever runs the service sees and does.
    pub(crate) operators: Operators,
    /// What is counted.
    pub(crate) metrics: Metrics,
}

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
struct Http(Arc<Shared>);

struct Shared {
    users: Box<dyn Users>,
    config: Arc<ServiceConfig>,
    journal: Journal,
    /// Places for WebSockets.
    sockets: Arc<Semaphore>,
    operators: Operators,
    metrics: Metrics,
    readiness: Readiness,
    /// Where we listen; the port is part of the default user's name.
    local: SocketAddr,
    access: Access,
    /// Ends event streams.
    shutdown: CancellationToken,
}

impl Http {
    fn new(app: App, local: SocketAddr, shutdown: CancellationToken) -> Self {
        let App { registry, config, journal, operators, metrics } = app;
        Self::with_users(Box::new(registry), config, journal, operators, metrics, local, shutdown)
    }

    fn with_users(
        users: Box<dyn Users>,
        config: Arc<ServiceConfig>,
        journal: Journal,
        operators: Operators,
        metrics: Metrics,
        local: SocketAddr,
        shutdown: CancellationToken,
    ) -> Self {
        let access = Access::new(local, &config);
        let readiness = Readiness::default();
        Self(Arc::new(Shared {
            users,
            config,
            journal,
            sockets: Arc::new(Semaphore::new(events::SOCKETS)),
            operators,
            metrics,
            readiness,
            local,
            access,
            shutdown,
        }))
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
        .merge(watch::routes())
        .merge(events::routes())
        .fallback(errors::unknown_route)
        .method_not_allowed_fallback(errors::wrong_method)
        .layer(from_fn(body::collect))
        .layer(from_fn_with_state(http.clone(), access::guard))
        .layer(from_fn(observe::observe))
        .with_state(http)
}
