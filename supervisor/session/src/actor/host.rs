//! [`Host`]: what is the same for all users, and what follows from it for one.

use std::collections::HashMap;
use std::sync::Arc;

use colmeia::config::{MemoryPolicy, Ownership, ServiceConfig, WorkerConfig};
use colmeia::layout::{RunLayout, StateLayout};
use colmeia::{Secret, UserId};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::admission::AdmissionQueue;
use crate::connection::{EventSink, Handshake};
use crate::lacks::LacksTold;
use crate::lifecycle::Carried;
use crate::limits;
use crate::token;
use crate::worker_process::{Launch, WorkerProcess};
use colmeia_host::blocking;
use colmeia_host::disk::Disk;
use colmeia_host::memory::{Group, Memory};
use colmeia_host::process::Marks;
use colmeia_host::shortage::Shortage;
use colmeia_host::uids::UidAllocator;
use colmeia_host::uploads::Downloads;
use colmeia_metrics::Metrics;
use colmeia_store::Store;

/// Everything that is the same for all users.
#[derive(Debug)]
pub struct Host {
    /// What is configured.
    pub config: Arc<ServiceConfig>,
    /// The state directory.
    pub state: StateLayout,
    /// The runtime directory.
    pub run: RunLayout,
    /// How workers are started.
    pub launch: Launch,
    /// Who may start when.
    pub admission: AdmissionQueue,
    /// Where events go.
    pub sink: Arc<dyn EventSink>,
    /// Where large answers lie until they were handed on.
    pub downloads: Downloads,
    /// What measures and keeps the caps.
    pub memory: Memory,
    /// What is configured for each session.
    pub store: Store,
    /// User ids for workers.
    pub uids: UidAllocator,
    /// Whether the disk is full.
    pub disk: Disk,
    /// What the machine lacks.
    pub shortage: Shortage,
    /// What an earlier image of the program knew of its users; each takes up its own.
    pub carried: Mutex<HashMap<UserId, Carried>>,
    /// What is counted of workers and calls.
    pub metrics: Metrics,
    /// What was said of what pages lack.
    pub lacks: LacksTold,
    /// Cancelled when an end must not be waited for any longer.
    pub hurry: CancellationToken,
}

impl Host {
    /// What is configured for the user's memory, without what an operator set on the machine.
    pub fn memory_of(&self, user: &UserId) -> MemoryPolicy {
        if let Err(wrong) = self.store.limits(user).over(self.config.memory_of(user)) {
            tracing::error!(%user, error = %wrong, "the session's own limits cannot be used; the configuration's hold");
        }
        limits::configured(&self.config, &self.store, user)
    }
}

/// A worker that was found alive.
#[derive(Debug)]
pub struct Adopted {
    /// Its process.
    pub process: WorkerProcess,
    /// What was said at the handshake.
    pub greeted: Handshake,
}

/// The token of the user's worker, from the disk.
pub async fn token_of(host: &Arc<Host>, user: &UserId) -> std::io::Result<Secret> {
    let (host, user) = (Arc::clone(host), user.clone());
    let read = blocking::in_folders(move || token::read(&host.state, &user)).await;
    read.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

/// By what the user's processes are recognised.
pub fn marks(host: &Host, user: &UserId) -> Marks {
    let (user_dir, own_dir) = (host.run.user_dir(user), host.state.own_dir(user));
    Marks { user_dir, own_dir, uid: host.uids.of(user) }
}

pub(super) fn worker_config(
    host: &Host,
    user: &UserId,
    token: Secret,
    ownership: Ownership,
    group: Option<&Group>,
) -> WorkerConfig {
    let config = &host.config;
    let own = host.store.session(user).unwrap_or_default();
    WorkerConfig {
        user: user.clone(),
        state_dir: host.state.root().to_owned(),
        runtime_dir: host.run.root().to_owned(),
        client_prefix: config.client_prefix.clone(),
        page_url: config.page_url.clone(),
        browser: config.browser.clone(),
        wa_js: config.wa_js.clone(),
        languages: config.languages.clone(),
        landlock: config.landlock,
        browser_sandbox: config.browser_sandbox,
        memory_merge: config.memory_merge,
        token,
        deadlines: config.deadlines,
        browser_group: group.map(Group::browser_entrance),
        proxy: own.proxy,
        debug: own.debug,
        passkey: config.passkey,
        page: config.page.with(own.page),
        ownership,
    }
}
