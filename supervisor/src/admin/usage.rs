//! What a worker and everything below it uses of the machine, read from `/proc`.
//!
//! Owns the sums. Never signals or waits: a process that goes away meanwhile counts for nothing.

use std::collections::HashMap;
use std::fs;

/// What a tree of processes uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// In bytes.
    pub(super) memory: u64,
    pub(super) cpu_seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    ticks: u64,
}

/// All processes at one moment.
#[derive(Debug)]
pub(super) struct Machine {
    processes: HashMap<u32, Stat>,
    ticks_per_second: f64,
}

impl Machine {
    /// Looks once.
    pub(super) fn look() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid: u32| {
                Some((pid, parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))
            })
            .collect();
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten();
        #[allow(clippy::cast_precision_loss)] // a hundred, in practice
        let ticks_per_second = per_second.filter(|ticks| *ticks > 0).unwrap_or(100) as f64;
        Self { processes, ticks_per_second }
    }

    /// Whether the process descends from one of these.
    pub(super) fn descends(&self, pid: u32, from: impl Fn(u32) -> bool) -> bool {
        let mut next = Some(pid);
        for _ in 0..self.processes.len() {
            match next {
                Some(pid) if from(pid) => return true,
                Some(pid) => next = self.processes.get(&pid).map(|stat| stat.parent),
                None => break,
            }
        }
        false
    }

    /// What the process and everything below it uses; `None` when it is gone.
    pub(super) fn usage(&self, root: u32) -> Option<Usage> {
        self.processes.get(&root)?;
        let tree = self.processes.iter().filter(|(pid, _)| self.descends(**pid, |above| above == root));
        let (mut memory, mut ticks) = (0, 0);
        for (pid, stat) in tree {
            memory += memory_of(*pid);
            ticks += stat.ticks;
        }
        #[allow(clippy::cast_precision_loss)] // centuries of CPU time
        let cpu_seconds = ticks as f64 / self.ticks_per_second;
        Some(Usage { memory, cpu_seconds })
    }
}

/// PSS; where a sandboxed process does not let itself be read, what it shares with nobody.
fn memory_of(pid: u32) -> u64 {
    let read = |file: &str, keys: &[&str]| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        sum(&text, keys)
    };
    read("smaps_rollup", &["Pss:"]).or_else(|| read("status", &["RssAnon:", "RssShmem:"])).unwrap_or_default()
}

/// The sum of these lines, which are in kibibytes.
fn sum(text: &str, keys: &[&str]) -> Option<u64> {
    let values = text.lines().filter_map(|line| {
        let value = keys.iter().find_map(|key| line.strip_prefix(key))?;
        value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    values.reduce(|a, b| a + b).map(|kib| kib * 1024)
}

/// The name stands in parentheses and may contain any character. CPU time includes that of children that ended.
fn parse(line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(") ")?.1.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = (11..=14).filter_map(number).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parents_and_times_of_a_line_are_read() {
        let line = "42 (a) b) S 7 42 41 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1";
        assert_eq!(parse(line), Some(Stat { parent: 7, ticks: 124 }));
        assert_eq!(sum("Rss:  9 kB\nPss:    12 kB\nPss_Anon: 5 kB\n", &["Pss:"]), Some(12 * 1024));
    }

    #[test]
    fn a_tree_counts_its_children_and_nobody_else() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep runs");
        let machine = Machine::look();
        let (whole, part) = (machine.usage(own).expect("alive"), machine.usage(child.id()).expect("alive"));
        assert!(
            machine.descends(child.id(), |pid| pid == own) && !machine.descends(own, |pid| pid == child.id())
        );
        assert!(part.memory > 0 && whole.memory > part.memory);
        child.kill().expect("killed");
        child.wait().expect("reaped");
    }
}
