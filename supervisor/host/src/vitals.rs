//! [`Vitals`]: what the machine has and how much of it is in use, for people who look at it.
//!
//! Owns the looking. Decides nothing: who may start is `memory`'s, and what a full disk means is `disk`'s. Where a container or
//! a slice has a limit of its own, that limit is the memory that there is.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use colmeia_base::procfs;
use parking_lot::Mutex;

use crate::memory::{capped_around, of_meminfo};

/// Over at least how long the processor's load is taken: many who look at once all see the same.
const SPAN: Duration = Duration::from_secs(1);

/// Figures of one moment, in bytes; what this kernel does not say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// The memory in use, and all of it.
    pub memory: Option<Share>,
    /// The disk of the state directory.
    pub disk: Option<Share>,
    /// How busy all processors were lately, from 0 to 1; absent at the first look.
    pub busy: Option<f64>,
    /// How many processors we may use.
    pub processors: Option<usize>,
    /// What the machine is called.
    pub host: String,
}

/// A part of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// What is in use.
    pub used: u64,
    /// What there is.
    pub total: u64,
}

impl Share {
    /// From 0 to 100.
    pub fn percent(self) -> u64 {
        let hundred = u128::from(self.used.min(self.total)) * 100;
        hundred
            .checked_div(u128::from(self.total))
            .and_then(|percent| percent.try_into().ok())
            .unwrap_or_default()
    }
}

/// Looks at the machine, and remembers what is needed to say how busy it is.
#[derive(Debug)]
pub struct Gauge {
    folder: PathBuf,
    processors: Mutex<Option<Processors>>,
}

/// What all processors did since the machine began, when that was read, and how busy they were before.
#[derive(Debug, Clone, Copy)]
struct Processors {
    at: Instant,
    ticks: Ticks,
    busy: Option<f64>,
}

/// Ticks of all processors together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Gauge {
    /// For the disk on which this folder lies.
    pub fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), processors: Mutex::default() }
    }

    /// Looks now. Reads files: not for a task that may not wait.
    pub fn look(&self) -> Vitals {
        Vitals {
            memory: memory(),
            disk: disk(&self.folder),
            busy: self.busy(Instant::now()),
            processors: std::thread::available_parallelism().ok().map(usize::from),
            host: procfs::whole(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default().trim().to_owned(),
        }
    }

    fn busy(&self, now: Instant) -> Option<f64> {
        // A panic while the lock was held cannot leave it half changed: it is replaced as a whole.
        let mut known = self.processors.lock();
        if let Some(before) = known.filter(|before| now.saturating_duration_since(before.at) < SPAN) {
            return before.busy;
        }
        let ticks = Ticks::parse(&procfs::whole(Path::new("/proc/stat")).ok()?)?;
        let busy = known.and_then(|before| ticks.busy_since(before.ticks));
        *known = Some(Processors { at: now, ticks, busy });
        busy
    }
}

impl Ticks {
    /// Of the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; guests count in user.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> =
            line.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
        let idle = fields.get(3)?.saturating_add(fields.get(4).copied().unwrap_or_default());
        Some(Self { idle, all: fields.iter().fold(0, |sum, field| sum.saturating_add(*field)) })
    }

    #[allow(clippy::cast_precision_loss)] // a share of it is told in percent
    fn busy_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        // The kernel's idle time may go back a little.
        let idle = self.idle.saturating_sub(before.idle).min(all);
        Some((all - idle) as f64 / all as f64)
    }
}

fn memory() -> Option<Share> {
    let text = procfs::whole(Path::new("/proc/meminfo")).ok()?;
    let (total, available) = (of_meminfo(&text, "MemTotal:")?, of_meminfo(&text, "MemAvailable:")?);
    let machine = Share { used: total.saturating_sub(available), total };
    let capped = capped_around().filter(|(_, cap)| *cap < total);
    Some(capped.and_then(|(group, cap)| of_group(&group, cap)).unwrap_or(machine))
}

/// What a group with this cap uses of it.
fn of_group(group: &Path, cap: u64) -> Option<Share> {
    let current = procfs::whole(&group.join("memory.current")).ok()?.trim().parse().ok()?;
    let stat = procfs::whole(&group.join("memory.stat")).unwrap_or_default();
    Some(Share { used: in_use(current, &stat), total: cap })
}

/// Without files that the kernel would give up for whoever needs the room.
fn in_use(current: u64, stat: &str) -> u64 {
    let cached = stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok());
    current.saturating_sub(cached.unwrap_or(0))
}

fn disk(folder: &Path) -> Option<Share> {
    let found = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    // What only root may use is neither ours nor in use.
    let used = bytes(found.f_blocks.saturating_sub(found.f_bfree));
    Some(Share { used, total: used.saturating_add(bytes(found.f_bavail)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_busy_the_processors_were_is_the_difference_of_two_looks() {
        let before = Ticks::parse("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4\n").expect("read");
        assert_eq!(before, Ticks { idle: 850, all: 1000 });
        let after = Ticks { idle: 925, all: 1100 };
        assert_eq!(after.busy_since(before), Some(0.25));
        assert_eq!(before.busy_since(before), None, "no time has passed");
        assert_eq!(before.busy_since(after), None, "another machine's");
        assert_eq!(Ticks::parse("intr 1 2 3"), None);
    }

    #[test]
    fn many_who_look_at_once_see_the_same() {
        let gauge = Gauge::of(Path::new("/"));
        let first = Instant::now();
        assert_eq!(gauge.busy(first), None, "there is nothing to compare with");
        assert_eq!(gauge.busy(first + SPAN / 2), None);
        let at = gauge.processors.lock().expect("known").at;
        assert_eq!(at, first, "the second look was no look");
        assert!(gauge.busy(first + SPAN * 2).is_none_or(|busy| (0.0..=1.0).contains(&busy)));
    }

    #[test]
    fn what_the_machine_has_is_seen() {
        let seen = Gauge::of(Path::new("/")).look();
        for share in [seen.memory.expect("memory"), seen.disk.expect("a disk")] {
            assert!(share.used > 0 && share.used <= share.total && share.percent() <= 100, "{share:?}");
        }
        assert!(seen.processors.is_some_and(|count| count > 0) && !seen.host.is_empty());
        let group = tempfile::tempdir().expect("folder");
        assert_eq!(of_group(group.path(), 900), None, "no group at all");
        std::fs::write(group.path().join("memory.current"), "600\n").expect("written");
        std::fs::write(group.path().join("memory.stat"), "anon 5\ninactive_file 100\n").expect("written");
        assert_eq!(of_group(group.path(), 900), Some(Share { used: 500, total: 900 }));
        assert_eq!(in_use(1000, "anon 5\ninactive_file 300\n"), 700);
        assert_eq!(Share { used: 5, total: 0 }.percent(), 0);
    }
}
