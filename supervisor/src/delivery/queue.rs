//! One user's queue: its events go to the receiver one after the other, each settled before the next.
//!
//! Never knows a second user: a receiver that is slow for one delays no other.

use std::time::Duration;

use colmeia::UserId;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::policy::{self, Outcome, Verdict};
use super::webhook::{Webhook, event_id};
use crate::journal::{Journal, JournalError, Pending, Settlement, now_ms};
use crate::logging::chain;

/// How long to wait before asking a journal again that failed.
const JOURNAL_RETRY: Duration = Duration::from_secs(2);
/// No wait is longer, whatever the clock did meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Delivers until nothing is left or the service ends. A POST that has begun is finished and written down.
pub(super) async fn drain(journal: Journal, webhook: Webhook, user: UserId, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pending = match journal.next_due(&user).await {
            Ok(Some(pending)) => pending,
            Ok(None) | Err(JournalError::Closed) => return,
            Err(error) => {
                warn!(%user, error = chain(&error), "the journal could not be read");
                pause(JOURNAL_RETRY, &shutdown).await;
                continue;
            }
        };
        pause(wait_for(&pending), &shutdown).await;
        if shutdown.is_cancelled() {
            return;
        }
        let outcome = webhook.post(&user, &pending).await;
        let settlement = settlement(&user, &pending, outcome);
        if !write_down(&journal, &user, &pending, settlement, &shutdown).await {
            return;
        }
    }
}

fn wait_for(pending: &Pending) -> Duration {
    let left = u64::try_from(pending.next_ms.saturating_sub(now_ms())).unwrap_or(0);
    Duration::from_millis(left).min(LONGEST_WAIT)
}

fn settlement(user: &UserId, pending: &Pending, outcome: Option<Outcome>) -> Settlement {
    let event = event_id(user, pending);
    let Some(outcome) = outcome else {
        warn!(%user, %event, row = pending.event, "an event that cannot be read is set aside");
        return Settlement::Dead { error: "the event cannot be read".into() };
    };
    let error = match &outcome {
        Outcome::Answered(status) => format!("answered {status}"),
        Outcome::Unreachable(reason) => reason.clone(),
    };
    let attempt = pending.attempts.saturating_add(1);
    match policy::decide(&outcome, pending.attempts, rand::random()) {
        Verdict::Done => {
            debug!(%user, %event, attempt, "delivered");
            Settlement::Done
        }
        Verdict::Retry(delay) => {
            // The first failure is news; the same one again every few seconds is not.
            if pending.attempts == 0 {
                warn!(%user, %event, %error, "the webhook's receiver does not take an event; it is tried again");
            } else {
                debug!(%user, %event, %error, attempt, "not delivered");
            }
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            Settlement::Retry { next_ms: now_ms().saturating_add(delay), error }
        }
        Verdict::Dead => {
            warn!(%user, %event, row = pending.event, %error, attempt, "the receiver refuses this event; it is set aside");
            Settlement::Dead { error }
        }
    }
}

/// Insists: an event that the receiver has taken must not be offered again because the journal had a bad
/// moment. Says whether it was written; only a shutdown or a closed journal leaves it unwritten.
async fn write_down(
    journal: &Journal,
    user: &UserId,
    pending: &Pending,
    settlement: Settlement,
    shutdown: &CancellationToken,
) -> bool {
    loop {
        match journal.settle(pending.event, settlement.clone()).await {
            Ok(()) => return true,
            Err(JournalError::Closed) => return false,
            Err(error) => {
                warn!(%user, error = chain(&error), "a delivery could not be written down");
                if shutdown.is_cancelled() {
                    return false;
                }
                pause(JOURNAL_RETRY, shutdown).await;
            }
        }
    }
}

async fn pause(time: Duration, shutdown: &CancellationToken) {
    let _ = tokio::time::timeout(time, shutdown.cancelled()).await;
}
