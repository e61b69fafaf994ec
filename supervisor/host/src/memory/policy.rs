//! [`Watch`]: what follows from a user's memory, sample by sample.
//!
//! Pure: `(samples, limits, quiet, now) → step`. Owns the three rules: above the hard limit the processes are
//! killed; above the soft limit the page is asked to free memory, again and again; when that does not help for
//! long enough, the browser is replaced, but only in a quiet moment, and not twice within [`REST`]. At or below
//! the soft limit nothing is ever done. It measures nothing, and knows no process.

use std::time::Duration;

/// How long after a page was asked to free memory it is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// The least time between two replacements: a session that needs more than its soft limit is not replaced in a
/// circle.
const REST: Duration = Duration::from_secs(600);

const MIB: u64 = 1024 * 1024;

/// A user's limits, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The soft one.
    pub high: u64,
    /// The hard one.
    pub max: u64,
    /// How long above the soft one before the browser is replaced.
    pub patience: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryStep {
    /// Ask the page to free memory.
    Relieve,
    /// Replace the browser.
    Recycle,
    /// End the user's processes.
    Kill,
}

/// One user's memory over time.
#[derive(Debug, Clone)]
pub struct Watch {
    limits: Limits,
    used: Option<u64>,
    peak: u64,
    above_since: Option<Duration>,
    relieved_at: Option<Duration>,
    recycled_at: Option<Duration>,
}

impl Limits {
    /// Those of the configuration.
    pub fn of(policy: &colmeia::config::MemoryPolicy) -> Self {
        Self {
            high: policy.high_mb.saturating_mul(MIB),
            max: policy.max_mb.saturating_mul(MIB),
            patience: Duration::from_secs(policy.recycle_after_secs),
        }
    }
}

impl Watch {
    /// A user of whom nothing was measured yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, used: None, peak: 0, above_since: None, relieved_at: None, recycled_at: None }
    }

    /// Forgets the processes, which have ended, but not when they were last replaced.
    pub fn restart(&mut self) {
        *self = Self { recycled_at: self.recycled_at, ..Self::new(self.limits) };
    }

    /// Other limits from now on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What was measured last, and the most that ever was, of these processes.
    pub fn seen(&self) -> Option<(u64, u64)> {
        self.used.map(|used| (used, self.peak))
    }

    /// The hard limit.
    pub fn cap(&self) -> u64 {
        self.limits.max
    }

    /// What follows from a sample. `quiet` when nobody would miss the session for a few seconds.
    pub fn sample(&mut self, used: u64, quiet: bool, at: Duration) -> Option<MemoryStep> {
        self.used = Some(used);
        self.peak = self.peak.max(used);
        if used > self.limits.max {
            return Some(MemoryStep::Kill);
        }
        if used <= self.limits.high {
            self.above_since = None;
            self.relieved_at = None;
            return None;
        }
        let since = *self.above_since.get_or_insert(at);
        let Some(relieved) = self.relieved_at else {
            self.relieved_at = Some(at);
            return Some(MemoryStep::Relieve);
        };
        let rested = self.recycled_at.is_none_or(|last| at >= last + REST);
        if quiet && rested && at >= since + self.limits.patience {
            self.recycled_at = Some(at);
            return Some(MemoryStep::Recycle);
        }
        if at >= relieved + ASK_AGAIN {
            self.relieved_at = Some(at);
            return Some(MemoryStep::Relieve);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const LIMITS: Limits = Limits { high: 100, max: 200, patience: S_30 };
    const S_30: Duration = Duration::from_secs(30);

    #[test]
    fn first_it_is_asked_then_replaced_when_quiet_and_not_again_for_a_while() {
        let mut watch = Watch::new(LIMITS);
        assert_eq!(watch.sample(100, true, S(0)), None);
        assert_eq!(watch.sample(101, true, S(10)), Some(MemoryStep::Relieve));
        assert_eq!(watch.sample(150, true, S(39)), None);
        assert_eq!(watch.sample(150, false, S(40)), None, "someone is at it");
        assert_eq!(watch.sample(150, true, S(41)), Some(MemoryStep::Recycle));
        watch.restart();
        assert_eq!(watch.seen(), None);
        assert_eq!(watch.sample(150, true, S(60)), Some(MemoryStep::Relieve));
        assert_eq!(watch.sample(150, true, S(110)), None, "replaced a moment ago");
        assert_eq!(watch.sample(150, true, S(120)), Some(MemoryStep::Relieve));
        assert_eq!(watch.sample(150, true, S(641)), Some(MemoryStep::Recycle));
        assert_eq!(watch.seen(), Some((150, 150)));
    }

    #[test]
    fn what_falls_below_the_soft_limit_begins_anew() {
        let mut watch = Watch::new(LIMITS);
        assert_eq!(watch.sample(150, true, S(0)), Some(MemoryStep::Relieve));
        assert_eq!(watch.sample(90, true, S(20)), None);
        assert_eq!(watch.sample(150, true, S(40)), Some(MemoryStep::Relieve));
        assert_eq!(watch.sample(150, true, S(60)), None);
        assert_eq!(watch.sample(201, false, S(61)), Some(MemoryStep::Kill));
        assert_eq!(watch.seen(), Some((201, 201)));
    }

    proptest! {
        #[test]
        fn the_rules_hold_for_every_history(
            samples in prop::collection::vec((0u64..260, any::<bool>(), 0u64..40), 0..200),
        ) {
            let mut watch = Watch::new(LIMITS);
            let (mut at, mut peak) = (S(0), 0);
            let mut above: Option<(Duration, bool)> = None; // since when, and whether it was asked
            let mut recycled: Option<Duration> = None;
            for (used, quiet, later) in samples {
                at += S(later);
                let step = watch.sample(used, quiet, at);
                peak = peak.max(used);
                prop_assert_eq!(watch.seen(), Some((used, peak)));
                prop_assert_eq!(step == Some(MemoryStep::Kill), used > 200);
                if used <= 100 {
                    prop_assert_eq!(step, None);
                    above = None;
                    continue;
                }
                if used > 200 {
                    watch.restart();
                    (above, peak) = (None, 0);
                    continue;
                }
                let (since, asked) = above.unwrap_or((at, false));
                prop_assert!(asked || step == Some(MemoryStep::Relieve), "nothing before it was asked");
                above = Some((since, true));
                let due = asked && quiet && at >= since + S_30 && recycled.is_none_or(|last| at >= last + REST);
                prop_assert_eq!(step == Some(MemoryStep::Recycle), due);
                if due {
                    recycled = Some(at);
                    watch.restart();
                    (above, peak) = (None, 0);
                }
            }
        }
    }
}
