//! What follows from an attempt to deliver: done, later again, or never again.
//!
//! Pure: no clock, no dice, no network. The dice come in as a number. Flask's receiver has rules of its own
//! ([`for_flask`]); all others say in their configuration what they want ([`for_webhook`]). docs/events.md has both as
//! tables: **how long other events may wait behind one** is a promise, and the tests here add it up.

use std::time::Duration;

use colmeia::config::{Retries, RetryPolicy};
use colmeia::errors::Lack;

/// The ceiling of the first delay at Flask; it doubles with each attempt.
const BASE: Duration = Duration::from_secs(1);
/// The ceiling of every delay at Flask.
const CAP: Duration = Duration::from_secs(60);
/// How often Flask is offered what it fails at, and for how long.
const FAILURES: Bounds = Bounds { tries: 7, time: Duration::from_secs(60) };
/// How often Flask is offered what it puts off, or a proxy before it, and for how long.
const PUT_OFF: Bounds = Bounds { tries: 10, time: Duration::from_secs(600) };
/// A request that was there for so long before its connection was closed, or a proxy gave up, was at work: it counts as
/// handed over. The server that Colmeia replaces never waited longer, and never asked again.
const AT_WORK: Duration = Duration::from_secs(5);

/// The longest time until what could not be tried, for want of something of our own, is tried again.
const SOON: Duration = Duration::from_secs(2);

/// The longest delay of a webhook that grows by itself.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest `Retry-After` that is obeyed; a longer one is cut to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The receiver answered with this status so long after it had the request, and said when to come again.
    Answered { status: u16, took: Duration, after: Option<Duration> },
    /// It answered with a redirect that is not followed, for this reason.
    Redirected(String),
    /// No connection could be made: nothing of the event has reached anyone.
    Unreachable(String),
    /// We had none left of this to make a connection with, which says nothing of the receiver.
    Untried(Lack),
    /// There was a connection, and the request did not go out on it completely.
    Unsent(String),
    /// The request was sent completely, and there was no answer in time.
    NoAnswer,
    /// The request was sent completely, and the connection ended so long after without an answer.
    Closed { reason: String, after: Duration },
}

impl Outcome {
    /// Whether the receiver is away. One that answers anything, or takes a request and says nothing, is not.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// What its breaker hears: whether there was a connection. Nothing when none could be tried.
    pub(super) fn heard(&self) -> Option<bool> {
        (!matches!(self, Self::Untried(_))).then_some(!self.is_away())
    }

    /// Whether the receiver said that it has the event.
    pub(super) fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// As it is counted.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Answered { status: 200..=299, .. } => "delivered",
            Self::Answered { .. } | Self::Redirected(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Untried(_) => "untried",
            Self::Unsent(_) => "unsent",
            Self::NoAnswer => "no_answer",
            Self::Closed { .. } => "closed",
        }
    }

    /// In words without a secret.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Answered { status, .. } => format!("answered {status}"),
            Self::Redirected(reason) | Self::Unreachable(reason) => reason.clone(),
            Self::Untried(lack) => format!("this machine has no {} left, so it was not tried", lack.name()),
            Self::Unsent(reason) => format!("it could not be sent: {reason}"),
            Self::NoAnswer => "no answer in time".into(),
            Self::Closed { reason, .. } => format!("closed without an answer: {reason}"),
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextStep {
    /// The receiver has it.
    Done,
    /// Again after this time. The attempt is one of those that are bounded, or it is not.
    Retry { delay: Duration, counts: bool },
    /// It is kept, and the next one has its turn.
    Dead,
}

#[derive(Clone, Copy)]
struct Bounds {
    tries: u32,
    time: Duration,
}

/// What was before an attempt, and what chance says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// How many attempts were counted before.
    pub(super) before: u32,
    /// How long ago the first of them was; nothing when there was none.
    pub(super) refused_for: Duration,
    /// How often in a row the receiver could not be reached before.
    pub(super) away: u32,
    /// How long the event has waited.
    pub(super) waited: Duration,
    /// How long it may wait at a webhook.
    pub(super) patience: Duration,
    /// A random number in `[0, 1)`.
    pub(super) dice: f64,
}

/// Decides what follows at Flask.
///
/// What it was sent completely it has, also if it says nothing. A receiver that is away is waited for without end. One
/// that refuses a message (4xx) will not take it later; one that fails at it, or puts it off, is asked again for a
/// while, and then the next message has its turn.
pub(super) fn for_flask(outcome: &Outcome, attempt: &Attempt) -> NextStep {
    let bounds = match outcome {
        Outcome::Answered { status: 200..=299, .. } | Outcome::NoAnswer => return NextStep::Done,
        Outcome::Closed { after, .. } if *after >= AT_WORK => return NextStep::Done,
        // A proxy's words for the same: Flask closed the connection, or did not answer it in time.
        Outcome::Answered { status: 502 | 504, took, .. } if *took >= AT_WORK => return NextStep::Done,
        Outcome::Untried(_) => return untried(attempt.dice),
        Outcome::Unreachable(_) | Outcome::Unsent(_) => {
            return NextStep::Retry { delay: backoff(attempt.away, attempt.dice), counts: false };
        }
        Outcome::Answered { status: 429 | 502..=504, .. } => PUT_OFF,
        Outcome::Answered { status: 408 | 425 | 500..=599, .. } | Outcome::Closed { .. } => FAILURES,
        Outcome::Answered { .. } | Outcome::Redirected(_) => return NextStep::Dead,
    };
    let left = bounds.time.saturating_sub(attempt.refused_for);
    if attempt.before.saturating_add(1) >= bounds.tries || left.is_zero() {
        return NextStep::Dead;
    }
    // Up to a fifth less: sessions that were refused together do not come back together.
    let ceiling = doubled(BASE, attempt.before).min(CAP);
    let usual = ceiling.mul_f64(0.8 + 0.2 * attempt.dice.clamp(0.0, 1.0));
    NextStep::Retry { delay: wish(outcome).unwrap_or(usual).min(left), counts: true }
}

/// Decides what follows at a webhook. A receiver that could not even be reached has refused nothing: what it is meant
/// to get waits for it, and is none of the attempts that are configured.
pub(super) fn for_webhook(outcome: &Outcome, attempt: &Attempt, retries: &Retries) -> NextStep {
    match outcome {
        Outcome::Answered { status: 200..=299, .. } => return NextStep::Done,
        Outcome::Redirected(_) => return NextStep::Dead,
        Outcome::Untried(_) => return untried(attempt.dice),
        _ => {}
    }
    let counts = !outcome.is_away();
    let made = attempt.before.saturating_add(u32::from(counts));
    if (counts && made >= retries.attempts) || attempt.waited >= attempt.patience {
        return NextStep::Dead;
    }
    let delay = delay(retries, made, attempt.dice).max(wish(outcome).unwrap_or_default());
    NextStep::Retry { delay, counts }
}

/// No attempt was made, so none counts, and no event is given up for it however long it has waited.
fn untried(dice: f64) -> NextStep {
    NextStep::Retry { delay: SOON.mul_f64(0.5 + 0.5 * dice.clamp(0.0, 1.0)), counts: false }
}

/// When the receiver wants to be asked again.
fn wish(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Answered { status: 429 | 503, after, .. } => {
            after.map(|after| after.min(LONGEST_RETRY_AFTER))
        }
        _ => None,
    }
}

/// The delay after this many attempts.
fn delay(retries: &Retries, made: u32, dice: f64) -> Duration {
    let first = retries.delay_seconds;
    let made = made.max(1);
    let delay = match retries.policy {
        RetryPolicy::Constant => first,
        RetryPolicy::Linear => first.saturating_mul(made),
        // A fifth up or down; before the ceiling, so that the product stays in range.
        RetryPolicy::Exponential => {
            doubled(first, made - 1).min(LONGEST).mul_f64(0.8 + 0.4 * dice.clamp(0.0, 1.0))
        }
    };
    delay.min(LONGEST)
}

/// Full jitter below an exponential ceiling: receivers that come back are not met by everyone at once.
fn backoff(before: u32, dice: f64) -> Duration {
    doubled(BASE, before).min(CAP).mul_f64(dice.clamp(0.0, 1.0))
}

fn doubled(time: Duration, times: u32) -> Duration {
    time.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
