//! What a worker's processes take together, from `/proc`.
//!
//! Owns the arithmetic: the proportional set size of each process of the tree, in which a page that several
//! processes share counts once altogether. Reading it makes the kernel walk every page table, so a process whose
//! plain resident size has hardly changed is believed for a while. Blocks; never touches a process.

use std::collections::HashMap;

use crate::process::{Family, Pid, number};
use colmeia_base::procfs;

/// For how many rounds a process that hardly changes is believed: five minutes, by default. Walking its page tables
/// takes milliseconds, and what it shares changes only when others begin or end.
const BELIEVED: u32 = 150;
/// A change of less than this part of it, or of less than [`SMALL`] pages, is hardly one.
const PART: u64 = 32;
const SMALL: u64 = 1024;
/// A process of fewer pages, 32 MiB, such as the worker and the sandbox's zygotes, which has hardly changed for so many
/// rounds is looked at each few rounds only. They are most of a user's processes, and opening their files is most of
/// what measuring takes.
const LITTLE: u64 = 8192;
const CALM: u32 = 15;
const SELDOM: u32 = 5;

/// What is known of a tree's processes from earlier rounds.
#[derive(Debug, Default)]
pub(super) struct Tree {
    known: HashMap<Pid, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// In pages.
    resident: u64,
    /// In bytes.
    share: u64,
    rounds: u32,
}

impl Known {
    fn believed(&self) -> Self {
        Self { rounds: self.rounds + 1, ..*self }
    }

    /// Whether it need not be looked at in this round.
    fn may_wait(&self) -> bool {
        self.resident <= LITTLE && self.rounds >= CALM && !self.rounds.is_multiple_of(SELDOM)
    }
}

impl Tree {
    /// The bytes that these processes take. Processes that end meanwhile count nothing.
    pub(super) fn measure(&mut self, family: &Family) -> u64 {
        let mut known = HashMap::with_capacity(family.len());
        for pid in family {
            if let Some(known_before) = self.known.get(pid).filter(|known| known.may_wait()) {
                known.insert(*pid, known_before.believed());
                continue;
            }
            let Some(resident) = resident(*pid) else { continue };
            let believed = self.known.get(pid).filter(|known| {
                known.rounds < BELIEVED && known.resident.abs_diff(resident) <= (resident / PART).min(SMALL)
            });
            let now = match believed {
                Some(known) => known.believed(),
                None => match share(*pid) {
                    Some(share) => Known { resident, share, rounds: 0 },
                    None => continue,
                },
            };
            known.insert(*pid, now);
        }
        self.known = known;
        self.known.values().map(|known| known.share).sum()
    }

    /// Whether all of them were there when they were measured last.
    pub(super) fn has_all(&self, family: &Family) -> bool {
        self.known.len() == family.len()
    }
}

/// Cheap, and a bound of what could have changed.
fn resident(pid: Pid) -> Option<u64> {
    let text = procfs::read(number(pid), "statm").ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

/// The proportional set size. A process that may not be asked counts with what is its own alone: the shared rest
/// is counted with those that may.
pub fn share(pid: Pid) -> Option<u64> {
    match procfs::read(number(pid), "smaps_rollup") {
        Ok(text) => parse(&text, "Pss:"),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            parse(&procfs::read(number(pid), "status").ok()?, "RssAnon:")
        }
        Err(_) => None,
    }
}

pub(crate) fn parse(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_share_is_found_among_the_others() {
        let text =
            "55-7f ---p 00000000 00:00 0   [rollup]\nRss:    99 kB\nPss:      12 kB\nPss_Anon:  9 kB\n";
        assert_eq!(parse(text, "Pss:"), Some(12 * 1024));
        assert_eq!(parse("Rss: 3 kB\n", "Pss:"), None);
    }

    #[test]
    fn only_a_little_process_that_was_calm_for_long_may_wait_and_not_for_long() {
        let waits = |resident, rounds| Known { resident, share: 1, rounds }.may_wait();
        assert!(!(0..=CALM).any(|rounds| waits(1, rounds)) && waits(1, CALM + 1));
        assert!(!waits(LITTLE + 1, CALM + 1));
        let looked_at = (CALM..BELIEVED).filter(|rounds| !waits(1, *rounds)).count();
        assert_eq!(looked_at, ((BELIEVED - CALM) / SELDOM) as usize);
    }

    #[test]
    fn our_own_growth_is_seen_and_the_dead_count_nothing() {
        let own = rustix::process::getpid();
        let (mut tree, family) = (Tree::default(), Family::from([own]));
        let before = tree.measure(&family);
        assert!(before > 0);
        let ballast = vec![1u8; 64 * 1024 * 1024];
        let after = tree.measure(&family);
        assert!(after >= before + 48 * 1024 * 1024, "{before} {after} {}", ballast[7]);
        assert!(tree.has_all(&family));
        let dead = Family::from([Pid::from_raw(i32::MAX).expect("positive")]);
        assert_eq!(tree.measure(&dead), 0);
        assert!(!tree.has_all(&dead));
    }
}
