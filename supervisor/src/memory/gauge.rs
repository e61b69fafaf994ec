//! [`Memory`]: the one thread that measures what each user's processes take, one user after the other.
//!
//! Owns the list of those who are measured and the pace: a round lasts as long as configured and its readings
//! are spread over it, a few users at a time. It has a thread of its own, for it only reads files of the kernel and
//! sleeps. A reading that says something new goes to its user's task, and is dropped when that is busy.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use colmeia::UserId;
use colmeia::config::{MemoryMode, MemoryPolicy};
use tokio::sync::{mpsc, watch};

use super::InForce;
use super::cgroup::{CgroupError, Group, Groups, Kernel};
use super::room;
use super::tree::Tree;
use crate::logging::chain;
use crate::user::process::{Family, Pid, Table};

/// For how many rounds the machine's processes are believed to be the same: half a minute, by default.
const TABLE_ROUNDS: u32 = 15;
/// The same, while somebody is new: its browser is about to start.
const YOUNG_TABLE_ROUNDS: u32 = 2;
/// For how many rounds somebody is new.
const YOUNG_FOR: u32 = 30;
/// How many users are measured at a time: one is measured in microseconds.
const AT_A_TIME: usize = 16;
/// For how many rounds a user's task is not told what it knows already: ten seconds, by default.
const TOLD_ROUNDS: u32 = 5;

/// Why memory cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {
    #[error("memory.mode is \"cgroup\", but control groups cannot be used")]
    Cgroup(#[from] CgroupError),
    #[error("there is no thread to measure memory with")]
    Thread(#[source] io::Error),
}

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
    turns: AtomicU64,
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
    /// Which time it is followed.
    turn: u64,
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

    /// Begins to measure, and says in which way. The thread ends within a round after the last handle is gone.
    ///
    /// # Errors
    /// When control groups are demanded and cannot be used, or the system gives no thread.
    pub(crate) fn open(policy: &MemoryPolicy) -> Result<Self, MemoryError> {
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
        if policy.reclaim_after_secs > 0 && (mode != InForce::Cgroup || policy.swap_max_mb == 0) {
            tracing::warn!(
                "memory.reclaim_after_secs does nothing without control groups and memory.swap_max_mb"
            );
        }
        let inner = Arc::new(Inner::new(mode, groups));
        if mode != InForce::Off {
            let (measured, round) = (Arc::downgrade(&inner), Duration::from_millis(policy.poll_ms));
            let thread = std::thread::Builder::new().name("memory".into());
            thread.spawn(move || measure(&measured, round)).map_err(MemoryError::Thread)?;
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
        let turn = self.inner.turns.fetch_add(1, Ordering::Relaxed);
        self.inner.targets().insert(worker, Target { readings, set_aside, group: self.group_of(user), turn });
        Some(Followed { worker, inner: Arc::downgrade(&self.inner) })
    }
}

impl Inner {
    fn new(mode: InForce, groups: Option<Groups>) -> Self {
        let room = watch::Sender::new(None);
        let inner = Self { mode, groups, targets: Mutex::default(), turns: AtomicU64::new(0), room };
        inner.look_around(&[]);
        inner
    }

    /// Says how much memory there is, given what each worker uses and what is set aside for it.
    fn look_around(&self, workers: &[(u64, u64)]) {
        if self.mode != InForce::Off {
            let limit = self.groups.as_ref().and_then(Groups::unit_limit);
            let room = room::available().map(|available| room::room(available, limit, workers));
            self.room.send_if_modified(|last| std::mem::replace(last, room) != room);
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
fn measure(inner: &Weak<Inner>, round: Duration) {
    let mut scales: HashMap<Pid, Scale> = HashMap::new();
    let mut families = Families::default();
    loop {
        let start = Instant::now();
        let Some(targets) = inner.upgrade().map(|inner| inner.targets().clone()) else { return };
        scales.retain(|worker, _| targets.contains_key(worker));
        // Where the kernel adds up, nobody has to know the processes.
        let polled = targets.iter().filter(|(_, target)| target.group.is_none()).map(|(worker, _)| *worker);
        families.refresh(&polled.collect::<Vec<_>>());
        let targets: Vec<_> = targets.into_iter().collect();
        let chunks = targets.chunks(AT_A_TIME);
        let step = round / u32::try_from(chunks.len().max(1)).unwrap_or(u32::MAX);
        let mut next = start;
        let mut workers = Vec::with_capacity(targets.len());
        for few in chunks {
            let mut news = Vec::new();
            for (worker, target) in few {
                let family = families.of(*worker);
                let scale = scales.entry(*worker).or_default();
                let used = scale.weigh(target, &family);
                if target.group.is_none() && !scale.tree.has_all(&family) {
                    families.read_anew();
                }
                workers.push((used, target.set_aside));
                // With 0 nothing of it is left: its end is on its way.
                if used > 0 && scale.is_news(target, used) {
                    news.push((target, Reading { worker: *worker, used }));
                }
            }
            // All of them at once: the first wakes whoever handles the others too.
            for (target, reading) in news {
                let told = target.readings.try_send(reading).is_ok();
                if let Some(scale) = scales.get_mut(&reading.worker) {
                    scale.told(target, told.then_some(reading.used));
                }
            }
            next += step;
            sleep_until(next);
        }
        if let Some(inner) = inner.upgrade() {
            inner.look_around(&workers);
        }
        sleep_until(start + round);
    }
}

fn sleep_until(then: Instant) {
    sleep(then.saturating_duration_since(Instant::now()));
}

/// What is known of one user from earlier rounds.
#[derive(Debug, Default)]
struct Scale {
    tree: Tree,
    /// What its task was told last, in bytes, and in which turn.
    told: Option<(u64, u64)>,
    /// Rounds since then.
    rounds: u32,
}

impl Scale {
    fn weigh(&mut self, target: &Target, family: &Family) -> u64 {
        match &target.group {
            // A group that cannot be read has ended.
            Some(group) => group.used().unwrap_or(0),
            None => self.tree.measure(family),
        }
    }

    /// Its task was told so much; nothing when it was busy.
    fn told(&mut self, target: &Target, used: Option<u64>) {
        self.told = used.map(|used| (target.turn, used));
        self.rounds = 0;
    }

    /// Whether its task is to be told: waking it takes more than measuring.
    fn is_news(&mut self, target: &Target, used: u64) -> bool {
        self.rounds += 1;
        self.told != Some((target.turn, used)) || self.rounds >= TOLD_ROUNDS
    }
}

/// The processes of each worker, as they were a few rounds ago: reading all of the machine's costs more than all the
/// rest, and who has a browser that runs seldom gets another process. Whoever starts or loses one has them read anew.
#[derive(Debug, Default)]
struct Families {
    known: HashMap<Pid, Arc<Family>>,
    /// Since they were read.
    rounds: u32,
    /// Since the last worker came.
    calm_rounds: u32,
    stale: bool,
}

impl Families {
    /// In the next round at the latest.
    fn read_anew(&mut self) {
        self.stale = true;
    }

    /// At the beginning of each round.
    fn refresh(&mut self, workers: &[Pid]) {
        self.rounds += 1;
        let all_known = workers.iter().all(|worker| self.known.contains_key(worker));
        self.calm_rounds = if all_known { self.calm_rounds.saturating_add(1) } else { 0 };
        let believed = if self.calm_rounds < YOUNG_FOR { YOUNG_TABLE_ROUNDS } else { TABLE_ROUNDS };
        if workers.is_empty() || (all_known && !self.stale && self.rounds < believed) {
            return;
        }
        (self.rounds, self.stale) = (0, false);
        let table = Table::read();
        self.known = workers.iter().map(|worker| (*worker, Arc::new(table.family(*worker)))).collect();
    }

    fn of(&self, worker: Pid) -> Arc<Family> {
        self.known.get(&worker).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    #[test]
    fn a_process_that_a_new_worker_starts_is_found_without_being_told() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "read line; sleep 1000 & wait"])
            .stdin(std::process::Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh runs");
        let worker = Pid::from_child(&shell);
        let mut families = Families::default();
        families.refresh(&[worker]);
        assert_eq!(families.of(worker).len(), 1);
        drop(shell.stdin.take()); // the shell reads the end and goes on
        let mut found = 1;
        for _ in 0..2000 {
            families.calm_rounds = 0;
            families.refresh(&[worker]);
            found = families.of(worker).len();
            if found == 2 {
                break;
            }
            sleep(Duration::from_millis(5));
        }
        assert_eq!(found, 2);
        rustix::process::kill_process_group(worker, rustix::process::Signal::KILL).expect("ended");
        shell.wait().expect("reaped");
    }

    #[test]
    fn a_task_is_told_what_is_new_and_now_and_then_what_is_not() {
        let mut target = Target { readings: mpsc::channel(1).0, set_aside: 0, group: None, turn: 1 };
        let mut scale = Scale::default();
        assert!(scale.is_news(&target, 7));
        scale.told(&target, None);
        assert!(scale.is_news(&target, 7), "it was busy");
        scale.told(&target, Some(7));
        assert!(scale.is_news(&target, 8));
        scale.told(&target, Some(7));
        let told = [(); 5].map(|()| scale.is_news(&target, 7));
        assert_eq!(told, [false, false, false, false, true]);
        scale.told(&target, Some(7));
        target.turn = 2;
        assert!(scale.is_news(&target, 7), "it has other limits");
    }

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
