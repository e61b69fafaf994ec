//! What operators reach: HTTP over a Unix socket that the file system's permissions guard.
//!
//! Owns the routes below `/v1`; the words on the wire are [`colmeia::admin`]'s. Never waits for a browser except
//! in a logout and a reset, which are bounded, and shows an API key only to who has just made it. Whoever changes something is logged
//! with their uid and pid.
//!
//! ```text
//! socket (mode, group, who calls) ─▶ sessions (look) | changes, limits (one user) | drain (all) | keys | logs |
//!                                   events | doctor
//! ```

mod backups;
mod changes;
mod doctor;
mod drain;
mod events;
mod keys;
mod limits;
mod logs;
mod sessions;
mod socket;

pub(crate) use drain::Draining;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use colmeia::UserId;
use colmeia::admin::Failure;
use colmeia_base::tasks;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use colmeia_control::backups::Backups;
use colmeia_control::operators::{OperationError, Operators};
use colmeia_session::Host;
use colmeia_session::registry::Registry;
use colmeia_store::Store;

/// What the admin socket needs of the rest of the supervisor.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) registry: Registry,
    pub(crate) host: Arc<Host>,
    /// Keys.
    pub(crate) store: Store,
    /// What is seen and done.
    pub(crate) operators: Operators,
    /// What is backed up and restored.
    pub(crate) backups: Backups,
    /// Where HTTP for everyone else is served.
    pub(crate) listen: SocketAddr,
    /// Whether a drain is under way.
    pub(crate) drain: Arc<Draining>,
    /// Whether one was when an earlier image of the program passed on to this one.
    pub(crate) draining: bool,
}

/// What every handler can reach; cheap to clone.
#[derive(Debug, Clone)]
struct Admin(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    app: App,
    started: SystemTime,
    end: CancellationToken,
}

impl std::ops::Deref for Admin {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Serves operators until the token is cancelled. A socket that cannot be made is an error in the log and no
/// reason for sessions to end.
pub(crate) fn start(app: App, end: CancellationToken) -> JoinHandle<()> {
    let draining = app.draining;
    let admin = Admin(Arc::new(Shared { app, started: SystemTime::now(), end: end.clone() }));
    if draining {
        drain::begin(&admin);
    }
    tasks::vital("admin socket", async move {
        let router = router(admin.clone());
        if let Err(error) = socket::serve(&admin.app, router, end).await {
            tracing::error!(error = colmeia::errors::chain(&error), "operators cannot be served");
        }
    })
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/v1/service", get(sessions::service))
        .route("/v1/sessions", get(sessions::list))
        .route("/v1/sessions/{user}", get(sessions::show))
        .route("/v1/sessions/{user}/logs", get(logs::logs))
        .route("/v1/sessions/{user}/limits", get(limits::show).put(limits::set).delete(limits::clear))
        .route("/v1/sessions/{user}/{operation}", post(changes::change))
        .route("/v1/drain", post(drain::drain).delete(drain::undo))
        .route("/v1/keys", get(keys::list).post(keys::add))
        .route("/v1/keys/{id}", delete(keys::remove))
        .route("/v1/events/queues", get(events::queues))
        .route("/v1/events/retry", post(events::retry))
        .route("/v1/events/discard", post(events::discard))
        .route("/v1/events/dead", get(events::dead))
        .route("/v1/events/replay", post(events::replay))
        .route("/v1/backups", post(backups::back_up))
        .route("/v1/backups/list", post(backups::list))
        .route("/v1/backups/restore", post(backups::restore))
        .route("/v1/doctor", get(doctor::doctor))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "no such route"))
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "this route has other methods")
        })
        .with_state(admin)
}

/// An answer that is no success.
#[derive(Debug)]
struct Refusal(StatusCode, String);

fn refuse(status: StatusCode, error: impl Into<String>) -> Refusal {
    Refusal(status, error.into())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(Failure { error: self.1 })).into_response()
    }
}

fn parse(user: &str) -> Result<UserId, Refusal> {
    user.parse().map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("the user id {error}")))
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Refusal {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, colmeia::errors::chain(error))
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        let status = match &error {
            OperationError::Unknown(_) => StatusCode::NOT_FOUND,
            OperationError::WaitsForNobody { .. } | OperationError::NotItsTurn => StatusCode::CONFLICT,
            OperationError::Busy | OperationError::NoTask(_) | OperationError::Unread(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            OperationError::StillGoing => StatusCode::GATEWAY_TIMEOUT,
            OperationError::NotDeleted
            | OperationError::NotKept(_)
            | OperationError::Deletion(_)
            | OperationError::Journal(_)
            | OperationError::Look(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refuse(status, colmeia::errors::chain(&error))
    }
}
