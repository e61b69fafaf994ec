//! The second phase: databases are opened, and what every session's task needs is put together.
//!
//! Nobody is served yet, and no session has a task.

use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use colmeia::protocol::Event;
use colmeia_events::delivery::{Recipients, Sessions};
use colmeia_events::journal::{Journal, StatusChange, Statuses};
use colmeia_host::disk::Disk;
use colmeia_host::dns::Resolver;
use colmeia_host::memory::Memory;
use colmeia_host::process::Children;
use colmeia_host::shortage::Shortage;
use colmeia_host::uploads::{Downloads, Uploads};
use colmeia_metrics::Metrics;
use colmeia_session::Host;
use colmeia_session::admission::{Admission, AdmissionQueue, follow_pressure};
use colmeia_session::connection::{EventSink, SinkError};
use colmeia_session::registry::Registry;
use colmeia_session::worker_process::Launch;
use colmeia_store::Store;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::claim::{Claim, Locks};
use super::errors::ServiceError;
use super::reaper;
use crate::logging;
use crate::upgrade::{Carry, Inherited};

/// The name under which passes on what is on no disk.
pub(super) const CARRY: &str = "carry";

/// Everything that is open.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) statuses: Statuses,
    pub(super) recipients: Recipients,
    pub(super) uploads: Uploads,
    pub(super) names: Resolver,
    pub(super) host: Arc<Host>,
    pub(super) registry: Registry,
    /// Whether a drain was under way that goes on.
    pub(super) draining: bool,
    pub(super) locks: Locks,
}

impl Opened {
    /// Opens what lies in the directories, with the configuration as the port has it.
    pub(super) fn open(
        claim: Claim,
        config: Arc<ServiceConfig>,
        inherited: &mut Inherited,
    ) -> Result<Self, ServiceError> {
        let Claim { run, state, uids, locks } = claim;
        let store = Store::open(&state.settings_database())?;
        let uploads = Uploads::open(state.uploads()).map_err(ServiceError::at(state.uploads()))?;
        let downloads = Downloads::open(state.downloads()).map_err(ServiceError::at(state.downloads()))?;
        let sessions: Arc<dyn Sessions> = Arc::new(store.clone());
        let recipients = Recipients::new(&config.webhooks, sessions).ignoring(config.ignore);
        let journal = Journal::open(&state.database(), Arc::new(recipients.clone()))?;
        let statuses = Statuses::start(journal.clone());

        let names = Resolver::of_system().map_err(ServiceError::Runtime)?;
        let children = Children::default();
        reaper::start(children.clone()).map_err(ServiceError::Runtime)?;
        let memory = Memory::open(&config.memory)?;
        let Carry { draining, users: carried } = Carry::receive(inherited.claim(CARRY));
        let metrics = Metrics::default();
        metrics.memory_mode(memory.mode().name());
        let admission = AdmissionQueue::open_with(
            Admission::new(config.max_users, config.max_starting),
            memory.room(),
            follow_pressure(config.max_starting),
        );
        let host = Arc::new(Host {
            shortage: {
                let (admission, metrics) = (admission.clone(), metrics.clone());
                Shortage::follow(move |on| admission.hold_for_means(on), move |lack| metrics.short_of(lack))
            },
            admission,
            sink: Arc::new(JournalSink { journal: journal.clone(), statuses: statuses.clone() }),
            downloads,
            launch: Launch {
                program: config.worker.clone().unwrap_or_default(),
                log_format: logging::resolve(config.log_format, config.log_to),
                children,
            },
            memory,
            store,
            uids,
            disk: Disk::follow(state.root().to_owned(), &run.full_disk_mark()),
            carried: Mutex::new(carried),
            metrics,
            lacks: colmeia_session::lacks::LacksTold::default(),
            hurry: CancellationToken::new(),
            config,
            state,
            run,
        });
        let registry = Registry::new(Arc::clone(&host));
        if draining {
            tracing::warn!("the drain that was under way goes on");
            host.admission.close(true);
        }
        Ok(Self { journal, statuses, recipients, uploads, names, host, registry, draining, locks })
    }
}

/// Where users' tasks keep what happens.
#[derive(Debug)]
struct JournalSink {
    journal: Journal,
    statuses: Statuses,
}

impl EventSink for JournalSink {
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
