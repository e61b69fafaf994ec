//! [`Memory`]: what each user's processes take.
//!
//! Owns the list of those who are measured, by whatever way of keeping the caps is in force, and how much memory there
//! is for all of them. `sampler` measures, round after round.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::{MemoryMode, MemoryPolicy};
use colmeia_base::tasks;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::InForce;
use super::cgroup::{CgroupError, Group, Groups, Kernel};
use super::{budget, cgroup, sampler};
use crate::process::Pid;
use colmeia::errors::chain;

/// Why memory cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Control groups cannot be used as they were asked for.
    #[error("memory.mode is \"cgroup\", but control groups cannot be used")]
    Cgroup(#[from] CgroupError),
    /// There is no thread to measure with.
    #[error("there is no thread to measure memory with")]
    Thread(#[source] io::Error),
}

/// What a user's processes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The worker among them.
    pub worker: Pid,
    /// In bytes.
    pub used: u64,
}

/// Where processes are handed in to be measured; cheap to clone.
#[derive(Debug, Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    mode: InForce,
    groups: Option<Groups>,
    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    pub(super) targets: Mutex<HashMap<Pid, Measured>>,
    /// The memory that there is for all workers; `None` where nobody measures.
    room: watch::Sender<Option<u64>>,
}

/// Who is measured.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) readings: mpsc::Sender<Reading>,
    /// What the admission queue has set aside for it.
    pub(super) set_aside: u64,
    /// Where the kernel adds up.
    pub(super) group: Option<Group>,
}

/// Measured as long as this is kept.
#[derive(Debug)]
pub struct Followed {
    worker: Pid,
    inner: Weak<Inner>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.targets.lock().remove(&self.worker);
        }
    }
}

impl Memory {
    /// Nobody is measured.
    #[cfg(any(test, feature = "testing"))]
    pub fn off() -> Self {
        Self { inner: Arc::new(Inner::new(InForce::Off, None)) }
    }

    /// Begins to measure, and says in which way. The thread ends within a round after the last handle is gone.
    ///
    /// # Errors
    /// When control groups are demanded and cannot be used, or the system gives no thread.
    pub fn open(policy: &MemoryPolicy) -> Result<Self, MemoryError> {
        let groups = match policy.mode {
            MemoryMode::Off | MemoryMode::Polling => None,
            MemoryMode::Cgroup => Some(delegated()?),
            MemoryMode::Auto => delegated()
                .inspect_err(|error| {
                    tracing::info!(reason = chain(error), "no control groups; memory is polled");
                })
                .ok(),
        };
        let mode = match (policy.mode, &groups) {
            (MemoryMode::Off, _) => InForce::Off,
            (_, Some(_)) => InForce::Cgroup,
            (_, None) => InForce::Polling,
        };
        let inner = Arc::new(Inner::new(mode, groups));
        let limit_mb = inner.limit().map(|bytes| bytes >> 20);
        tracing::info!(memory_mode = mode.name(), limit_mb, "memory caps");
        if policy.reclaim_after_secs > 0 && (mode != InForce::Cgroup || policy.swap_max_mb == 0) {
            tracing::warn!(
                "memory.reclaim_after_secs does nothing without control groups and memory.swap_max_mb"
            );
        }
        if mode != InForce::Off {
            let (measured, round) = (Arc::downgrade(&inner), Duration::from_millis(policy.poll_ms));
            tasks::vital_thread("memory", move || sampler::measure(&measured, round))
                .map_err(MemoryError::Thread)?;
        }
        Ok(Self { inner })
    }

    /// How much memory there is for all workers together.
    pub fn room(&self) -> watch::Receiver<Option<u64>> {
        self.inner.room.subscribe()
    }

    /// What all workers and we may take together, in bytes, where that is less than the machine.
    pub fn limit_of_all(&self) -> Option<u64> {
        self.inner.limit()
    }

    /// Which way of keeping the caps is in force.
    pub fn mode(&self) -> InForce {
        self.inner.mode
    }

    /// A group for a worker that is about to start; `None` where there are none.
    ///
    /// # Errors
    /// [`CgroupError`] names the file.
    pub fn group(&self, user: &UserId, policy: &MemoryPolicy) -> Result<Option<Group>, CgroupError> {
        self.inner.groups.as_ref().map(|groups| groups.create(user, policy)).transpose()
    }

    /// Tells the kernel other limits for the group of a worker that runs. `false` where there is none, or it
    /// refuses. Blocks while the kernel makes room.
    pub fn limit(&self, user: &UserId, policy: &MemoryPolicy) -> bool {
        let Some((groups, group)) = self.inner.groups.as_ref().zip(self.group_of(user)) else { return false };
        let told = groups.limit(&group, policy);
        if let Err(error) = &told {
            tracing::warn!(%user, error = chain(error), "the group keeps some of its limits until the next start");
        }
        told.is_ok()
    }

    /// The group of a worker that runs.
    pub fn group_of(&self, user: &UserId) -> Option<Group> {
        self.inner.groups.as_ref()?.find(user)
    }

    /// Ends what runs in groups of other users than these: nobody knows it any more.
    pub async fn clear_away_all_but(&self, kept: Vec<UserId>) {
        if let Some(groups) = self.inner.groups.clone() {
            let _ = tasks::blocking("control groups", move || groups.clear_away_all_but(&kept)).await;
        }
    }

    /// Has the worker and everything below it measured; `None` where nobody is.
    pub fn follow(
        &self,
        user: &UserId,
        worker: Pid,
        set_aside: u64,
        readings: mpsc::Sender<Reading>,
    ) -> Option<Followed> {
        if self.mode() == InForce::Off {
            return None;
        }
        self.inner
            .targets
            .lock()
            .insert(worker, Measured { readings, set_aside, group: self.group_of(user) });
        Some(Followed { worker, inner: Arc::downgrade(&self.inner) })
    }
}

impl Inner {
    fn new(mode: InForce, groups: Option<Groups>) -> Self {
        let room = watch::Sender::new(None);
        let inner = Self { mode, groups, targets: Mutex::default(), room };
        inner.look_around(&[]);
        inner
    }

    /// Says how much memory there is, given what each worker uses and what is set aside for it.
    pub(super) fn look_around(&self, workers: &[(u64, u64)]) {
        if self.mode != InForce::Off {
            let limit = self.limit();
            let room = budget::available().map(|available| budget::room(available, limit, workers));
            self.room.send_if_modified(|last| std::mem::replace(last, room) != room);
        }
    }

    /// What all of this may take together, where something less than the machine was set: a container's limit, a unit's.
    fn limit(&self) -> Option<u64> {
        match &self.groups {
            Some(groups) => groups.unit_limit(),
            None => cgroup::limit_around(&Kernel, &own_groups(), Path::new(MOUNT)),
        }
    }
}

/// The group around us that has the lowest cap, where one has: a container's, a unit's; and that cap.
pub(crate) fn capped_around() -> Option<(PathBuf, u64)> {
    cgroup::capped_around(&Kernel, &own_groups(), Path::new(MOUNT))
}

/// Where the groups lie.
const MOUNT: &str = "/sys/fs/cgroup";

fn own_groups() -> String {
    std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default()
}

fn delegated() -> Result<Groups, CgroupError> {
    Groups::set_up(Arc::new(Kernel), &own_groups(), Path::new(MOUNT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_followed_is_measured_again_and_again_until_dropped() {
        let policy = MemoryPolicy { mode: MemoryMode::Polling, poll_ms: 20, ..MemoryPolicy::default() };
        let memory = Memory::open(&policy).expect("nothing to refuse");
        let (sender, mut readings) = mpsc::channel(2);
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep runs");
        let own = Pid::from_child(&child);
        let user = "1".parse().expect("an id");
        let followed = memory.follow(&user, own, 0, sender).expect("on");
        for _ in 0..3 {
            let reading = readings.recv().await.expect("measured");
            assert!(reading.worker == own && reading.used > 0);
        }
        drop(followed);
        while readings.recv().await.is_some() {} // the sender is gone with the target
        child.kill().and_then(|()| child.wait()).expect("ended");
        assert!(Memory::off().follow(&user, own, 0, mpsc::channel(1).0).is_none());
    }
}
