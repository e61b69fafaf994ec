//! What follows from an attempt to deliver: done, later again, or never again.
//!
//! Pure: no clock, no dice, no network. The dice come in as a number.

use std::time::Duration;

/// The ceiling of the first delay; it doubles with each attempt.
const BASE: Duration = Duration::from_secs(1);
/// The ceiling of every delay.
const CAP: Duration = Duration::from_secs(60);
/// How often a message is offered to a receiver that refuses it.
const REFUSALS: u32 = 20;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver answered with this status.
    Answered(u16),
    /// No answer: no connection, or none in time.
    Unreachable(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The receiver has it.
    Done,
    /// Again after this time.
    Retry(Duration),
    /// It is kept, and the next one has its turn.
    Dead,
}

/// Decides, given how often it was tried before and a random number in `[0, 1)`.
///
/// A receiver that is down is waited for without end. A receiver that is up and refuses one message again and
/// again (4xx) would block everything behind it for ever, so that message is set aside.
pub(super) fn decide(outcome: &Outcome, attempts_before: u32, dice: f64) -> Verdict {
    match outcome {
        Outcome::Answered(200..=299) => Verdict::Done,
        Outcome::Answered(status @ 400..=499)
            if !matches!(status, 408 | 429) && attempts_before + 1 >= REFUSALS =>
        {
            Verdict::Dead
        }
        Outcome::Answered(_) | Outcome::Unreachable(_) => Verdict::Retry(backoff(attempts_before, dice)),
    }
}

/// Full jitter below an exponential ceiling: receivers that come back are not met by everyone at once.
fn backoff(attempts_before: u32, dice: f64) -> Duration {
    let ceiling = BASE.saturating_mul(1_u32.checked_shl(attempts_before).unwrap_or(u32::MAX)).min(CAP);
    ceiling.mul_f64(dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_and_stops_at_a_minute() {
        let ceilings: Vec<_> = (0..8).map(|attempts| backoff(attempts, 1.0).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(u32::MAX, 1.0), CAP);
        assert_eq!(backoff(5, 0.0), Duration::ZERO);
    }

    #[test]
    fn only_a_success_is_done() {
        for status in [200, 201, 204, 299] {
            assert_eq!(decide(&Outcome::Answered(status), 99, 0.5), Verdict::Done);
        }
        for status in [100, 301, 302, 400, 404, 500] {
            assert!(matches!(decide(&Outcome::Answered(status), 0, 0.5), Verdict::Retry(_)), "{status}");
        }
    }

    #[test]
    fn only_a_refusal_is_ever_given_up() {
        for status in [400, 401, 404, 413, 422] {
            assert!(matches!(decide(&Outcome::Answered(status), 18, 0.5), Verdict::Retry(_)), "{status}");
            assert_eq!(decide(&Outcome::Answered(status), 19, 0.5), Verdict::Dead, "{status}");
        }
        for outcome in [302, 408, 429, 500, 503].map(Outcome::Answered) {
            assert!(matches!(decide(&outcome, u32::MAX - 1, 0.5), Verdict::Retry(_)), "{outcome:?}");
        }
        let down = Outcome::Unreachable("refused".into());
        assert!(matches!(decide(&down, u32::MAX - 1, 0.5), Verdict::Retry(_)));
    }

    proptest! {
        #[test]
        fn no_attempt_panics_or_waits_longer_than_the_cap(status: u16, attempts: u32, dice: f64) {
            prop_assume!(attempts < u32::MAX && !dice.is_nan());
            if let Verdict::Retry(delay) = decide(&Outcome::Answered(status), attempts, dice) {
                prop_assert!(delay <= CAP);
            }
        }
    }
}
