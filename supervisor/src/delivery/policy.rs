//! What follows from an attempt to deliver: done, later again, or never again.
//!
//! Pure: no clock, no dice, no network. The dice come in as a number. Flask's receiver has rules of its own
//! ([`for_flask`]); all others say in their configuration what they want ([`for_webhook`]).

use std::time::Duration;

use colmeia::config::{Retries, RetryPolicy};

/// The ceiling of the first delay; it doubles with each attempt.
const BASE: Duration = Duration::from_secs(1);
/// The ceiling of every delay.
const CAP: Duration = Duration::from_secs(60);
/// How often a message is offered to a receiver that refuses it.
const REFUSALS: u32 = 20;

/// The longest delay that grows by itself.
const LONGEST: Duration = Duration::from_secs(3600);

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver answered with this status.
    Answered(u16),
    /// No connection could be made: nothing of the event has reached anyone.
    Unreachable(String),
    /// No answer, or none in time; the receiver may have the event.
    Unanswered(String),
}

impl Outcome {
    /// Whether it tells of a receiver in trouble, and not of an event that it does not want.
    pub(super) fn is_trouble(&self) -> bool {
        match self {
            Self::Answered(status) => *status >= 500 || matches!(status, 408 | 429),
            Self::Unreachable(_) | Self::Unanswered(_) => true,
        }
    }

    /// As it is counted.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Answered(200..=299) => "delivered",
            Self::Answered(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Unanswered(_) => "unanswered",
        }
    }

    /// In words without a secret.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Answered(status) => format!("answered {status}"),
            Self::Unreachable(reason) | Self::Unanswered(reason) => reason.clone(),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
pub(super) fn for_flask(outcome: &Outcome, attempts_before: u32, dice: f64) -> Verdict {
    match outcome {
        Outcome::Answered(200..=299) => Verdict::Done,
        Outcome::Answered(status @ 400..=499)
            if !matches!(status, 408 | 429) && attempts_before + 1 >= REFUSALS =>
        {
            Verdict::Dead
        }
        _ => Verdict::Retry(backoff(attempts_before, dice)),
    }
}

/// An attempt at a webhook, and what was before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// How many attempts were counted before.
    pub(super) before: u32,
    /// It was the one that finds out whether the receiver is back.
    pub(super) probe: bool,
    /// How long the event has waited.
    pub(super) waited: Duration,
    /// How long it may wait.
    pub(super) patience: Duration,
    /// A random number in `[0, 1)`.
    pub(super) dice: f64,
}

impl Attempt {
    /// Whether it is one of the attempts that are configured. A receiver that could not even be reached, and is known
    /// to be away, has refused nothing: what it is meant to get waits for it.
    pub(super) fn counts(&self, outcome: &Outcome) -> bool {
        !(self.probe && matches!(outcome, Outcome::Unreachable(_)))
    }
}

/// Decides what follows at a webhook.
pub(super) fn for_webhook(outcome: &Outcome, attempt: &Attempt, retries: &Retries) -> Verdict {
    if let Outcome::Answered(200..=299) = outcome {
        return Verdict::Done;
    }
    let made = attempt.before.saturating_add(u32::from(attempt.counts(outcome)));
    if made >= retries.attempts || attempt.waited >= attempt.patience {
        return Verdict::Dead;
    }
    Verdict::Retry(delay(retries, made, attempt.dice))
}

/// The delay after this many attempts.
fn delay(retries: &Retries, made: u32, dice: f64) -> Duration {
    let first = retries.delay_seconds;
    let made = made.max(1);
    let delay = match retries.policy {
        RetryPolicy::Constant => first,
        RetryPolicy::Linear => first.saturating_mul(made),
        RetryPolicy::Exponential => {
            let doubled = first.saturating_mul(1_u32.checked_shl(made - 1).unwrap_or(u32::MAX));
            // A fifth up or down; before the ceiling, so that the product stays in range.
            doubled.min(LONGEST).mul_f64(0.8 + 0.4 * dice.clamp(0.0, 1.0))
        }
    };
    delay.min(LONGEST)
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
            assert_eq!(for_flask(&Outcome::Answered(status), 99, 0.5), Verdict::Done);
        }
        for status in [100, 301, 302, 400, 404, 500] {
            assert!(matches!(for_flask(&Outcome::Answered(status), 0, 0.5), Verdict::Retry(_)), "{status}");
        }
    }

    #[test]
    fn only_a_refusal_is_ever_given_up() {
        for status in [400, 401, 404, 413, 422] {
            assert!(matches!(for_flask(&Outcome::Answered(status), 18, 0.5), Verdict::Retry(_)), "{status}");
            assert_eq!(for_flask(&Outcome::Answered(status), 19, 0.5), Verdict::Dead, "{status}");
        }
        for outcome in [302, 408, 429, 500, 503].map(Outcome::Answered) {
            assert!(matches!(for_flask(&outcome, u32::MAX - 1, 0.5), Verdict::Retry(_)), "{outcome:?}");
        }
        assert!(matches!(for_flask(&down(), u32::MAX - 1, 0.5), Verdict::Retry(_)));
    }

    fn attempt(before: u32) -> Attempt {
        let (waited, patience) = (Duration::ZERO, Duration::from_secs(60));
        Attempt { before, probe: false, waited, patience, dice: 0.5 }
    }

    fn down() -> Outcome {
        Outcome::Unreachable("refused".into())
    }

    #[test]
    fn delays_are_those_that_waha_documents() {
        let delays = |policy| {
            let retries = Retries { policy, ..Retries::default() };
            (0..4)
                .map(|before| match for_webhook(&down(), &attempt(before), &retries) {
                    Verdict::Retry(delay) => delay.as_secs(),
                    verdict => panic!("{verdict:?}"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(delays(RetryPolicy::Constant), [2, 2, 2, 2]);
        assert_eq!(delays(RetryPolicy::Linear), [2, 4, 6, 8]);
        assert_eq!(delays(RetryPolicy::Exponential), [2, 4, 8, 16]);
    }

    #[test]
    fn the_last_attempt_is_the_last_and_a_receiver_that_is_away_uses_up_none() {
        let retries = Retries { attempts: 3, ..Retries::default() };
        for outcome in [Outcome::Answered(500), Outcome::Answered(422), down()] {
            assert!(matches!(for_webhook(&outcome, &attempt(1), &retries), Verdict::Retry(_)));
            assert_eq!(for_webhook(&outcome, &attempt(2), &retries), Verdict::Dead);
        }
        let probe = Attempt { probe: true, ..attempt(2) };
        assert!(matches!(for_webhook(&down(), &probe, &retries), Verdict::Retry(_)));
        assert_eq!(for_webhook(&Outcome::Answered(500), &probe, &retries), Verdict::Dead);
        assert_eq!(for_webhook(&Outcome::Unanswered("late".into()), &probe, &retries), Verdict::Dead);
        let late = Attempt { waited: probe.patience, ..probe };
        assert_eq!(for_webhook(&down(), &late, &retries), Verdict::Dead);
    }

    proptest! {
        #[test]
        fn at_a_webhook_every_event_comes_to_an_end(
            status: u16, before: u32, probe: bool, waited in 0_u64..120, dice: f64, attempts in 1_u32..1000,
            delay_ms: u32,
        ) {
            prop_assume!(!dice.is_nan());
            let waited = Duration::from_secs(waited);
            let attempt = Attempt { before, probe, waited, dice, ..attempt(0) };
            for policy in [RetryPolicy::Constant, RetryPolicy::Linear, RetryPolicy::Exponential] {
                let delay_seconds = Duration::from_millis(delay_ms.into());
                let retries = Retries { policy, attempts, delay_seconds };
                match for_webhook(&Outcome::Answered(status), &attempt, &retries) {
                    Verdict::Done => prop_assert!((200..300).contains(&status)),
                    Verdict::Retry(delay) => {
                        prop_assert!(delay <= LONGEST.max(delay_seconds));
                        prop_assert!(before.saturating_add(1) < attempts && waited < attempt.patience);
                    }
                    Verdict::Dead => prop_assert!(before.saturating_add(1) >= attempts || waited >= attempt.patience),
                }
            }
        }

        #[test]
        fn no_attempt_panics_or_waits_longer_than_the_cap(status: u16, attempts: u32, dice: f64) {
            prop_assume!(attempts < u32::MAX && !dice.is_nan());
            if let Verdict::Retry(delay) = for_flask(&Outcome::Answered(status), attempts, dice) {
                prop_assert!(delay <= CAP);
            }
        }
    }
}
