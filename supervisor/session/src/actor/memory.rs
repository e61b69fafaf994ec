//! The user's memory: readings come in, and what the watch says of them becomes events for the policy.
//!
//! Owns what "a quiet moment" is. Measures nothing and decides no limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use colmeia::SessionState;
use colmeia::admin::When;
use colmeia::config::{MemoryMode, MemoryOverrides, MemoryPolicy};
use colmeia::protocol::ToWorker;
use colmeia_base::tasks;
use tokio::sync::{mpsc, oneshot};

use super::SessionActor;
use crate::handle::Limited;
use crate::lifecycle::{Event, State};
use crate::view::MemoryUse;
use colmeia::errors::chain;
use colmeia_host::blocking;
use colmeia_host::memory::{Followed, Idle, InForce, Limits, MemoryStep, Reading, Watch};
use colmeia_host::process::Pid;

/// How long nothing must have happened in a session before it may be replaced.
const STILL: Duration = Duration::from_secs(3);
/// A reading that finds the task busy is followed by another soon.
const READINGS: usize = 2;
const MIB: u64 = 1024 * 1024;

/// What is known of the user's memory.
#[derive(Debug)]
pub(super) struct Weight {
    /// The limits, with the user's own.
    pub(super) policy: MemoryPolicy,
    watch: Watch,
    idle: Idle,
    pub(super) readings: (mpsc::Sender<Reading>, mpsc::Receiver<Reading>),
    followed: Option<Followed>,
    /// The bytes that the admission queue sets aside for the user.
    pub(super) set_aside: u64,
    /// How many events and calls there had been by the last reading.
    busy: (u64, u64),
    /// When something last happened in the session.
    stirred: Duration,
}

impl Weight {
    pub(super) fn new(policy: MemoryPolicy) -> Self {
        Self {
            policy,
            watch: Watch::new(watched(&policy)),
            idle: Idle::new(&policy),
            readings: mpsc::channel(READINGS),
            followed: None,
            set_aside: set_aside(&policy),
            busy: (0, 0),
            stirred: Duration::ZERO,
        }
    }

    /// Other limits.
    fn limit(&mut self, policy: MemoryPolicy) {
        self.policy = policy;
        self.watch.limit(watched(&policy));
        self.idle = Idle::new(&policy);
        self.set_aside = set_aside(&policy);
    }

    /// There is no process any more.
    pub(super) fn put_down(&mut self) {
        self.followed = None;
        self.watch.restart();
        self.idle = Idle::new(&self.policy);
    }
}

/// The limits that readings are held against.
fn watched(policy: &MemoryPolicy) -> Limits {
    let limits = Limits::of(policy);
    if policy.mode == MemoryMode::Off { Limits { high: u64::MAX, max: u64::MAX, ..limits } } else { limits }
}

fn set_aside(policy: &MemoryPolicy) -> u64 {
    policy.admitted_mb().saturating_mul(MIB)
}

/// From when on each limit holds. `written` when the kernel has been told.
fn applied(mode: InForce, running: bool, written: bool) -> BTreeMap<String, When> {
    // Both are held against readings in either mode.
    let polled = match (mode, running) {
        (InForce::Off, _) => When::Never,
        (_, true) => When::Now,
        (_, false) => When::NextStart,
    };
    let kernels = match mode {
        InForce::Off | InForce::Polling => When::Never,
        InForce::Cgroup if running && written => When::Now,
        InForce::Cgroup => When::NextStart,
    };
    let all = [("high_mb", polled), ("max_mb", polled)];
    let all = all.into_iter().chain(["swap_max_mb", "pids_max", "cpu_weight"].map(|name| (name, kernels)));
    all.map(|(name, when)| (name.to_owned(), when)).collect()
}

impl SessionActor {
    /// Other limits: kept first, then held against readings, then told to the kernel, which may have to make room
    /// and so is not waited for here.
    pub(super) fn limit(&mut self, own: MemoryOverrides, answer: oneshot::Sender<Limited>) {
        self.disk_jobs.limit(Arc::clone(&self.host), self.user.clone(), own, answer);
    }

    /// The session's configuration has others: what an operator set for the user holds over them, as before.
    pub(super) fn limit_again(&mut self, answer: oneshot::Sender<Limited>) {
        self.disk_jobs.limit_again(Arc::clone(&self.host), self.user.clone(), answer);
    }

    /// They are kept.
    pub(super) fn limited(&mut self, own: MemoryOverrides, answer: oneshot::Sender<Limited>) {
        let (host, user) = (&self.host, &self.user);
        self.weight.limit(host.memory_of(user).overridden(own));
        self.place.iter().for_each(|place| place.resize(self.weight.set_aside));
        let running = self.process.as_ref().map(|worker| worker.process.pid());
        if let Some(worker) = running {
            self.follow_again(worker);
            self.weigh_again(worker);
        }
        let (memory, user, policy) = (self.host.memory.clone(), self.user.clone(), self.weight.policy);
        tasks::passing("memory", async move {
            let done = blocking::looking(move || {
                let written = running.is_some() && memory.limit(&user, &policy);
                let _ = answer.send(Ok(applied(memory.mode(), running.is_some(), written)));
            });
            let _ = done.await; // without an answer whoever asked is told so
        });
    }

    /// The next owner of the name begins with what holds for everyone.
    pub(super) fn forget_limits(&mut self) {
        self.weight.limit(self.host.memory_of(&self.user));
    }

    fn follow_again(&mut self, worker: Pid) {
        // The earlier one goes first: it takes the worker off the list.
        self.weight.followed = None;
        self.weight.followed = self.host.memory.follow(
            &self.user,
            worker,
            self.weight.set_aside,
            self.weight.readings.0.clone(),
        );
    }

    /// Holds what was measured last against the limits of now: it comes anew only when it changes, or after a while.
    fn weigh_again(&self, worker: Pid) {
        if let Some((used, _)) = self.weight.watch.seen() {
            // Where it is busy with readings, the next one does as well.
            let _ = self.weight.readings.0.try_send(Reading { worker, used });
        }
    }

    /// Has the processes of this worker measured from now on.
    pub(super) fn weigh(&mut self, worker: Pid) {
        self.weight.put_down();
        self.follow_again(worker);
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
            None => {
                let still = quiet.then_some(self.weight.stirred);
                if self.weight.idle.is_due(still, reading.used, at) {
                    self.move_out();
                }
                Vec::new()
            }
            Some(MemoryStep::Relieve) => {
                tracing::info!(%user, mib, "above the soft limit; the page is asked to free memory");
                if let Some(connection) = &self.connection {
                    let _ = connection.link.send_queue().put(&ToWorker::RelieveMemory, None);
                }
                Vec::new()
            }
            Some(MemoryStep::Recycle) => {
                tracing::warn!(%user, mib, "above the soft limit for long; the browser is replaced");
                vec![Event::Recycle]
            }
            Some(MemoryStep::Kill) => {
                tracing::error!(%user, mib, "above the hard limit; the user's processes are killed");
                vec![Event::OverMemory]
            }
        }
    }

    /// Has what the session does not touch moved into swap. Nobody waits for it; where swap is slow it takes its time.
    fn move_out(&self) {
        let Some(group) = self.host.memory.group_of(&self.user) else { return };
        let user = self.user.clone();
        tasks::passing(
            "moving out",
            blocking::in_turn(move || match group.move_out() {
                Ok(bytes) => {
                    tracing::info!(%user, mib = bytes / MIB, "an idle session's memory was moved into swap")
                }
                Err(error) => {
                    tracing::warn!(%user, error = chain(&error), "an idle session's memory stays where it is");
                }
            }),
        );
    }

    /// Whether nobody would miss the session for the seconds that it takes to come back.
    fn is_quiet(&mut self) -> bool {
        let at = self.at();
        let ready = self.view.borrow().state().is_some_and(SessionState::is_ready);
        let running = matches!(self.lifecycle.state(), State::Running { .. });
        let events = self.connection.as_ref().map_or(0, |connection| connection.link.events());
        let busy = (events, self.calls.asked());
        if busy != self.weight.busy || !self.calls.is_empty() || !(ready && running) {
            self.weight.busy = busy;
            self.weight.stirred = at;
        }
        self.disconnects.is_empty() && at >= self.weight.stirred + STILL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_from_when_on_each_limit_holds() {
        let when = |mode, running, written| {
            let all = applied(mode, running, written);
            assert_eq!((all.len(), all["high_mb"]), (5, all["max_mb"]));
            assert_eq!((all["swap_max_mb"], all["pids_max"]), (all["cpu_weight"], all["cpu_weight"]));
            (all["max_mb"], all["pids_max"])
        };
        assert_eq!(when(InForce::Cgroup, true, true), (When::Now, When::Now));
        assert_eq!(when(InForce::Cgroup, true, false), (When::Now, When::NextStart));
        assert_eq!(when(InForce::Cgroup, false, false), (When::NextStart, When::NextStart));
        assert_eq!(when(InForce::Polling, true, false), (When::Now, When::Never));
        assert_eq!(when(InForce::Polling, false, false), (When::NextStart, When::Never));
        assert_eq!(when(InForce::Off, true, false), (When::Never, When::Never));
    }
}
