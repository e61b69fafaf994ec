//! The third phase: living workers are adopted, sessions on disk come back, and then callers are served until
//! somebody asks for the end or for another image of the program.
//!
//! The order of [`Running::start`] is what makes a start safe: who delivers before who adopts, who adopts before
//! who brings back, and all of it before the first request. Takes nothing apart: that is `ending`.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use colmeia_base::tasks;
use colmeia_control::backups::Backups;
use colmeia_control::convert::{self, Converter};
use colmeia_control::deletion::{self, Deletions};
use colmeia_control::operators::Operators;
use colmeia_control::server_control::{self, ServerControl};
use colmeia_events::delivery::{self, Media};
use colmeia_events::envelope::Origin;
use colmeia_events::journal::{Journal, Statuses};
use colmeia_host::{folders, ssrf};
use colmeia_session::registry::Registry;
use colmeia_session::{Host, adoption};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::claim::Locks;
use super::errors::ServiceError;
use super::open::Opened;
use crate::admin::{self, Draining};
use crate::disk_recovery::replace_browsers;
use crate::port::Port;
use crate::signals::{Asked, Signals};
use crate::upgrade::{Image, renew};
use crate::{apart, logging, systemd};

/// How long an upgrade waits for a moment without a request: longer than any call.
const QUIET: Duration = Duration::from_secs(15);

/// How long deliveries under way may take; they bound themselves a little tighter.
pub(super) const FINISH_DELIVERIES: Duration = Duration::from_secs(13);

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The end.
    End,
    /// Another image of the program, which was tried out.
    Upgrade,
}

/// The service as it serves.
pub(super) struct Running {
    pub(super) signals: Signals,
    pub(super) host: Arc<Host>,
    pub(super) registry: Registry,
    pub(super) journal: Journal,
    pub(super) statuses: Statuses,
    pub(super) control: ServerControl,
    pub(super) drain: Arc<Draining>,
    /// Where the address lies that is served.
    pub(super) address_file: PathBuf,
    pub(super) tasks: Tasks,
    /// The port under its name: as long as this lives callers are not refused.
    pub(super) port: (&'static str, OwnedFd),
    pub(super) locks: Locks,
}

/// What runs, to be waited for or ended.
pub(super) struct Tasks {
    pub(super) http: JoinHandle<io::Result<()>>,
    pub(super) admin: JoinHandle<()>,
    pub(super) delivery: Shared<BoxFuture<'static, ()>>,
    pub(super) stop_delivery: CancellationToken,
    pub(super) pulse: JoinHandle<()>,
    renewal: JoinHandle<()>,
    disk_recovery: JoinHandle<()>,
}

impl Tasks {
    /// No worker is replaced any more by what looks after workers in the background.
    pub(super) fn leave_workers_alone(&self) {
        self.renewal.abort();
        self.disk_recovery.abort();
    }
}

impl Running {
    /// Begins everything, in this order.
    pub(super) async fn start(opened: Opened, port: Port, signals: Signals) -> Result<Self, ServiceError> {
        let Port { listener, kept, name, address, config } = port;
        let drain = Arc::new(Draining::default());
        let stop_delivery = CancellationToken::new();
        let delivery = deliver(&opened, address, stop_delivery.clone());

        let Opened { journal, statuses, names, host, registry, .. } = opened;
        adoption::adopt_workers(&host, &registry).await;
        let adopted = registry.list().into_iter().map(|handle| handle.user).collect();
        host.memory.clear_away_all_but(adopted).await;
        adoption::bring_back(&host, &registry).await.map_err(ServiceError::at(host.state.root()))?;

        let address_file = host.run.root().join("http.addr");
        std::fs::write(&address_file, address.to_string()).map_err(ServiceError::at(&address_file))?;
        let stop = CancellationToken::new();
        let (control, controlled) = server_control::control(stop.clone());
        let deletions = Deletions::new(deletion::Parts {
            users: Box::new(registry.clone()),
            state: host.state.clone(),
            store: host.store.clone(),
            journal: journal.clone(),
            statuses: statuses.clone(),
            control: control.clone(),
        });
        match host.shortage.outlast(|| folders::users_being_deleted(&host.state)).await {
            Ok(users) => deletions.resume(users),
            Err(error) => {
                tracing::error!(
                    error = logging::chain(&error),
                    "it cannot be read whose deletion goes on; they stay half deleted"
                );
            }
        }
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
            store: host.store.clone(),
            operators: operators.clone(),
            backups: Backups::new(
                Box::new(registry.clone()),
                Arc::clone(&host),
                operators.clone(),
                control.clone(),
            ),
            listen: address,
            drain: Arc::clone(&drain),
            draining: opened.draining,
        };
        let admin = admin::start(socket, stop);
        let max_starting = config.max_starting;
        let means = convert::ConverterContext {
            worker: host.launch.program.clone(),
            children: host.launch.children.clone(),
            uids: host.uids.clone(),
        };
        let converter = Converter::new(config.conversion.clone(), config.landlock, means);
        let parts = colmeia_http::Parts {
            config,
            journal: journal.clone(),
            store: host.store.clone(),
            operators,
            metrics: host.metrics.clone(),
            uploads: opened.uploads,
            names: names.clone(),
            shortage: host.shortage.clone(),
            converter,
        };
        let app = colmeia_http::App { registry: registry.clone(), parts };
        let http = tasks::passing("http", colmeia_http::serve(listener, app, controlled));
        let pulse = {
            let (registry, control) = (registry.clone(), control.clone());
            tasks::restarted("pulse", move || systemd::beat(registry.clone(), control.clone()))
        };
        let renewal = {
            let registry = registry.clone();
            tasks::restarted("renewal", move || renew(registry.clone()))
        };
        let disk_recovery = {
            let (registry, disk) = (registry.clone(), host.disk.clone());
            tasks::restarted("disk recovery", move || {
                replace_browsers(registry.clone(), disk.clone(), max_starting)
            })
        };
        tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
        tasks::passing("apart", apart::tell(Arc::clone(&host)));
        tasks::passing("own receivers", ssrf::tell_of_own_receivers(Arc::clone(&host.config), names));
        systemd::ready();
        Ok(Self {
            signals,
            host,
            registry,
            journal,
            statuses,
            control,
            drain,
            address_file,
            tasks: Tasks { http, admin, delivery, stop_delivery, pulse, renewal, disk_recovery },
            port: (name, kept),
            locks: opened.locks,
        })
    }

    /// Serves until something is asked for. An upgrade is only what follows when the other image has shown that it can.
    ///
    /// # Errors
    /// HTTP ended by itself.
    pub(super) async fn until_asked(&mut self, image: &Image) -> Result<Next, ServiceError> {
        loop {
            let asked = tokio::select! {
                asked = self.signals.next() => asked,
                broken = &mut self.tasks.http => return Err(ServiceError::Http(match broken {
                    Ok(Ok(())) => io::Error::other("the server ended by itself"),
                    Ok(Err(error)) => error,
                    Err(error) => io::Error::other(error),
                })),
            };
            let name = match asked {
                Asked::End(name) => name,
                Asked::Upgrade => {
                    systemd::reloading();
                    match image.check(&self.host.launch.children).await {
                        Ok(to) => {
                            tracing::info!(to, "another image of the program takes over; sessions go on")
                        }
                        Err(error) => {
                            tracing::error!(
                                error = logging::chain(&error),
                                "no upgrade; everything goes on as it is"
                            );
                            systemd::ready();
                            continue;
                        }
                    }
                    self.tasks.leave_workers_alone();
                    self.tasks.stop_delivery.cancel();
                    // Everyone is still served; the port is left in a moment when that cuts nobody short.
                    let settled = async {
                        let quiet = timeout(QUIET, self.control.quiet());
                        let _ = tokio::join!(timeout(FINISH_DELIVERIES, self.tasks.delivery.clone()), quiet);
                    };
                    tokio::select! {
                        () = settled => return Ok(Next::Upgrade),
                        name = self.signals.end() => name,
                    }
                }
            };
            tracing::info!(signal = name, "ending: no new requests, workers are stopped");
            return Ok(Next::End);
        }
    }
}

fn deliver(opened: &Opened, address: SocketAddr, stop: CancellationToken) -> Shared<BoxFuture<'static, ()>> {
    let means = delivery::DeliveryContext {
        names: opened.names.clone(),
        media: Media::new(Origin::of(&opened.host.config, address), Arc::new(opened.registry.clone())),
        metrics: opened.host.metrics.clone(),
        shortage: opened.host.shortage.clone(),
    };
    let (journal, recipients) = (opened.journal.clone(), opened.recipients.clone());
    let work = delivery::run(journal, recipients, Arc::clone(&opened.host.config), means, stop);
    tasks::vital("delivery", work).map(drop).boxed().shared()
}
