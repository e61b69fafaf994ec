//! What `/proc` says about processes: who is whose child, who runs what. Owns reading it and ending trees.
//!
//! A process is named by its id *and* its start time, so that a reused id is never taken for the old process. Where the
//! machine has no descriptor left to look with, nothing is known, and nobody is taken for gone.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use colmeia::errors::lack_of;
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
///
/// # Errors
/// When nobody can look.
pub(super) fn table() -> io::Result<Vec<Entry>> {
    procfs::pids()?.filter_map(|pid| entry(pid).transpose()).collect()
}

/// One process; `None` when there is none.
///
/// # Errors
/// When nobody can look.
pub(super) fn entry(pid: u32) -> io::Result<Option<Entry>> {
    let stat = unless_lacking(Stat::of(pid))?;
    Ok(stat.map(|Stat { zombie, parent, started_ticks, .. }| Entry {
        pid,
        parent,
        started: started_ticks,
        zombie,
    }))
}

/// Of a process that is gone or cannot be asked there is nothing.
fn unless_lacking<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if lack_of(&error).is_some() => Err(error),
        read => Ok(read.ok()),
    }
}

/// The command line of a process. Chromium's children rewrite theirs into one argument with spaces.
///
/// # Errors
/// When nobody can look.
pub(super) fn arguments(pid: u32) -> io::Result<Vec<String>> {
    let raw = unless_lacking(fs::read(format!("/proc/{pid}/cmdline")))?.unwrap_or_default();
    let words = raw.split(|b| *b == 0).filter(|a| !a.is_empty());
    Ok(words.map(|a| String::from_utf8_lossy(a).into_owned()).collect())
}

/// Whether this very process is still there and not a zombie.
///
/// # Errors
/// When nobody can look.
pub(super) fn lives(pid: u32, started: u64) -> io::Result<bool> {
    Ok(entry(pid)?.is_some_and(|now| now.started == started && !now.zombie))
}

/// The same of whoever has to be gone: they are there as long as nobody has seen them gone.
fn is_left(process: &Entry) -> bool {
    lives(process.pid, process.started).unwrap_or(true)
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
    // Whoever wants them gone waits for it, and gives up.
    let Ok(all) = table() else { return 0 };
    let renders = |pid| arguments(pid).is_ok_and(|words| words.iter().any(|a| a.contains("--type=renderer")));
    descendants(browser, &all)
        .iter()
        .filter(|e| !e.zombie && renders(e.pid))
        .filter(|e| signal(e.pid, Signal::SIGKILL))
        .count()
}

/// Kills these and waits until they are gone, at most this long. Returns those that are still there.
pub(super) async fn kill_and_wait(mut victims: Vec<Entry>, at_most: Duration) -> Vec<Entry> {
    let end = Instant::now() + at_most;
    loop {
        victims.retain(is_left);
        for victim in &victims {
            // None but this very one: its number may be another's by now.
            if lives(victim.pid, victim.started).unwrap_or(false) {
                signal(victim.pid, Signal::SIGKILL);
            }
        }
        if victims.is_empty() || Instant::now() >= end {
            return victims;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Kills every descendant of this process and reaps those that were handed to it as a subreaper.
/// For the end of a worker: nothing else of it has children any more. Returns how many are still there
/// after `at_most`.
///
/// # Errors
/// When nobody can look, not even at the end.
pub(crate) async fn kill_descendants(at_most: Duration) -> io::Result<usize> {
    let end = Instant::now() + at_most;
    let me = std::process::id();
    loop {
        let all = match table() {
            Ok(table) => descendants(me, &table),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
        };
        for zombie in all.iter().filter(|e| e.zombie && e.parent == me) {
            reap(zombie.pid);
        }
        let alive: Vec<Entry> = all.into_iter().filter(|e| !e.zombie).collect();
        if alive.is_empty() || Instant::now() >= end {
            return Ok(alive.len());
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
    use crate::want::NothingLeft;

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
        let me = entry(std::process::id()).expect("seen").expect("we run");
        assert!(lives(me.pid, me.started).expect("seen"));
        assert!(!lives(me.pid, me.started + 1).expect("seen"));
    }

    #[tokio::test]
    async fn nobody_is_gone_because_nobody_can_look() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("runs");
        let child_entry = entry(child.id()).expect("seen").expect("there");
        let nothing_left = NothingLeft::begin();
        let seen = (
            table().is_err(),
            lives(child.id(), child_entry.started).is_err(),
            arguments(child.id()).is_err(),
        );
        let left = kill_and_wait(vec![child_entry.clone()], Duration::from_millis(50)).await;
        let descendants = kill_descendants(Duration::from_millis(50)).await;
        drop(nothing_left);
        assert_eq!((seen, left), ((true, true, true), vec![child_entry]));
        descendants.expect_err("it cannot be said");
        assert_eq!(kill_descendants(Duration::from_secs(60)).await.expect("seen"), 0);
        let _ = child.wait(); // reaped already
    }
}
