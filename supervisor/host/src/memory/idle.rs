//! [`Idle`]: when what an idle session does not touch is moved into swap.
//!
//! Pure: `(still since, used, now) → whether`. Owns the rule: once nothing has happened for long enough, and again when
//! the session has fetched a part of it back by itself. Moves nothing.

use std::time::Duration;

use colmeia::config::MemoryPolicy;

/// What is fetched back within this time is in use.
const AGAIN: Duration = Duration::from_secs(600);
/// Growth by less than this part is not worth the work.
const PART: u64 = 4;

/// One user's rule, and what was done by it.
#[derive(Debug, Clone)]
pub struct Idle {
    /// `None`: never.
    after: Option<Duration>,
    last: Option<Moved>,
}

#[derive(Debug, Clone, Copy)]
struct Moved {
    at: Duration,
    /// What was in use afterwards, in bytes; `None` until it was measured.
    left: Option<u64>,
}

impl Idle {
    /// Nothing was done yet. Without room in swap nothing ever is.
    pub fn new(policy: &MemoryPolicy) -> Self {
        let wanted = policy.reclaim_after_secs > 0 && policy.swap_max_mb > 0;
        Self { after: wanted.then(|| Duration::from_secs(policy.reclaim_after_secs)), last: None }
    }

    /// Whether it is to be done now, given since when nothing has happened (`None` while something does) and how many
    /// bytes are in use. Whoever is told so does it.
    pub fn is_due(&mut self, still_since: Option<Duration>, used: u64, at: Duration) -> bool {
        let Some((after, still)) = self.after.zip(still_since) else { return false };
        if at < still + after {
            return false;
        }
        let due = match &mut self.last {
            Some(moved) if moved.at >= still => {
                let left = *moved.left.get_or_insert(used);
                at >= moved.at + AGAIN && used > left.saturating_add(left / PART)
            }
            _ => true,
        };
        if due {
            self.last = Some(Moved { at, left: None });
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn idle(reclaim_after_secs: u64, swap_max_mb: u64) -> Idle {
        Idle::new(&MemoryPolicy { reclaim_after_secs, swap_max_mb, ..MemoryPolicy::default() })
    }

    #[test]
    fn once_when_still_again_when_it_came_back_and_after_each_stir() {
        let mut idle = idle(60, 512);
        assert!(!idle.is_due(None, 100, S(100)));
        assert!(!idle.is_due(Some(S(100)), 100, S(159)));
        assert!(idle.is_due(Some(S(100)), 100, S(160)));
        assert!(!idle.is_due(Some(S(100)), 40, S(162)));
        assert!(!idle.is_due(Some(S(100)), 50, S(800)), "hardly grown");
        assert!(idle.is_due(Some(S(100)), 51, S(801)));
        assert!(!idle.is_due(Some(S(100)), 40, S(803)));
        assert!(!idle.is_due(Some(S(100)), 90, S(900)), "it would come back again");
        assert!(!idle.is_due(Some(S(900)), 90, S(950)));
        assert!(idle.is_due(Some(S(900)), 41, S(960)), "something has happened since");
    }

    #[test]
    fn without_a_time_or_without_swap_it_is_never_done() {
        for mut idle in [idle(0, 512), idle(60, 0)] {
            assert!(!idle.is_due(Some(S(0)), u64::MAX, S(1_000_000)));
        }
    }

    proptest! {
        #[test]
        fn never_while_something_happens_and_never_twice_within_ten_minutes_of_stillness(
            samples in prop::collection::vec((prop::option::of(0u64..200), 0u64..1000, 0u64..100), 0..100),
        ) {
            let mut idle = idle(60, 1);
            let (mut at, mut last) = (S(0), None::<Duration>);
            for (quiet_for, used, later) in samples {
                at += S(later);
                let still = quiet_for.map(|secs| at.saturating_sub(S(secs)));
                if idle.is_due(still, used, at) {
                    let still = still.expect("quiet");
                    prop_assert!(at >= still + S(60));
                    prop_assert!(last.is_none_or(|last| last < still || at >= last + AGAIN));
                    last = Some(at);
                }
            }
        }
    }
}
