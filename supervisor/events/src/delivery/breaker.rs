//! [`Breaker`]: whether an address is to be tried now. Pure: time comes in as a number, and nothing is sent.
//!
//! ```text
//!             enough failures in a row              its pause is over
//!   Closed ─────────────────────────────▶ Open ─────────────────────────▶ HalfOpen
//!     ▲                                    ▲                                 │
//!     └──────────────── a success ─────────┼──────────── a failure ──────────┘
//! ```
//!
//! A failure is a connection that cannot be made, and nothing else: a receiver that refuses an event, or fails at it, is
//! not away, and other sessions' events are not to wait because of it.
//!
//! A try that could not be made says nothing ([`Breaker::untried`]): the next one is soon.
//!
//! While it is closed everyone may try. While it is open nobody may; then one may, and the others wait for what comes
//! of it. A probe of which nothing is heard is given up after a while, so that no state is for ever.

use std::time::Duration;

/// After how many failures in a row an address is left alone.
const ENOUGH: u32 = 5;
/// The first pause; each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause. A receiver that has come back waits at most this long for its next event.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After how long a probe counts as lost: longer than any attempt may take.
const LOST: Duration = Duration::from_secs(60);

/// The state of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breaker {
    /// As far as is known it takes what it is sent.
    Closed {
        /// In a row.
        failures: u32,
    },
    /// It is left alone.
    Open { until: Duration, pause: Duration },
    /// One attempt is under way that decides.
    HalfOpen { since: Duration, pause: Duration },
}

/// The answer to whoever wants to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakerChange {
    /// Go on.
    Go,
    /// Go on, and everyone else waits for what comes of it.
    Probe,
    /// Ask again after this time, or when something has changed.
    Wait(Duration),
}

impl Breaker {
    /// Of an address of which nothing is known.
    pub(super) fn new() -> Self {
        Self::Closed { failures: 0 }
    }

    /// Someone wants to try at this time.
    pub(super) fn ask(self, now: Duration) -> (Self, BreakerChange) {
        match self {
            Self::Closed { .. } => (self, BreakerChange::Go),
            Self::Open { until, .. } if now < until => (self, BreakerChange::Wait(until - now)),
            Self::HalfOpen { since, .. } if now < since + LOST => {
                (self, BreakerChange::Wait(since + LOST - now))
            }
            Self::Open { pause, .. } | Self::HalfOpen { pause, .. } => {
                (Self::HalfOpen { since: now, pause }, BreakerChange::Probe)
            }
        }
    }

    /// What came of an attempt.
    pub(super) fn hear(self, well: bool, now: Duration) -> Self {
        match self {
            _ if well => Self::new(),
            Self::Closed { failures } if failures + 1 < ENOUGH => Self::Closed { failures: failures + 1 },
            Self::Closed { .. } => Self::Open { until: now + FIRST_PAUSE, pause: FIRST_PAUSE },
            // One that had begun before; it says nothing new.
            Self::Open { .. } => self,
            Self::HalfOpen { pause, .. } => {
                let pause = (pause * 2).min(LONGEST_PAUSE);
                Self::Open { until: now + pause, pause }
            }
        }
    }

    /// Nothing came of an attempt: it could not be made. Somebody else may probe soon.
    pub(super) fn untried(self, now: Duration) -> Self {
        match self {
            Self::HalfOpen { pause, .. } => Self::Open { until: now + FIRST_PAUSE, pause },
            Self::Closed { .. } | Self::Open { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What can happen to an address: time passes, someone asks, an attempt ends.
    #[derive(Debug, Clone)]
    enum Step {
        Pass(u64),
        Ask,
        Hear(bool),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_u64..40_000).prop_map(Step::Pass),
            Just(Step::Ask),
            prop::bool::weighted(0.2).prop_map(Step::Hear),
        ];
        prop::collection::vec(step, 0..200)
    }

    fn after(steps: &[Step]) -> (Breaker, Duration) {
        let (mut breaker, mut now) = (Breaker::new(), Duration::ZERO);
        for step in steps {
            match step {
                Step::Pass(ms) => now += Duration::from_millis(*ms),
                Step::Ask => breaker = breaker.ask(now).0,
                Step::Hear(well) => breaker = breaker.hear(*well, now),
            }
        }
        (breaker, now)
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_a_lost_probe(steps in steps()) {
            let (breaker, now) = after(&steps);
            if let (_, BreakerChange::Wait(time)) = breaker.ask(now) {
                prop_assert!(time > Duration::ZERO && time <= LOST);
                prop_assert!(!matches!(breaker.ask(now + time).1, BreakerChange::Wait(_)), "there is a way out");
            }
        }

        #[test]
        fn one_success_ends_it_and_fewer_failures_than_enough_do_not_begin_it(
            steps in steps(), failures in 0..ENOUGH,
        ) {
            let (breaker, now) = after(&steps);
            let mut well = breaker.hear(true, now);
            for _ in 0..failures {
                prop_assert_eq!(well.ask(now).1, BreakerChange::Go);
                well = well.hear(false, now);
            }
            prop_assert_eq!(matches!(well.ask(now).1, BreakerChange::Go), failures < ENOUGH);
        }

        #[test]
        fn while_one_probes_everyone_else_waits(steps in steps(), later in 0_u64..60_000) {
            let (breaker, now) = after(&steps);
            if let (probing, BreakerChange::Probe) = breaker.ask(now) {
                let later = now + Duration::from_millis(later);
                prop_assert!(matches!(probing.ask(later).1, BreakerChange::Wait(_)));
                let failed = probing.hear(false, later);
                prop_assert!(matches!(failed.ask(later).1, BreakerChange::Wait(time) if time <= LONGEST_PAUSE));
            }
        }
    }

    #[test]
    fn what_could_not_be_tried_opens_nothing_and_the_probe_is_anothers() {
        let mut breaker = Breaker::new();
        for _ in 0..10 * ENOUGH {
            breaker = breaker.untried(Duration::ZERO);
        }
        assert_eq!(breaker, Breaker::new());
        for _ in 0..ENOUGH {
            breaker = breaker.hear(false, Duration::ZERO);
        }
        assert_eq!(breaker.untried(Duration::ZERO), breaker, "it says nothing of an open one");
        let (probing, word) = breaker.ask(FIRST_PAUSE);
        assert_eq!(word, BreakerChange::Probe);
        let open = probing.untried(FIRST_PAUSE);
        assert_eq!(open.ask(FIRST_PAUSE).1, BreakerChange::Wait(FIRST_PAUSE));
        let (again, word) = open.ask(FIRST_PAUSE * 2);
        assert_eq!(
            (again, word),
            (Breaker::HalfOpen { since: FIRST_PAUSE * 2, pause: FIRST_PAUSE }, BreakerChange::Probe)
        );
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (mut breaker, mut now) = (Breaker::new(), Duration::ZERO);
        for _ in 0..ENOUGH {
            breaker = breaker.hear(false, now);
        }
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let Breaker::Open { until, pause } = breaker else { panic!("{breaker:?}") };
            pauses.push(pause.as_secs());
            now = until;
            breaker = breaker.ask(now).0.hear(false, now);
        }
        assert_eq!(pauses, [2, 4, 8, 16, 30, 30]);
    }
}
