//! What `/proc` says about processes: who is whose child, who runs what. Owns reading it and ending trees.
//!
//! A process is named by its id *and* its start time, so that a reused id is never taken for the old process.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use colmeia_base::procfs::{self, Stat};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// How often a dying process is looked at. There is no event for the death of a process that is nobody's
/// child, and pidfds cannot be had for a process that is already a zombie of someone else.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// In clock ticks since boot.
    pub(super) started: u64,
    pub(super) zombie: bool,
}

/// All processes that can be seen.
pub(super) fn table() -> Vec<Entry> {
    procfs::pids().into_iter().flatten().filter_map(entry).collect()
}

/// One process; `None` when there is none.
pub(super) fn entry(pid: u32) -> Option<Entry> {
    let Stat { zombie, parent, started_ticks, .. } = Stat::of(pid).ok()?;
    Some(Entry { pid, parent, started: started_ticks, zombie })
}

/// The command line of a process. Chromium's children rewrite theirs into one argument with spaces.
pub(super) fn arguments(pid: u32) -> Vec<String> {
    let Ok(raw) = fs::read(format!("/proc/{pid}/cmdline")) else { return Vec::new() };
    raw.split(|b| *b == 0)
        .filter(|a| !a.is_empty())
        .map(|a| String::from_utf8_lossy(a).into_owned())
        .collect()
}

/// Whether this very process is still there and not a zombie.
pub(super) fn lives(pid: u32, started: u64) -> bool {
    entry(pid).is_some_and(|now| now.started == started && !now.zombie)
}

/// All descendants of `root`, without `root` itself.
pub(super) fn descendants(root: u32, table: &[Entry]) -> Vec<Entry> {
    let mut found: HashSet<u32> = HashSet::from([root]);
    loop {
        let before = found.len();
        found.extend(table.iter().filter(|e| found.contains(&e.parent)).map(|e| e.pid).collect::<Vec<_>>());
        if found.len() == before {
            break;
        }
    }
    table.iter().filter(|e| e.pid != root && found.contains(&e.pid)).cloned().collect()
}

/// Kills the renderers below this browser; the browser lives on and says that its page has crashed.
/// Returns how many there were.
pub(crate) fn kill_renderers(browser: u32) -> usize {
    descendants(browser, &table())
        .iter()
        .filter(|e| !e.zombie && arguments(e.pid).iter().any(|a| a.contains("--type=renderer")))
        .filter(|e| signal(e.pid, Signal::SIGKILL))
        .count()
}

/// Kills these and waits until they are gone, at most this long. Returns those that are still there.
pub(super) async fn kill_and_wait(mut victims: Vec<Entry>, at_most: Duration) -> Vec<Entry> {
    let end = Instant::now() + at_most;
    for victim in &victims {
        if lives(victim.pid, victim.started) {
            signal(victim.pid, Signal::SIGKILL);
        }
    }
    loop {
        victims.retain(|v| lives(v.pid, v.started));
        if victims.is_empty() || Instant::now() >= end {
            return victims;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Kills every descendant of this process and reaps those that were handed to it as a subreaper.
/// For the end of a worker: nothing else of it has children any more. Returns how many are still there
/// after `at_most`.
pub(crate) async fn kill_descendants(at_most: Duration) -> usize {
    let end = Instant::now() + at_most;
    let me = std::process::id();
    loop {
        let all = descendants(me, &table());
        for zombie in all.iter().filter(|e| e.zombie && e.parent == me) {
            reap(zombie.pid);
        }
        let alive: Vec<Entry> = all.into_iter().filter(|e| !e.zombie).collect();
        if alive.is_empty() || Instant::now() >= end {
            return alive.len();
        }
        // Children that appear between two looks are found by the next one.
        kill_and_wait(alive, end.saturating_duration_since(Instant::now()).min(Duration::from_millis(500)))
            .await;
    }
}

/// Reaps a child that was re-parented to us. A child with a waiting thread of its own may be taken from
/// under it: [`super::process`] counts with that.
fn reap(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG));
    }
}

pub(super) fn signal(pid: u32, signal: Signal) -> bool {
    let Ok(raw) = i32::try_from(pid) else { return false };
    match kill(Pid::from_raw(raw), signal) {
        Ok(()) => true,
        Err(Errno::ESRCH) => false,
        Err(error) => {
            tracing::warn!(pid, %error, "a process of the browser cannot be signalled");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_at_any_depth_and_order() {
        let e = |pid, parent| Entry { pid, parent, started: 0, zombie: false };
        let table = [e(5, 4), e(4, 2), e(2, 1), e(3, 1), e(9, 8)];
        let mut found: Vec<u32> = descendants(2, &table).iter().map(|e| e.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [4, 5]);
    }

    #[test]
    fn this_process_lives() {
        let me = entry(std::process::id()).expect("we run");
        assert!(lives(me.pid, me.started));
        assert!(!lives(me.pid, me.started + 1));
    }
}
