//! What a worker and everything below it uses of the machine, read from `/proc`.
//!
//! Owns the sums. Never signals or waits: a process that goes away meanwhile counts for nothing.

use std::collections::HashMap;
use std::io;

use colmeia::admin::Merged;
use colmeia::errors::lack_of;
use colmeia_base::procfs::{self, Stat};

use colmeia_host::memory::{merged_of, share_of};
use colmeia_host::process::Pid;

/// All processes at one moment.
#[derive(Debug, Default)]
pub struct Machine {
    processes: HashMap<u32, Stat>,
    /// So that a look at everyone costs what there is, and not that for each of them.
    children: HashMap<u32, Vec<u32>>,
    ticks_per_second: f64,
}

impl Machine {
    /// Looks once.
    ///
    /// # Errors
    /// When the machine has nothing left to look with: what is missing then may be there.
    pub fn look() -> io::Result<Self> {
        let mut processes = HashMap::new();
        for pid in procfs::pids()? {
            match Stat::of(pid) {
                Err(error) if lack_of(&error).is_some() => return Err(error),
                stat => processes.extend(stat.ok().map(|stat| (pid, stat))),
            }
        }
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (pid, stat) in &processes {
            children.entry(stat.parent).or_default().push(*pid);
        }
        #[allow(clippy::cast_precision_loss)] // a hundred, in practice
        let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
        Ok(Self { processes, children, ticks_per_second })
    }

    /// Whether the process descends from one of these.
    pub fn descends(&self, pid: u32, from: impl Fn(u32) -> bool) -> bool {
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

    /// Whether the process is there and can be seen.
    pub fn shows(&self, pid: u32) -> bool {
        self.processes.contains_key(&pid)
    }

    /// The bytes that the process and everything below it take; `None` when it is gone.
    pub fn memory(&self, root: u32) -> Option<u64> {
        let share = |pid: u32| share_of(Pid::from_raw(pid.try_into().ok()?)?);
        Some(self.tree(root)?.filter_map(|(pid, _)| share(pid)).sum())
    }

    /// What the kernel merged of the process and everything below it; `None` when it is gone, or the kernel
    /// cannot say.
    pub fn merged(&self, root: u32) -> Option<Merged> {
        merged_of(self.tree(root)?.map(|(pid, _)| pid))
    }

    /// The CPU time of the process and of everything below it; `None` when it is gone.
    pub fn cpu_seconds(&self, root: u32) -> Option<f64> {
        let ticks: u64 = self.tree(root)?.map(|(_, stat)| stat.cpu_ticks).sum();
        #[allow(clippy::cast_precision_loss)] // centuries of CPU time
        Some(ticks as f64 / self.ticks_per_second)
    }

    fn tree(&self, root: u32) -> Option<impl Iterator<Item = (u32, Stat)>> {
        let mut found = vec![(root, *self.processes.get(&root)?)];
        let mut at = 0;
        while let Some((parent, _)) = found.get(at).copied() {
            let below = self.children.get(&parent).into_iter().flatten();
            // Ids that were given anew while we looked could close a circle, and only at its beginning.
            let below = below.filter(|pid| **pid != root);
            found.extend(below.filter_map(|pid| Some((*pid, *self.processes.get(pid)?))));
            at += 1;
        }
        Some(found.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_counts_its_children_and_nobody_else() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep runs");
        let machine = Machine::look().expect("seen");
        let memory = |pid| machine.memory(pid).expect("alive");
        let (whole, part) = (memory(own), memory(child.id()));
        assert!(
            machine.descends(child.id(), |pid| pid == own) && !machine.descends(own, |pid| pid == child.id())
        );
        assert!(part > 0 && whole > part && machine.shows(own) && machine.cpu_seconds(own).is_some());
        assert!(!machine.shows(u32::MAX) && machine.memory(u32::MAX).is_none());
        child.kill().expect("killed");
        child.wait().expect("reaped");
    }
}
