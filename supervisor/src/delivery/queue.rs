//! One queue: a session's events for one address, one after the other, each settled before the next.
//!
//! Never knows a second queue: a receiver that is slow delays nobody but the session that it belongs to, and that
//! session only there.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::policy::{Attempt, Outcome, Verdict, for_flask, for_webhook};
use super::recipients::shown;
use super::{Delivery, flask, webhook};
use crate::journal::{FLASK, JournalError, Pending, Queue, Settlement, now_ms};
use crate::logging::chain;

/// How long to wait before asking a journal again that failed.
const JOURNAL_RETRY: Duration = Duration::from_secs(2);
/// No wait is longer, whatever the clock did meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How many events are read at once.
const BATCH: u32 = 32;

/// What is to be done with an event after an attempt, or without one.
enum Next {
    Settle(Settlement),
    /// The service ends; nothing has begun.
    Nothing,
}

/// Delivers until nothing is left or the service ends. A POST that has begun is finished and written down.
pub(super) async fn drain(delivery: Arc<Delivery>, queue: Queue, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let batch = match delivery.journal.pending(queue.id, BATCH).await {
            Ok(batch) if batch.is_empty() => return,
            Ok(batch) => batch,
            Err(JournalError::Closed) => return,
            Err(error) => {
                warn!(user = %queue.user, error = chain(&error), "the journal could not be read");
                pause(JOURNAL_RETRY, &shutdown).await;
                continue;
            }
        };
        for pending in batch {
            if !settle(&delivery, &queue, pending, &shutdown).await {
                return;
            }
        }
    }
}

/// Tries until the event is delivered or given up. `false` when the service ends before that.
async fn settle(
    delivery: &Delivery,
    queue: &Queue,
    mut pending: Pending,
    shutdown: &CancellationToken,
) -> bool {
    loop {
        pause(wait_for(&pending), shutdown).await;
        if shutdown.is_cancelled() {
            return false;
        }
        // A session that was deleted meanwhile is nobody's business any more.
        if matches!(delivery.journal.waits(pending.event.row, queue.id).await, Ok(false)) {
            return true;
        }
        let next = if &*queue.address == FLASK {
            offer_to_flask(delivery, queue, &pending).await
        } else {
            offer(delivery, queue, &pending, shutdown).await
        };
        let Next::Settle(settlement) = next else { return false };
        if !write_down(delivery, queue, &pending, settlement.clone(), shutdown).await {
            return false;
        }
        match settlement {
            Settlement::Done => return true,
            Settlement::Dead { .. } => {
                delivery.metrics.dead_letter(receiver(queue));
                return true;
            }
            Settlement::Retry { next_ms, counts, .. } => {
                pending.next_ms = next_ms;
                pending.attempts = pending.attempts.saturating_add(u32::from(counts));
            }
        }
    }
}

fn wait_for(pending: &Pending) -> Duration {
    let left = u64::try_from(pending.next_ms.saturating_sub(now_ms())).unwrap_or(0);
    Duration::from_millis(left).min(LONGEST_WAIT)
}

async fn offer_to_flask(delivery: &Delivery, queue: &Queue, pending: &Pending) -> Next {
    let Some(request) = flask::request(&delivery.client, &delivery.flask, &pending.event) else {
        return unreadable(queue, pending);
    };
    let outcome = delivery.client.send(request).await;
    let verdict = for_flask(&outcome, pending.attempts, rand::random());
    Next::Settle(settlement(delivery, queue, pending, &outcome, verdict, true))
}

async fn offer(delivery: &Delivery, queue: &Queue, pending: &Pending, shutdown: &CancellationToken) -> Next {
    let metadata = delivery.journal.metadata(&queue.user);
    let Some(webhook) = delivery.recipients.find(&queue.user, &queue.address) else {
        return Next::Settle(Settlement::Dead { error: "this webhook is not configured any more".into() });
    };
    let inline = webhook.inline_max_bytes;
    let body = webhook::body(&pending.event, metadata, &delivery.media, inline);
    let Some(body) = shutdown.run_until_cancelled(body).await else { return Next::Nothing };
    let Some(body) = body else { return unreadable(queue, pending) };
    let passed = shutdown.run_until_cancelled(delivery.breakers.pass(&queue.address)).await;
    let Some(probe) = passed else { return Next::Nothing };
    // That may have taken a while: what is configured now counts.
    let webhook = delivery.recipients.find(&queue.user, &queue.address).unwrap_or(webhook);
    let outcome = delivery.client.send(webhook::request(&delivery.client, &webhook, body)).await;
    if let Some(pause) = delivery.breakers.hear(&queue.address, !outcome.is_trouble()) {
        let (address, secs) = (shown(&queue.address), pause.as_secs());
        warn!(
            address,
            secs,
            error = outcome.reason(),
            "a webhook's receiver is in trouble; it is left alone for a while"
        );
    }
    let waited = u64::try_from(now_ms().saturating_sub(pending.since_ms)).unwrap_or(0);
    let attempt = Attempt {
        before: pending.attempts,
        probe,
        waited: Duration::from_millis(waited),
        patience: delivery.patience,
        dice: rand::random(),
    };
    let verdict = for_webhook(&outcome, &attempt, &webhook.retries.unwrap_or_default());
    let counts = attempt.counts(&outcome);
    Next::Settle(settlement(delivery, queue, pending, &outcome, verdict, counts))
}

/// As it is counted.
fn receiver(queue: &Queue) -> &'static str {
    if &*queue.address == FLASK { "flask" } else { "webhook" }
}

fn unreadable(queue: &Queue, pending: &Pending) -> Next {
    let event = pending.event.id;
    warn!(user = %queue.user, %event, "an event that cannot be read is set aside");
    Next::Settle(Settlement::Dead { error: "the event cannot be read".into() })
}

fn settlement(
    delivery: &Delivery,
    queue: &Queue,
    pending: &Pending,
    outcome: &Outcome,
    verdict: Verdict,
    counts: bool,
) -> Settlement {
    let (user, event, address) = (&queue.user, pending.event.id, shown(&queue.address));
    let (error, attempt) = (outcome.reason(), pending.attempts.saturating_add(1));
    delivery.metrics.delivery(receiver(queue), outcome.label());
    match verdict {
        Verdict::Done => {
            let after = u64::try_from(now_ms().saturating_sub(pending.event.created_ms)).unwrap_or(0);
            delivery.metrics.delivered(receiver(queue), Duration::from_millis(after));
            debug!(%user, %event, address, attempt, "delivered");
            Settlement::Done
        }
        Verdict::Retry(delay) => {
            // The first failure is news; the same one again every few seconds is not.
            if pending.attempts == 0 {
                warn!(%user, %event, address, error, "a receiver does not take an event; it is tried again");
            } else {
                debug!(%user, %event, address, error, attempt, "not delivered");
            }
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            Settlement::Retry { next_ms: now_ms().saturating_add(delay), error, counts }
        }
        Verdict::Dead => {
            warn!(%user, %event, address, error, attempt, "an event could not be delivered; it is set aside");
            Settlement::Dead { error }
        }
    }
}

/// Insists: an event that the receiver has taken must not be offered again because the journal had a bad
/// moment. Says whether it was written; only a shutdown or a closed journal leaves it unwritten.
async fn write_down(
    delivery: &Delivery,
    queue: &Queue,
    pending: &Pending,
    settlement: Settlement,
    shutdown: &CancellationToken,
) -> bool {
    loop {
        match delivery.journal.settle(pending.event.row, queue.id, settlement.clone()).await {
            Ok(()) => return true,
            Err(JournalError::Closed) => return false,
            Err(error) => {
                warn!(user = %queue.user, error = chain(&error), "a delivery could not be written down");
                if shutdown.is_cancelled() {
                    return false;
                }
                pause(JOURNAL_RETRY, shutdown).await;
            }
        }
    }
}

async fn pause(time: Duration, shutdown: &CancellationToken) {
    if !time.is_zero() {
        let _ = tokio::time::timeout(time, shutdown.cancelled()).await;
    }
}
