//! Which host claims a user that nobody owns: rendezvous hashing, so that a host that comes or goes moves no other
//! host's users.
//!
//! Owns the order. It only spreads the claims; that one host wins is up to the compare-and-set. All versions must agree on
//! the hash, or hosts wait for each other needlessly.

use colmeia::UserId;
use sha2::{Digest as _, Sha256};

use crate::names::HostId;

fn weight(user: &UserId, host: &HostId) -> u64 {
    let digest = Sha256::new().chain_update(user.as_str()).chain_update([0]).chain_update(host.as_str());
    let bytes: [u8; 32] = digest.finalize().into();
    u64::from_be_bytes(std::array::from_fn(|at| bytes[at]))
}

/// The place of a host in a user's order among the candidates; 0 comes first. The host that had the user last is before
/// all others, because the profile is there. `None` if the host is no candidate.
pub(super) fn rank(
    user: &UserId,
    last: Option<&HostId>,
    host: &HostId,
    candidates: &[HostId],
) -> Option<u32> {
    if !candidates.contains(host) {
        return None;
    }
    let place = |one: &HostId| (last == Some(one), weight(user, one), one.clone());
    let own = place(host);
    let before = candidates.iter().filter(|one| place(one) > own).count();
    u32::try_from(before).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(names: &[u16]) -> Vec<HostId> {
        names.iter().map(|name| format!("h{name}").parse().expect("valid")).collect()
    }

    fn user(number: u32) -> UserId {
        format!("u{number}").parse().expect("valid")
    }

    proptest! {
        #[test]
        fn the_order_names_each_candidate_once(
            names in proptest::collection::btree_set(0u16..50, 1..9),
            number in 0u32..1_000_000,
            last in proptest::option::of(0u16..50),
        ) {
            let all = hosts(&names.iter().copied().collect::<Vec<_>>());
            let last = last.map(|name| hosts(&[name]).remove(0));
            let mut ranks: Vec<_> =
                all.iter().map(|one| rank(&user(number), last.as_ref(), one, &all).expect("a candidate")).collect();
            if let Some(at) = last.and_then(|last| all.iter().position(|one| *one == last)) {
                prop_assert_eq!(ranks[at], 0);
            }
            ranks.sort_unstable();
            prop_assert_eq!(ranks, (0..u32::try_from(all.len()).expect("few")).collect::<Vec<_>>());
        }

        #[test]
        fn a_host_that_goes_moves_only_its_own_users(
            names in proptest::collection::btree_set(0u16..50, 2..9),
            number in 0u32..1_000_000,
            gone in any::<proptest::sample::Index>(),
        ) {
            let all = hosts(&names.iter().copied().collect::<Vec<_>>());
            let first = |among: &[HostId]| {
                among.iter().find(|one| rank(&user(number), None, one, among) == Some(0)).cloned().expect("one")
            };
            let gone = gone.get(&all).clone();
            let left: Vec<_> = all.iter().filter(|one| **one != gone).cloned().collect();
            if first(&all) != gone {
                prop_assert_eq!(first(&all), first(&left));
            }
        }
    }

    #[test]
    fn users_are_spread_evenly_and_the_hash_is_the_same_for_all_versions() {
        let all = hosts(&[1, 2, 3]);
        let mut counts = [0_u32; 3];
        for number in 0..3000 {
            let at = all.iter().position(|one| rank(&user(number), None, one, &all) == Some(0)).expect("one");
            counts[at] += 1;
        }
        assert!(counts.iter().all(|count| (900..=1100).contains(count)), "{counts:?}");
        assert_eq!(rank(&user(1), None, &hosts(&[9])[0], &all), None);
        assert_eq!(weight(&user(1), &all[0]), EXPECTED_WEIGHT);
    }

    /// The first eight bytes of SHA-256 of "u1", NUL and "h1".
    const EXPECTED_WEIGHT: u64 = 0x9e44_7e7e_f435_d61d;
}
