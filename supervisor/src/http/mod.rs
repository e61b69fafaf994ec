//! HTTP: turns requests into commands and what is known of a user into answers.
//!
//! Owns the routes, who may call them and what every answer looks like. Never waits for a browser to say how a
//! session is, and knows no process: it asks [`users`] for a user's handle, reads its view and sends commands.
//!
//! ```text
//! server (connections, time-outs) ─▶ observe (span, panics) ─▶ access ─▶ body (size) ─▶ flask/ | api/ | page/
//! ```
//!
//! `flask/` has the surface that Flask calls, one file per handler; `api/` the one that WAHA's clients call; `page/`
//! has what people look at, `watch/` what other programs watch us by, `events/` tells them what happens.
//! **What is known of a user is read in one place**, [`standing`], so that no two answers contradict each other.

mod access;
mod api;
mod body;
mod calls;
mod control;
mod errors;
mod events;
mod external;
mod flask;
mod negotiate;
mod observe;
mod page;
mod passkey;
mod places;
mod reasons;
mod reply;
mod restricted;
mod routes;
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
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use colmeia::config::ServiceConfig;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

use crate::convert::Converter;
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::operators::Operators;
use crate::outgoing::Home;
use crate::registry::Registry;
use crate::shares::Holder;
use crate::shortage::Shortage;
use crate::store::Store;
use crate::uploads::Uploads;
use access::{Access, Surface};
use external::Proxies;
use places::{Places, Reader};
use watch::Readiness;

pub(crate) use control::{Control, control};
pub(crate) use routes::listed;
pub(crate) use server::serve;
pub(crate) use standing::state_name;
pub(crate) use users::Users;

/// How long a browser may keep what it was told of an origin.
const PREFLIGHT: Duration = Duration::from_secs(600);

/// What HTTP needs of the rest of the supervisor.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Finds users.
    pub(crate) registry: Registry,
    /// Everything else.
    pub(crate) parts: Parts,
}

/// What HTTP needs beside users, whom tests play.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// What is configured.
    pub(crate) config: Arc<ServiceConfig>,
    /// What has happened, and how much waits to be delivered.
    pub(crate) journal: Journal,
    /// Keys, sessions' configurations, answers to repeated requests.
    pub(crate) store: Store,
    /// What whoever runs the service sees and does.
    pub(crate) operators: Operators,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Files on their way to workers.
    pub(crate) uploads: Uploads,
    /// Finds the addresses of names.
    pub(crate) names: Names,
    /// What the machine has none left of.
    pub(crate) shortage: Shortage,
    /// Makes voice and video into what phones play.
    pub(crate) converter: Converter,
}

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
struct Http(Arc<Shared>);

struct Shared {
    users: Box<dyn Users>,
    config: Arc<ServiceConfig>,
    journal: Journal,
    store: Store,
    pace: api::Pace,
    started: SystemTime,
    /// Places for streams, WebSockets and requests.
    places: Places,
    operators: Operators,
    metrics: Metrics,
    uploads: Uploads,
    fetcher: api::Fetcher,
    converter: Converter,
    readiness: Readiness,
    /// Where we listen; the port is part of the default user's name.
    local: SocketAddr,
    access: Access,
    /// Who answers which request for a passkey.
    passkeys: passkey::Holds,
    proxies: Proxies,
    /// Ends event streams.
    shutdown: CancellationToken,
}

impl Http {
    fn new(app: App, local: SocketAddr, shutdown: CancellationToken) -> Self {
        Self::with_users(Box::new(app.registry), app.parts, local, shutdown)
    }

    fn with_users(
        users: Box<dyn Users>,
        parts: Parts,
        local: SocketAddr,
        shutdown: CancellationToken,
    ) -> Self {
        let Parts { config, journal, store, operators, metrics, uploads, names, shortage, converter } = parts;
        let fetcher = api::Fetcher::new(names, &config.media_networks, Home::of(local), shortage);
        let rate = api::Rate { burst: config.send_burst, per_minute: config.sends_per_minute };
        Self(Arc::new(Shared {
            access: Access::new(local, &config, store.clone()),
            passkeys: passkey::Holds::default(),
            proxies: Proxies::new(&config),
            pace: api::Pace::new(rate),
            started: SystemTime::now(),
            readiness: Readiness::default(),
            users,
            config,
            journal,
            store,
            places: Places::new(),
            operators,
            metrics,
            uploads,
            fetcher,
            converter,
            local,
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

/// What every request passes, in one layer: each further one clones the service and boxes a future, for `/status` too.
async fn front(State(http): State<Http>, mut request: Request, next: Next) -> Response {
    observe::Observed::begin(&request)
        .around(async move {
            let passed = access::guard(&http, &mut request);
            let prefix = external::prefix_value(request.headers());
            let reader = Reader::of(request.uri().path());
            let holder = access::holder(&http, &request);
            let begun = match &holder {
                Holder::Here => Ok(None),
                _ if passed.is_err() || access::is_unlimited(&request) => Ok(None),
                holder => http.places.request(holder, Surface::of(request.uri().path())).map(Some),
            };
            request.extensions_mut().insert(holder.clone());
            let (response, begun) = match (passed, begun) {
                (Ok(None), Ok(begun)) => (body::collect(request, next).await, begun),
                (Ok(Some(basis)), Ok(begun)) => {
                    (access::bound(&http, basis, body::collect(request, next).await), begun)
                }
                (Err(refused), _) | (_, Err(refused)) => (*refused, None),
            };
            let response = match reader {
                Some(reader) => http.places.seat(reader, &holder, response),
                None => response,
            };
            let response = match begun {
                Some(begun) => places::during(begun, response),
                None => response,
            };
            external::lead_below(prefix, response)
        })
        .await
}

/// All routes and what every request passes on its way to one.
fn router(http: Http) -> Router {
    let router = routes::all()
        .fold(api::docs(), |router, route| router.route(route.path, route.serve))
        .fallback(errors::unknown_route)
        .method_not_allowed_fallback(errors::wrong_method)
        .layer(from_fn_with_state(http.clone(), front));
    let router = match cors(&http.config.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.with_state(http)
}

/// What browsers are told of the origins whose pages may call: they may send a key, and no cookie. That they may ask
/// opens nothing; the key does.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let named = HeaderName::from_static;
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                named("x-api-key"),
                named("idempotency-key"),
                named("last-event-id"),
            ])
            .expose_headers([RETRY_AFTER, CONTENT_DISPOSITION])
            .max_age(PREFLIGHT)
    })
}
