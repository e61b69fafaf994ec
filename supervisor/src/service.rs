//! The running service: [`run`] puts the parts together, waits for a signal, and takes them apart.
//!
//! Owns the order. At the start: directories and locks, the port, the journal, living workers, sessions on disk,
//! then HTTP. At the end the other way round: no new requests, workers stopped, what is delivered finished. Before
//! another image of the program takes over: deliveries finished, a quiet moment, no new requests, the journal
//! closed; workers are left alone.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use colmeia::layout::{RunLayout, RuntimeDirTooLong, StateLayout};
use colmeia::protocol::Event;
use colmeia_base::{awake, tasks};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Draining};
use crate::mend::mend;
use crate::port::{self, ListenError, Port};
use crate::signals::{self, Asked, Signals};
use crate::upgrade::{Carry, Handover, Image, Inherited, ReplaceError, renew};
use crate::{logging, systemd};
use colmeia_control::convert::{self, Converter};
use colmeia_control::deletion::{self, Deletions};
use colmeia_control::operators::Operators;
use colmeia_control::server_control;
use colmeia_events::delivery::{self, Media, Recipients, Sessions};
use colmeia_events::envelope::Origin;
use colmeia_events::journal::{Journal, JournalError, StatusChange, Statuses};
use colmeia_host::disk::Disk;
use colmeia_host::dns::Resolver;
use colmeia_host::locks::{self, LockError};
use colmeia_host::memory::{Memory, MemoryError};
use colmeia_host::private::{self, NotOurs};
use colmeia_host::process::Children;
use colmeia_host::shortage::Shortage;
use colmeia_host::uids::{InForce, UidAllocator, UidsError};
use colmeia_host::uploads::{Downloads, Uploads};
use colmeia_host::{blocking, folders, ssrf};
use colmeia_metrics::Metrics;
use colmeia_session::admission::{Admission, AdmissionQueue, follow_pressure};
use colmeia_session::connection::{EventSink, SinkError};
use colmeia_session::registry::Registry;
use colmeia_session::worker_process::Launch;
use colmeia_session::{Host, adoption};
use colmeia_store::{Store, StoreError};

/// How long requests under way may take after the end was asked for.
const FINISH_REQUESTS: Duration = Duration::from_secs(16);
/// How long deliveries under way may take; they bound themselves a little tighter.
const FINISH_DELIVERIES: Duration = Duration::from_secs(13);
/// How long the disk may take for what is still to be written down at the end.
const FLUSH: Duration = Duration::from_secs(3);
/// How long an upgrade waits for a moment without a request: longer than any call.
const QUIET: Duration = Duration::from_secs(15);
/// The names under which the locks are passed on.
const RUNTIME_LOCK: &str = "runtime_lock";
const STATE_LOCK: &str = "state_lock";
/// The name under which passes on what is on no disk.
const CARRY: &str = "carry";
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
    /// What lies in them.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
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
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Memory cannot be measured, or not as it was demanded.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The workers' own user ids.
    #[error("the workers cannot have user ids of their own")]
    UidAllocator(#[from] UidsError),
    /// Another image of the program could not take over, after everything was given up for it.
    #[error("the upgrade failed")]
    Replace(#[from] ReplaceError),
    /// The journal.
    #[error("cannot open the journal")]
    Journal(#[from] JournalError),
    /// Keys and configurations.
    #[error("cannot open the settings database")]
    Store(#[from] StoreError),
    /// HTTP.
    #[error("HTTP cannot be served any more")]
    Http(#[source] io::Error),
}

/// How the service ended.
enum Ended {
    /// Everything is over.
    Over,
    /// Another image of the program takes over with these.
    Upgrade(Handover),
}

/// Runs the service until it is asked to end, or replaces the process by a newer image of the program.
///
/// # Errors
/// [`ServiceError`]; workers that run already go on.
pub(crate) fn run(
    config: Arc<ServiceConfig>,
    inherited: Inherited,
    image: io::Result<Image>,
) -> Result<(), ServiceError> {
    signals::hold_back().map_err(ServiceError::Runtime)?;
    let image = image.map_err(ServiceError::Runtime)?;
    let runtime = blocking::runtime().map_err(ServiceError::Runtime)?;
    match runtime.block_on(Box::pin(serve(config, inherited, &image))) {
        Ok(Ended::Upgrade(handover)) => {
            // The rest of this image ends with the call.
            runtime.shutdown_background();
            Err(image.replace(&handover).into())
        }
        ended => {
            // What is still running in the background (removing folders) does not hold up the end.
            runtime.shutdown_timeout(Duration::from_secs(2));
            ended.map(drop)
        }
    }
}

async fn serve(
    config: Arc<ServiceConfig>,
    mut inherited: Inherited,
    image: &Image,
) -> Result<Ended, ServiceError> {
    awake::watch();
    let mut signals = Signals::catch().map_err(ServiceError::Runtime)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| ServiceError::Runtime(error.into()))?;

    let (run, state) = layouts(&config)?;
    for path in [run.root(), state.root()] {
        folders::make_private(path).map_err(|source| ServiceError::Io { path: path.to_owned(), source })?;
    }
    let state = resolved(&state, &config)?;
    private::state_directory(&state)?;
    let in_force = InForce::decide(&config, state.root(), run.root())?;
    locks::private_directory(run.root())?;
    let runtime_lock = locks::take(&run.supervisor_lock(), inherited.claim(RUNTIME_LOCK))?;
    let state_lock = locks::take(&state.lock(), inherited.claim(STATE_LOCK))?;
    let owners = UidAllocator::open(in_force, &state, &run)?;

    let Port { listener, kept, name, address, config } = port::open(config, &mut inherited)?;
    let store = Store::open(&state.settings_database())?;
    let uploads = Uploads::open(state.uploads())
        .map_err(|source| ServiceError::Io { path: state.uploads(), source })?;
    let downloads = Downloads::open(state.downloads())
        .map_err(|source| ServiceError::Io { path: state.downloads(), source })?;
    let sessions: Arc<dyn Sessions> = Arc::new(store.clone());
    let recipients = Recipients::new(&config.webhooks, sessions).ignoring(config.ignore);
    let journal = Journal::open(&state.database(), Arc::new(recipients.clone()))?;
    let statuses = Statuses::start(journal.clone());

    let names = Resolver::of_system().map_err(ServiceError::Runtime)?;
    let hurry = CancellationToken::new();
    let children = Children::default();
    reap_strangers(children.clone()).map_err(ServiceError::Runtime)?;
    let memory = Memory::open(&config.memory)?;
    let Carry { draining, users: carried } = Carry::receive(inherited.claim(CARRY));
    let metrics = Metrics::default();
    metrics.memory_mode(memory.mode().name());
    let desk = AdmissionQueue::open_with(
        Admission::new(config.max_users, config.max_starting),
        memory.room(),
        follow_pressure(config.max_starting),
    );
    let host = Arc::new(Host {
        shortage: {
            let (desk, metrics) = (desk.clone(), metrics.clone());
            Shortage::follow(move |on| desk.hold_for_means(on), move |lack| metrics.short_of(lack))
        },
        desk,
        sink: Arc::new(Kept { journal: journal.clone(), statuses: statuses.clone() }),
        downloads,
        launch: Launch {
            program: config.worker.clone().unwrap_or_default(),
            log_format: logging::resolve(config.log_format),
            children: children.clone(),
        },
        memory,
        store: store.clone(),
        owners,
        disk: Disk::follow(state.root().to_owned(), &run.full_disk_mark()),
        carried: Mutex::new(carried),
        metrics: metrics.clone(),
        lacks: colmeia_session::lacks::LacksTold::default(),
        hurry: hurry.clone(),
        config: Arc::clone(&config),
        state,
        run,
    });
    let registry = Registry::new(Arc::clone(&host));
    let drain = Arc::new(Draining::default());
    if draining {
        tracing::warn!("the drain that was under way goes on");
        host.desk.close(true);
    }
    let stop_delivery = CancellationToken::new();
    let delivery = tasks::vital(
        "delivery",
        delivery::run(
            journal.clone(),
            recipients,
            Arc::clone(&config),
            delivery::Means {
                names: names.clone(),
                media: Media::new(Origin::of(&config, address), Arc::new(registry.clone())),
                metrics: metrics.clone(),
                shortage: host.shortage.clone(),
            },
            stop_delivery.clone(),
        ),
    );
    let delivery = delivery.map(drop).boxed().shared();

    adoption::adopt_workers(&host, &registry).await;
    let adopted = registry.list().into_iter().map(|handle| handle.user).collect();
    host.memory.clear_away_all_but(adopted).await;
    adoption::bring_back(&host, &registry)
        .await
        .map_err(|source| ServiceError::Io { path: host.state.root().to_owned(), source })?;

    let address_file = host.run.root().join("http.addr");
    std::fs::write(&address_file, address.to_string())
        .map_err(|source| ServiceError::Io { path: address_file.clone(), source })?;
    let stop = CancellationToken::new();
    let (control, controlled) = server_control::control(stop.clone());
    let deletions = Deletions::new(deletion::Parts {
        users: Box::new(registry.clone()),
        state: host.state.clone(),
        store: store.clone(),
        journal: journal.clone(),
        statuses: statuses.clone(),
        control: control.clone(),
    });
    deletions.resume();
    let operators = Operators::new(
        Box::new(registry.clone()),
        host.state.clone(),
        Arc::clone(&config),
        journal.clone(),
        control.clone(),
        deletions,
    );
    let socket = admin::App {
        registry: registry.clone(),
        host: Arc::clone(&host),
        store: store.clone(),
        operators: operators.clone(),
        listen: address,
        drain: Arc::clone(&drain),
        draining,
    };
    let mut admin = admin::start(socket, stop);
    let max_starting = config.max_starting;
    let means = convert::Means {
        worker: host.launch.program.clone(),
        children: children.clone(),
        owners: host.owners.clone(),
    };
    let converter = Converter::new(config.conversion.clone(), config.landlock, means);
    let parts = colmeia_http::Parts {
        config,
        journal: journal.clone(),
        store,
        operators,
        metrics,
        uploads,
        names: names.clone(),
        shortage: host.shortage.clone(),
        converter,
    };
    let app = colmeia_http::App { registry: registry.clone(), parts };
    let mut http = tasks::passing("http", colmeia_http::serve(listener, app, controlled));
    let beat = {
        let (registry, control) = (registry.clone(), control.clone());
        tasks::restarted("pulse", move || systemd::beat(registry.clone(), control.clone()))
    };
    let renewing = {
        let registry = registry.clone();
        tasks::restarted("renewal", move || renew(registry.clone()))
    };
    let mending = {
        let (registry, disk) = (registry.clone(), host.disk.clone());
        tasks::restarted("mending", move || mend(registry.clone(), disk.clone(), max_starting))
    };
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    tasks::passing("own receivers", ssrf::tell_of_own_receivers(Arc::clone(&host.config), names));
    systemd::ready();

    let ended = loop {
        let asked = tokio::select! {
            asked = signals.next() => asked,
            broken = &mut http => break Err(ServiceError::Http(match broken {
                Ok(Ok(())) => io::Error::other("the server ended by itself"),
                Ok(Err(error)) => error,
                Err(error) => io::Error::other(error),
            })),
        };
        let name = match asked {
            Asked::End(name) => name,
            Asked::Upgrade => {
                systemd::reloading();
                match image.check(&children).await {
                    Ok(to) => tracing::info!(to, "another image of the program takes over; sessions go on"),
                    Err(error) => {
                        tracing::error!(
                            error = logging::chain(&error),
                            "no upgrade; everything goes on as it is"
                        );
                        systemd::ready();
                        continue;
                    }
                }
                renewing.abort();
                mending.abort();
                stop_delivery.cancel();
                // Everyone is still served; the port is left in a moment when that cuts nobody short.
                let settled = async {
                    let quiet = timeout(QUIET, control.quiet());
                    let _ = tokio::join!(timeout(FINISH_DELIVERIES, delivery.clone()), quiet);
                };
                tokio::select! {
                    () = settled => break Ok(true),
                    name = signals.end() => name,
                }
            }
        };
        tracing::info!(signal = name, "ending: no new requests, workers are stopped");
        break Ok(false);
    };
    renewing.abort();
    mending.abort();

    if let Ok(true) = ended {
        let mut handover = Handover::default();
        let pass_on = |path: PathBuf| move |source| ServiceError::Io { path, source };
        handover.add(name, kept);
        handover.add(RUNTIME_LOCK, runtime_lock.pass_on().map_err(pass_on(host.run.supervisor_lock()))?);
        handover.add(STATE_LOCK, state_lock.pass_on().map_err(pass_on(host.state.root().to_owned()))?);
        control.stop();
        // The next image makes the admin socket anew: the file is gone before it begins.
        if timeout(FINISH_REQUESTS, async { tokio::join!(&mut http, &mut admin) }).await.is_err() {
            tracing::warn!("requests under way were cut off");
        }
        beat.abort();
        flush(&statuses).await;
        match Carry::collect(&registry, drain.is_on()).await.pass_on() {
            Ok(carry) => handover.add(CARRY, carry),
            Err(error) => tracing::warn!(%error, "restart counters and a drain are forgotten"),
        }
        journal.close().await;
        return Ok(Ended::Upgrade(handover));
    }

    systemd::stopping();
    let second = tasks::vital("second signal", async move {
        let name = signals.end().await;
        tracing::warn!(signal = name, "ending at once");
        hurry.cancel();
    });
    drop(kept);
    control.stop();
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
    flush(&statuses).await;
    stop_delivery.cancel();
    tokio::select! {
        late = timeout(FINISH_DELIVERIES, delivery) => if late.is_err() {
            tracing::warn!("deliveries under way were cut off; they are repeated at the next start");
        },
        () = host.hurry.cancelled() => {}
    }
    second.abort();
    beat.abort();
    let _ = std::fs::remove_file(address_file);
    tracing::info!("ended");
    ended.map(|_| Ended::Over)
}

/// The state directory as it is called without a link: what lies in it is opened by that name.
fn resolved(state: &StateLayout, config: &ServiceConfig) -> Result<StateLayout, ServiceError> {
    let io = |source| ServiceError::Io { path: state.root().to_owned(), source };
    let root = std::fs::canonicalize(state.root()).map_err(io)?;
    Ok(StateLayout::new(root, config.client_prefix.clone()))
}

/// Absolute: a worker has another working directory.
fn layouts(config: &ServiceConfig) -> Result<(RunLayout, StateLayout), ServiceError> {
    let run = RunLayout::new(config.runtime_dir.clone().unwrap_or_default())?;
    Ok((run, StateLayout::new(config.state_dir.clone(), config.client_prefix.clone())))
}

/// Dead processes whose parents died are handed to us. They are reaped when a child has died, not too often.
fn reap_strangers(children: Children) -> io::Result<()> {
    let mut died = signal(SignalKind::child())?;
    tasks::vital("reaper", async move {
        let mut pace = interval(REAP);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while died.recv().await.is_some() {
            pace.tick().await;
            let children = children.clone();
            loop {
                let children = children.clone();
                match blocking::looking(move || children.reap_strangers()).await {
                    Ok(false) => drop(pace.tick().await), // a worker is just being started
                    Ok(true) | Err(_) => break,
                }
            }
        }
    });
    Ok(())
}

/// What users' tasks say of their sessions is on disk when this returns, unless the disk does not take it.
async fn flush(statuses: &Statuses) {
    if timeout(FLUSH, statuses.flush()).await.is_err() {
        tracing::warn!("how sessions ended could not be written down");
    }
}

/// Where users' tasks keep what happens.
#[derive(Debug)]
struct Kept {
    journal: Journal,
    statuses: Statuses,
}

impl EventSink for Kept {
    fn append<'a>(
        &'a self,
        user: &'a UserId,
        events: Vec<(u64, Event)>,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        let kept = self.journal.append(user, events);
        kept.map(|kept| kept.map_err(|error| SinkError(Box::new(error)))).boxed()
    }

    fn keep_status(&self, user: &UserId, change: StatusChange) {
        self.statuses.say(user, change);
    }
}
