//! The user's memory: readings come in, and what the watch says of them becomes events for the policy.
//!
//! Owns what "a quiet moment" is. Measures nothing and decides no limit.

use std::time::Duration;

use colmeia::config::{MemoryMode, ServiceConfig};
use colmeia::protocol::ToWorker;
use colmeia::{SessionState, UserId};
use tokio::sync::mpsc;

use super::UserTask;
use crate::memory::{Followed, Limits, Reading, Step, Watch};
use crate::user::policy::{Event, State};
use crate::user::process::Pid;
use crate::user::view::MemoryUse;

/// How long nothing must have happened in a session before it may be replaced.
const STILL: Duration = Duration::from_secs(3);
/// A reading that finds the task busy is followed by another soon.
const READINGS: usize = 2;
const MIB: u64 = 1024 * 1024;

/// What is known of the user's memory.
#[derive(Debug)]
pub(super) struct Weight {
    watch: Watch,
    pub(super) readings: (mpsc::Sender<Reading>, mpsc::Receiver<Reading>),
    followed: Option<Followed>,
    /// The bytes that the admission desk sets aside for the user.
    pub(super) set_aside: u64,
    /// How many events and calls there had been by the last reading.
    busy: (u64, u64),
    /// When something last happened in the session.
    stirred: Duration,
}

impl Weight {
    pub(super) fn new(config: &ServiceConfig, user: &UserId) -> Self {
        let mut limits = Limits::of(&config.memory_of(user));
        if config.memory.mode == MemoryMode::Off {
            (limits.high, limits.max) = (u64::MAX, u64::MAX);
        }
        Self {
            watch: Watch::new(limits),
            readings: mpsc::channel(READINGS),
            followed: None,
            set_aside: config.memory_of(user).admitted_mb().saturating_mul(MIB),
            busy: (0, 0),
            stirred: Duration::ZERO,
        }
    }

    /// There is no process any more.
    pub(super) fn put_down(&mut self) {
        self.followed = None;
        self.watch.restart();
    }
}

impl UserTask {
    /// Has the processes of this worker measured from now on.
    pub(super) fn weigh(&mut self, worker: Pid) {
        self.weight.put_down();
        self.weight.followed = self.host.memory.follow(
            &self.user,
            worker,
            self.weight.set_aside,
            self.weight.readings.0.clone(),
        );
    }

    /// What others may know of it.
    pub(super) fn memory_use(&self) -> Option<MemoryUse> {
        let (used, peak) = self.weight.watch.seen()?;
        Some(MemoryUse { used, peak, cap: self.weight.watch.cap() })
    }

    /// A reading has come in.
    pub(super) fn weighed(&mut self, reading: Reading) -> Vec<Event> {
        // One of the processes before these may still have been on its way.
        if self.process.as_ref().is_none_or(|worker| worker.process.pid() != reading.worker) {
            return Vec::new();
        }
        let (quiet, at) = (self.is_quiet(), self.at());
        let step = self.weight.watch.sample(reading.used, quiet, at);
        let (user, mib) = (&self.user, reading.used / MIB);
        match step {
            None => Vec::new(),
            Some(Step::Relieve) => {
                tracing::info!(%user, mib, "above the soft limit; the page is asked to free memory");
                if let Some(connection) = &self.connection {
                    let _ = connection.link.outbox().put(&ToWorker::RelieveMemory, bytes::Bytes::new());
                }
                Vec::new()
            }
            Some(Step::Recycle) => {
                tracing::warn!(%user, mib, "above the soft limit for long; the browser is replaced");
                vec![Event::Recycle]
            }
            Some(Step::Kill) => {
                tracing::error!(%user, mib, "above the hard limit; the user's processes are killed");
                vec![Event::OverMemory]
            }
        }
    }

    /// Whether nobody would miss the session for the seconds that it takes to come back.
    fn is_quiet(&mut self) -> bool {
        let at = self.at();
        let Some(connection) = &self.connection else { return false };
        let busy = (connection.link.events(), self.calls.asked());
        if busy != self.weight.busy || !self.calls.is_empty() {
            self.weight.busy = busy;
            self.weight.stirred = at;
        }
        let ready = self.view.borrow().state().is_some_and(SessionState::is_ready);
        let running = matches!(self.policy.state(), State::Running { .. });
        ready && running && self.disconnects.is_empty() && at >= self.weight.stirred + STILL
    }
}
