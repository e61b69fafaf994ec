//! The running service: [`run`] puts the parts together, waits for a signal, and takes them apart.
//!
//! Owns the order. At the start: directories and locks, the port, the journal, living workers, sessions on disk,
//! then HTTP. At the end the other way round: no new requests, workers stopped, what is delivered finished.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use colmeia::layout::{RunLayout, RuntimeDirTooLong, StateLayout};
use colmeia::protocol::Event;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, Desk};
use crate::journal::{Journal, JournalError};
use crate::locks::{self, LockError};
use crate::registry::Registry;
use crate::user::link::{EventSink, SinkError};
use crate::user::process::{Children, Launch};
use crate::user::{Host, folders};
use crate::{admin, adopt, delivery, http, logging};

/// How long requests under way may take after the end was asked for.
const FINISH_REQUESTS: Duration = Duration::from_secs(16);
/// How long deliveries under way may take; they bound themselves a little tighter.
const FINISH_DELIVERIES: Duration = Duration::from_secs(13);
/// How often dead processes that were handed to us are looked for, at most.
const REAP: Duration = Duration::from_secs(1);

/// Why the service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The machinery of tasks or signals.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// The directories.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The runtime directory's name.
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirTooLong),
    /// A directory or file in it.
    #[error("cannot use {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The port.
    #[error("cannot listen on {address}")]
    Listen {
        address: String,
        #[source]
        source: io::Error,
    },
    /// The journal.
    #[error("cannot open the journal")]
    Journal(#[from] JournalError),
    /// HTTP.
    #[error("HTTP cannot be served any more")]
    Http(#[source] io::Error),
}

/// Runs the service until it is asked to end.
///
/// # Errors
/// [`ServiceError`]; workers that run already go on.
pub(crate) fn run(config: Arc<ServiceConfig>) -> Result<(), ServiceError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServiceError::Runtime)?;
    let ended = runtime.block_on(Box::pin(serve(config)));
    // What is still running in the background (removing folders) does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(2));
    ended
}

async fn serve(config: Arc<ServiceConfig>) -> Result<(), ServiceError> {
    let mut signals = Signals::catch().map_err(ServiceError::Runtime)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| ServiceError::Runtime(error.into()))?;

    let (run, state) = layouts(&config)?;
    locks::private_directory(run.root())?;
    let _runtime_lock = locks::take(&run.supervisor_lock())?;
    folders::make_private(state.root())
        .map_err(|source| ServiceError::Io { path: state.root().to_owned(), source })?;
    let _state_lock = locks::take(&state.root().join("colmeia.lock"))?;

    let listen = |source| ServiceError::Listen { address: config.listen.to_string(), source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let journal = Journal::open(&state.database())?;

    let hurry = CancellationToken::new();
    let children = Children::default();
    reap_strangers(children.clone()).map_err(ServiceError::Runtime)?;
    let host = Arc::new(Host {
        desk: Desk::open(Admission::new(config.max_users, config.max_starting)),
        sink: Arc::new(journal.clone()),
        launch: Launch {
            program: config.worker.clone().unwrap_or_default(),
            log_format: logging::resolve(config.log_format),
            children,
        },
        hurry: hurry.clone(),
        config: Arc::clone(&config),
        state,
        run,
    });
    let registry = Registry::new(Arc::clone(&host));
    let stop_delivery = CancellationToken::new();
    let delivery = tokio::spawn(delivery::run(journal.clone(), Arc::clone(&config), stop_delivery.clone()));

    adopt::adopt_workers(&host, &registry).await;
    adopt::bring_back(&host, &registry)
        .map_err(|source| ServiceError::Io { path: host.state.root().to_owned(), source })?;

    let address_file = host.run.root().join("http.addr");
    std::fs::write(&address_file, address.to_string())
        .map_err(|source| ServiceError::Io { path: address_file.clone(), source })?;
    let stop_http = CancellationToken::new();
    let operators = admin::App {
        registry: registry.clone(),
        host: Arc::clone(&host),
        journal: journal.clone(),
        listen: address,
    };
    let admin = admin::start(operators, stop_http.clone());
    let app = http::App { registry: registry.clone(), config, journal };
    let mut http = tokio::spawn(http::serve(listener, app, stop_http.clone()));
    tracing::info!(%address, "listening");

    let ended = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "ending: no new requests, workers are stopped");
            Ok(())
        }
        broken = &mut http => Err(ServiceError::Http(match broken {
            Ok(Ok(())) => io::Error::other("the server ended by itself"),
            Ok(Err(error)) => error,
            Err(error) => io::Error::other(error),
        })),
    };

    let second = tokio::spawn(async move {
        let name = signals.next().await;
        tracing::warn!(signal = name, "ending at once");
        hurry.cancel();
    });
    stop_http.cancel();
    let hurried = host.hurry.clone();
    let requests = async {
        if ended.is_ok() && timeout(FINISH_REQUESTS, &mut http).await.is_err() {
            tracing::warn!("requests under way were cut off");
            http.abort();
        }
    };
    // Workers stop while the last requests are answered: what still runs is answered first by its worker.
    tokio::join!(registry.shut_down(), async {
        tokio::select! { () = requests => {} () = hurried.cancelled() => {} }
    });
    let _ = admin.await;
    stop_delivery.cancel();
    tokio::select! {
        late = timeout(FINISH_DELIVERIES, delivery) => if late.is_err() {
            tracing::warn!("deliveries under way were cut off; they are repeated at the next start");
        },
        () = host.hurry.cancelled() => {}
    }
    second.abort();
    let _ = std::fs::remove_file(address_file);
    tracing::info!("ended");
    ended
}

/// Absolute, with every link resolved: a worker has another working directory.
fn layouts(config: &ServiceConfig) -> Result<(RunLayout, StateLayout), ServiceError> {
    let run = RunLayout::new(config.runtime_dir.clone().unwrap_or_default())?;
    Ok((run, StateLayout::new(config.state_dir.clone(), config.client_prefix.clone())))
}

/// Dead processes whose parents died are handed to us. They are reaped when a child has died, not too often.
fn reap_strangers(children: Children) -> io::Result<()> {
    let mut died = signal(SignalKind::child())?;
    tokio::spawn(async move {
        let mut pace = interval(REAP);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while died.recv().await.is_some() {
            pace.tick().await;
            let children = children.clone();
            let _ = tokio::task::spawn_blocking(move || children.reap_strangers()).await;
        }
    });
    Ok(())
}

/// The signals that ask for the end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }
}

impl EventSink for Journal {
    fn append<'a>(
        &'a self,
        user: &'a UserId,
        events: Vec<(u64, Event)>,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        self.append(user, events).map(|kept| kept.map_err(|error| SinkError(Box::new(error)))).boxed()
    }
}
