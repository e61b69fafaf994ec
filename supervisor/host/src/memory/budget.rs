//! How much memory there is for all workers together. Pure but for [`available`].
//!
//! Owns the sum: what is free now, and what the workers have already, each up to what was set aside for it. What
//! other programs take is theirs, and what a worker takes beyond its share is missing for the others.

use std::path::Path;

use colmeia_base::procfs;

/// Left to the machine and to us.
const SPARE: u64 = 256 * 1024 * 1024;

/// In which steps it is told. Whoever starts workers is woken by a change, and a single worker needs more.
const STEP: u64 = 16 * 1024 * 1024;

/// What the kernel could still give, in bytes.
pub(super) fn available() -> Option<u64> {
    super::process_tree::parse(&procfs::whole(Path::new("/proc/meminfo")).ok()?, "MemAvailable:")
}

/// The bytes that may be set aside for workers, given those that run: (uses, set aside).
pub(super) fn room(available: u64, unit_limit: Option<u64>, workers: &[(u64, u64)]) -> u64 {
    let have = workers.iter().map(|(used, set_aside)| *used.min(set_aside)).fold(0, u64::saturating_add);
    let all = available.saturating_add(have).min(unit_limit.unwrap_or(u64::MAX));
    let room = all.saturating_sub(SPARE);
    room - room % STEP
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn what_workers_have_is_theirs_up_to_their_share_and_the_unit_bounds_all() {
        assert_eq!(room(1024 * MIB, None, &[]), 768 * MIB);
        assert_eq!(room(1039 * MIB, None, &[]), 768 * MIB);
        assert_eq!(room(1024 * MIB, None, &[(200 * MIB, 496 * MIB), (900 * MIB, 496 * MIB)]), 1456 * MIB);
        assert_eq!(room(1024 * MIB, Some(608 * MIB), &[]), 352 * MIB);
        assert_eq!(room(0, None, &[]), 0);
        assert!(available().is_some_and(|bytes| bytes > 0));
    }

    proptest! {
        /// Memory that moves from free to a worker, within its share, changes nothing.
        #[test]
        fn a_worker_that_grows_into_its_share_is_counted_once(
            free in 0u64..1 << 40, grows in 0u64..1 << 30, used in 0u64..1 << 30,
        ) {
            let share = (used + grows).max(1);
            let before = room(free + grows, None, &[(used, share)]);
            prop_assert_eq!(room(free, None, &[(used + grows, share)]), before);
        }
    }
}
