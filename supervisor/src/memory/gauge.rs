//! [`Memory`]: the one task that measures what each user's processes take, one user after the other.
//!
//! Owns the list of those who are measured and the pace: a round lasts as long as configured and its readings
//! are spread over it, each on a thread that may block. A reading goes to its user's task and is dropped when
//! that is busy.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::{MemoryMode, MemoryPolicy};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::InForce;
use super::cgroup::{CgroupError, Group, Groups, Kernel};
use super::room;
use super::tree::Tree;
use crate::logging::chain;
use crate::user::process::{Pid, Table};

/// For how many rounds the machine's processes are believed to be the same.
const TABLE_ROUNDS: u32 = 4;

/// What a user's processes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The worker among them.
    pub(crate) worker: Pid,
    /// In bytes.
    pub(crate) used: u64,
}

/// Where processes are handed in to be measured; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    mode: InForce,
    groups: Option<Groups>,
    targets: Mutex<HashMap<Pid, Target>>,
    /// The memory that there is for all workers; `None` where nobody measures.
    room: watch::Sender<Option<u64>>,
}

/// Who is measured.
#[derive(Debug, Clone)]
struct Target {
    readings: mpsc::Sender<Reading>,
    /// What the admission desk has set aside for it.
    set_aside: u64,
    /// Where the kernel adds up.
    group: Option<Group>,
}

/// Measured as long as this is kept.
#[derive(Debug)]
pub(crate) struct Followed {
    worker: Pid,
    inner: Weak<Inner>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.targets().remove(&self.worker);
        }
    }
}

impl Memory {
    /// Nobody is measured.
    #[cfg(test)]
    pub(crate) fn off() -> Self {
        Self { inner: Arc::new(Inner::new(InForce::Off, None)) }
    }

    /// Begins to measure, and says in which way. The task ends when the last handle is gone.
    ///
    /// # Errors
    /// When control groups are demanded and cannot be used.
    pub(crate) fn open(policy: &MemoryPolicy) -> Result<Self, CgroupError> {
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
        tracing::info!(memory_mode = mode.name(), "memory caps");
        let inner = Arc::new(Inner::new(mode, groups));
        if mode != InForce::Off {
            tokio::spawn(measure(Arc::downgrade(&inner), Duration::from_millis(policy.poll_ms)));
        }
        Ok(Self { inner })
    }

    /// How much memory there is for all workers together.
    pub(crate) fn room(&self) -> watch::Receiver<Option<u64>> {
        self.inner.room.subscribe()
    }

    /// Which way of keeping the caps is in force.
    pub(crate) fn mode(&self) -> InForce {
        self.inner.mode
    }

    /// A group for a worker that is about to start; `None` where there are none.
    ///
    /// # Errors
    /// [`CgroupError`] names the file.
    pub(crate) fn group(&self, user: &UserId, policy: &MemoryPolicy) -> Result<Option<Group>, CgroupError> {
        self.inner.groups.as_ref().map(|groups| groups.create(user, policy)).transpose()
    }

    /// Tells the kernel other limits for the group of a worker that runs. `false` where there is none, or it
    /// refuses. Blocks while the kernel makes room.
    pub(crate) fn limit(&self, user: &UserId, policy: &MemoryPolicy) -> bool {
        let Some((groups, group)) = self.inner.groups.as_ref().zip(self.group_of(user)) else { return false };
        let told = groups.limit(&group, policy);
        if let Err(error) = &told {
            tracing::warn!(%user, error = chain(error), "the group keeps some of its limits until the next start");
        }
        told.is_ok()
    }

    /// The group of a worker that runs.
    pub(crate) fn group_of(&self, user: &UserId) -> Option<Group> {
        self.inner.groups.as_ref()?.find(user)
    }

    /// Ends what runs in groups of other users than these: nobody knows it any more.
    pub(crate) async fn clear_away_all_but(&self, kept: Vec<UserId>) {
        if let Some(groups) = self.inner.groups.clone() {
            let _ = tokio::task::spawn_blocking(move || groups.clear_away_all_but(&kept)).await;
        }
    }

    /// Has the worker and everything below it measured; `None` where nobody is.
    pub(crate) fn follow(
        &self,
        user: &UserId,
        worker: Pid,
        set_aside: u64,
        readings: mpsc::Sender<Reading>,
    ) -> Option<Followed> {
        if self.mode() == InForce::Off {
            return None;
        }
        self.inner.targets().insert(worker, Target { readings, set_aside, group: self.group_of(user) });
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
    fn look_around(&self, workers: &[(u64, u64)]) {
        if self.mode != InForce::Off {
            let limit = self.groups.as_ref().and_then(Groups::unit_limit);
            let room = room::available().map(|available| room::room(available, limit, workers));
            self.room.send_replace(room);
        }
    }

    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    fn targets(&self) -> MutexGuard<'_, HashMap<Pid, Target>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn delegated() -> Result<Groups, CgroupError> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Groups::set_up(Arc::new(Kernel), &own, Path::new("/sys/fs/cgroup"))
}

/// Round after round.
async fn measure(inner: Weak<Inner>, round: Duration) {
    let mut trees: HashMap<Pid, Tree> = HashMap::new();
    let mut processes = Processes::default();
    loop {
        let start = Instant::now();
        let Some(targets) = inner.upgrade().map(|inner| inner.targets().clone()) else { return };
        trees.retain(|worker, _| targets.contains_key(worker));
        let step = round / u32::try_from(targets.len().max(1)).unwrap_or(u32::MAX);
        let mut next = start + step;
        let mut workers = Vec::new();
        if targets.keys().any(|worker| !trees.contains_key(worker)) {
            processes.read_anew();
        }
        if let (false, Some(table)) = (targets.is_empty(), processes.of_this_round().await) {
            for (worker, Target { readings, set_aside, group }) in targets {
                let (table, mut tree) = (Arc::clone(&table), trees.remove(&worker).unwrap_or_default());
                let measured = tokio::task::spawn_blocking(move || {
                    if let Some(used) = group.and_then(|group| group.used()) {
                        return (tree, used, true);
                    }
                    let family = table.family(worker);
                    let used = tree.measure(&family);
                    let all_there = tree.has_all(&family);
                    (tree, used, all_there)
                });
                if let Ok((tree, used, all_there)) = measured.await {
                    if !all_there {
                        processes.read_anew();
                    }
                    trees.insert(worker, tree);
                    workers.push((used, set_aside));
                    // Nothing of it is left: its end is on its way.
                    if used > 0 {
                        let _ = readings.try_send(Reading { worker, used });
                    }
                }
                sleep_until(next).await;
                next += step;
            }
        }
        if let Some(inner) = inner.upgrade() {
            inner.look_around(&workers);
        }
        sleep_until(start + round).await;
    }
}

/// All processes of the machine, as they were a few rounds ago: reading them costs more than all the rest, and who has
/// a browser that runs seldom gets another process. Whoever starts or loses one has them read anew.
#[derive(Debug, Default)]
struct Processes {
    table: Option<Arc<Table>>,
    rounds: u32,
}

impl Processes {
    /// In the next round at the latest.
    fn read_anew(&mut self) {
        self.table = None;
    }

    /// `None` when they cannot be read.
    async fn of_this_round(&mut self) -> Option<Arc<Table>> {
        self.rounds += 1;
        if self.table.is_none() || self.rounds >= TABLE_ROUNDS {
            self.rounds = 0;
            self.table = tokio::task::spawn_blocking(Table::read).await.ok().map(Arc::new);
        }
        self.table.clone()
    }
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
