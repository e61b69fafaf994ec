//! [`Http`]: what every handler can reach.
//!
//! Owns nothing but the handles and what HTTP alone keeps. Knows no route.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::api::files::fetch::Fetcher;
use crate::effect::Effects;
use crate::external::Proxies;
use crate::passkey::Holds;
use crate::places::Places;
use crate::watch::ready::Readiness;
use colmeia_control::convert::Converter;
use colmeia_control::operators::Operators;
use colmeia_control::pacing::{Pacing, Rate, TooSoon};
use colmeia_control::users::Users;
use colmeia_events::journal::Journal;
use colmeia_host::dns::Resolver;
use colmeia_host::shortage::Shortage;
use colmeia_host::ssrf::Home;
use colmeia_host::uploads::Uploads;
use colmeia_metrics::Metrics;
use colmeia_session::registry::Registry;
use colmeia_store::Store;

/// What HTTP needs of the rest of the supervisor.
#[derive(Debug, Clone)]
pub struct App {
    /// Finds users.
    pub registry: Registry,
    /// Everything else.
    pub parts: Parts,
}

/// What HTTP needs beside users, whom tests play.
#[derive(Debug, Clone)]
pub struct Parts {
    /// What is configured.
    pub config: Arc<ServiceConfig>,
    /// What has happened, and how much waits to be delivered.
    pub journal: Journal,
    /// Keys, sessions' configurations, answers to repeated requests.
    pub store: Store,
    /// What whoever runs the service sees and does.
    pub operators: Operators,
    /// What is counted.
    pub metrics: Metrics,
    /// Files on their way to workers.
    pub uploads: Uploads,
    /// Finds the addresses of names.
    pub names: Resolver,
    /// What the machine has none left of.
    pub shortage: Shortage,
    /// Makes voice and video into what phones play.
    pub converter: Converter,
}

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
pub(crate) struct Http(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) users: Box<dyn Users>,
    pub(crate) config: Arc<ServiceConfig>,
    pub(crate) journal: Journal,
    pub(crate) store: Store,
    pub(crate) pace: Pacing,
    pub(crate) started: SystemTime,
    /// Places for streams, WebSockets and requests.
    pub(crate) places: Places,
    pub(crate) operators: Operators,
    pub(crate) metrics: Metrics,
    pub(crate) uploads: Uploads,
    pub(crate) names: Resolver,
    pub(crate) fetcher: Fetcher,
    pub(crate) converter: Converter,
    pub(crate) readiness: Readiness,
    /// Where we listen; the port is part of the default user's name.
    pub(crate) local: SocketAddr,
    pub(crate) access: Access,
    /// What each route does besides answering.
    pub(crate) effects: Effects,
    /// Who answers which request for a passkey.
    pub(crate) passkeys: Holds,
    pub(crate) proxies: Proxies,
    /// Ends event streams.
    pub(crate) shutdown: CancellationToken,
}

impl Http {
    pub(crate) fn new(app: App, effects: Effects, local: SocketAddr, shutdown: CancellationToken) -> Self {
        Self::with_users(Box::new(app.registry), app.parts, effects, local, shutdown)
    }

    pub(crate) fn with_users(
        users: Box<dyn Users>,
        parts: Parts,
        effects: Effects,
        local: SocketAddr,
        shutdown: CancellationToken,
    ) -> Self {
        let Parts { config, journal, store, operators, metrics, uploads, names, shortage, converter } = parts;
        let fetcher = Fetcher::new(names.clone(), &config.media_networks, Home::of(local), shortage);
        Self(Arc::new(Shared {
            access: Access::new(local, &config, store.clone()),
            passkeys: Holds::default(),
            proxies: Proxies::new(&config),
            pace: Pacing::new(),
            started: SystemTime::now(),
            readiness: Readiness::default(),
            effects,
            users,
            config,
            journal,
            store,
            places: Places::new(),
            operators,
            metrics,
            uploads,
            names,
            fetcher,
            converter,
            local,
            shutdown,
        }))
    }
}

impl Shared {
    /// How long a session may take for what a request asks of it.
    pub(crate) fn request_deadline(&self) -> Duration {
        Duration::from_millis(self.config.request_deadline_ms)
    }

    /// How fast this session may send.
    pub(crate) fn rate(&self, user: &UserId) -> Rate {
        Rate::of(&self.config, self.store.limits(user))
    }

    /// Does this work if the session may send now; where nothing came of it, it counts for nothing.
    ///
    /// # Errors
    /// When it may send again; the work was not begun then.
    pub(crate) async fn paced<T, E>(
        &self,
        user: &UserId,
        undone: impl FnOnce(&E) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, TooSoon> {
        self.pace.once(user, self.rate(user), undone, work).await
    }
}

impl Deref for Http {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
