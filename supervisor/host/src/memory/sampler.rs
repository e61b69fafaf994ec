//! Measuring what each user's processes take, one user after the other.
//!
//! Owns the pace: a round lasts as long as configured and its readings are spread over it, a few users at a time. It has a
//! thread of its own, for it only reads files of the kernel and sleeps. A reading that says something new goes to its
//! user's task, and is dropped when that is busy. It decides nothing.

use std::collections::HashMap;
use std::sync::Weak;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::monitor::{Inner, Measured, Reading};
use super::process_tree::Tree;
use crate::process::{Family, Pid, Table};

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

/// Measures round after round, until the last handle is gone.
pub(super) fn measure(inner: &Weak<Inner>, round: Duration) {
    let mut scales: HashMap<Pid, Scale> = HashMap::new();
    let mut families = Families::default();
    loop {
        let start = Instant::now();
        let Some(targets) = inner.upgrade().map(|inner| inner.targets.lock().clone()) else { return };
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
                let used = scale.weigh(target, family);
                if family.is_some_and(|family| !scale.tree.has_all(family)) {
                    families.read_anew();
                }
                workers.push((used, target.set_aside));
                // With 0 nothing of it is left: its end is on its way.
                if used > 0 && scale.is_news(used) {
                    news.push((target, Reading { worker: *worker, used }));
                }
            }
            // All of them at once: the first wakes whoever handles the others too.
            for (target, reading) in news {
                let told = target.readings.try_send(reading).is_ok();
                if let Some(scale) = scales.get_mut(&reading.worker) {
                    scale.told(told.then_some(reading.used));
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
    /// What its task was told last, in bytes.
    told: Option<u64>,
    /// Rounds since then.
    rounds: u32,
}

impl Scale {
    fn weigh(&mut self, target: &Measured, family: Option<&Family>) -> u64 {
        match &target.group {
            // A group that cannot be read has ended.
            Some(group) => group.used().unwrap_or(0),
            None => family.map_or(0, |family| self.tree.measure(family)),
        }
    }

    /// Its task was told so much; nothing when it was busy.
    fn told(&mut self, used: Option<u64>) {
        self.told = used;
        self.rounds = 0;
    }

    /// Whether its task is to be told: waking it takes more than measuring.
    fn is_news(&mut self, used: u64) -> bool {
        self.rounds += 1;
        self.told != Some(used) || self.rounds >= TOLD_ROUNDS
    }
}

/// The processes of each worker, as they were a few rounds ago: reading all of the machine's costs more than all the
/// rest, and who has a browser that runs seldom gets another process. Whoever starts or loses one has them read anew.
#[derive(Debug, Default)]
struct Families {
    known: HashMap<Pid, Family>,
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
        // Where nobody can look, everyone has whom they had.
        let Ok(table) = Table::read() else { return self.read_anew() };
        (self.rounds, self.stale) = (0, false);
        self.known = workers.iter().map(|worker| (*worker, table.family(*worker))).collect();
    }

    /// Of those who are asked for in `refresh` only.
    fn of(&self, worker: Pid) -> Option<&Family> {
        self.known.get(&worker)
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
        assert_eq!(families.of(worker).map(Family::len), Some(1));
        drop(shell.stdin.take()); // the shell reads the end and goes on
        let mut found = Some(1);
        for _ in 0..2000 {
            families.calm_rounds = 0;
            families.refresh(&[worker]);
            found = families.of(worker).map(Family::len);
            if found == Some(2) {
                break;
            }
            sleep(Duration::from_millis(5));
        }
        assert_eq!(found, Some(2));
        rustix::process::kill_process_group(worker, rustix::process::Signal::KILL).expect("ended");
        shell.wait().expect("reaped");
    }

    #[test]
    fn a_task_is_told_what_is_new_and_now_and_then_what_is_not() {
        let mut scale = Scale::default();
        assert!(scale.is_news(7));
        scale.told(None);
        assert!(scale.is_news(7), "it was busy");
        scale.told(Some(7));
        assert!(scale.is_news(8));
        scale.told(Some(7));
        let told = [(); 5].map(|()| scale.is_news(7));
        assert_eq!(told, [false, false, false, false, true]);
    }
}
