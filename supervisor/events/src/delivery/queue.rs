//! One queue: a session's events for one address, one after the other, each settled before the next.
//!
//! Never knows a second queue: a receiver that is slow delays nobody but the session that it belongs to, and that
//! session only there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::client::Post;
use super::context::{Delivery, said};
use super::policy::{Attempt, NextStep, Outcome, for_flask, for_webhook};
use super::{flask, webhook};
use crate::journal::{FLASK, JournalError, Pending, Queue, Settlement, URGED, now_ms};
use colmeia::errors::chain;

/// How long to wait before asking a journal again that failed.
const JOURNAL_RETRY: Duration = Duration::from_secs(2);
/// No wait is longer, whatever the clock did meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How many events are read at once.
const BATCH: u32 = 32;

/// What may end a wait: the service's end, or that the queue has changed.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    pub(super) shutdown: CancellationToken,
    pub(super) changed: Arc<Notify>,
}

/// What is to be done with an event after an attempt, or without one.
enum Next {
    Settle(Settlement),
    /// The service ends, or the queue has changed; nothing has begun.
    Nothing,
}

/// How it went with an event.
enum Fate {
    /// The next one has its turn.
    Settled,
    /// The queue has to be looked at again.
    Unknown,
    /// The service ends.
    Ended,
}

/// One event's way to its receiver; what the journal does not keep of it.
struct Trial {
    row: i64,
    /// When the first attempt failed that counts.
    refused: Option<Instant>,
    /// How often in a row the receiver could not be reached; also by the events before.
    away: u32,
    /// How many attempts failed.
    failures: u32,
    /// Whether the last event was given up.
    gave_up: bool,
}

/// Delivers until nothing is left or the service ends. A POST that has begun is finished and written down.
pub(super) async fn drain(delivery: Arc<Delivery>, queue: Queue, signals: Signals) {
    let mut trial = Trial { row: 0, refused: None, away: 0, failures: 0, gave_up: false };
    while !signals.shutdown.is_cancelled() {
        let batch = match delivery.journal.pending(queue.id, BATCH).await {
            Ok(batch) if batch.is_empty() => {
                // What was given up says nothing new of its receiver.
                if !trial.gave_up {
                    delivery.is_over(&queue);
                }
                return;
            }
            Ok(batch) => batch,
            Err(JournalError::Closed) => return,
            Err(error) => {
                warn!(user = %queue.user, error = chain(&error), "the journal could not be read");
                pause(JOURNAL_RETRY, &signals.shutdown).await;
                continue;
            }
        };
        for pending in batch {
            if trial.row != pending.event.row {
                trial = Trial { row: pending.event.row, refused: None, failures: 0, ..trial };
            }
            match settle(&delivery, &queue, pending, &mut trial, &signals).await {
                Fate::Settled => {}
                Fate::Unknown => break,
                Fate::Ended => return,
            }
        }
    }
}

/// Tries until the event is delivered or given up.
async fn settle(
    delivery: &Delivery,
    queue: &Queue,
    mut pending: Pending,
    trial: &mut Trial,
    signals: &Signals,
) -> Fate {
    loop {
        let waited = signals.during(tokio::time::sleep(wait_for(&pending))).await;
        if signals.shutdown.is_cancelled() {
            return Fate::Ended;
        }
        if waited.is_none() {
            return Fate::Unknown;
        }
        // A session that was deleted meanwhile is nobody's business any more.
        if matches!(delivery.journal.waits(pending.event.row, queue.id).await, Ok(false)) {
            return Fate::Settled;
        }
        let next = if &*queue.address == FLASK {
            offer_to_flask(delivery, queue, &pending, trial, signals).await
        } else {
            offer(delivery, queue, &pending, trial, signals).await
        };
        let Next::Settle(settlement) = next else {
            return if signals.shutdown.is_cancelled() { Fate::Ended } else { Fate::Unknown };
        };
        if !write_down(delivery, queue, &pending, settlement.clone(), &signals.shutdown).await {
            return Fate::Ended;
        }
        match settlement {
            Settlement::Done => {
                trial.gave_up = false;
                return Fate::Settled;
            }
            Settlement::Dead { .. } => {
                trial.gave_up = true;
                delivery.metrics.dead_letter(receiver(queue));
                return Fate::Settled;
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

async fn offer_to_flask(
    delivery: &Delivery,
    queue: &Queue,
    pending: &Pending,
    trial: &mut Trial,
    signals: &Signals,
) -> Next {
    let Some(post) = flask::request(&delivery.flask, &pending.event) else {
        return unreadable(queue, pending);
    };
    if !passes(delivery, queue, pending, signals).await {
        return Next::Nothing;
    }
    let outcome = send(delivery, queue, &post, signals).await;
    let verdict = for_flask(&outcome, &trial.attempt(delivery, pending));
    Next::Settle(settlement(delivery, queue, pending, trial, &outcome, verdict))
}

async fn offer(
    delivery: &Delivery,
    queue: &Queue,
    pending: &Pending,
    trial: &mut Trial,
    signals: &Signals,
) -> Next {
    let metadata = delivery.journal.metadata(&queue.user);
    let gone = || {
        delivery.is_over(queue);
        Next::Settle(Settlement::Dead { error: "this webhook is not configured any more".into() })
    };
    let Some(webhook) = delivery.recipients.find(&queue.user, &queue.address) else { return gone() };
    let body = webhook::body(&pending.event, metadata, &delivery.media, webhook.inline_max_bytes);
    let Some(body) = signals.during(body).await else { return Next::Nothing };
    let Some(body) = body else { return unreadable(queue, pending) };
    if !passes(delivery, queue, pending, signals).await {
        return Next::Nothing;
    }
    // That may have taken a while: what is configured now counts.
    let webhook = delivery.recipients.find(&queue.user, &queue.address).unwrap_or(webhook);
    let Some(post) = webhook::request(&webhook, body) else {
        delivery.breakers.untried(&queue.address);
        return gone();
    };
    let outcome = send(delivery, queue, &post, signals).await;
    let verdict =
        for_webhook(&outcome, &trial.attempt(delivery, pending), &webhook.retries.unwrap_or_default());
    Next::Settle(settlement(delivery, queue, pending, trial, &outcome, verdict))
}

/// Waits until the address may be tried; whoever is asked to try now does. `false` when something else has to be done.
async fn passes(delivery: &Delivery, queue: &Queue, pending: &Pending, signals: &Signals) -> bool {
    pending.next_ms == URGED || signals.during(delivery.breakers.pass(&queue.address)).await.is_some()
}

/// Sends it once. Reports the outcome to the address's breaker, and a resource that this machine has run out of to
/// [`Shortage`](colmeia_host::shortage::Shortage).
async fn send(delivery: &Delivery, queue: &Queue, post: &Post, signals: &Signals) -> Outcome {
    let outcome = delivery.client.send(post, &signals.shutdown).await;
    if let Outcome::Untried(lack) = outcome {
        delivery.shortage.noticed(lack);
    }
    let Some(well) = outcome.heard() else {
        delivery.breakers.untried(&queue.address);
        return outcome;
    };
    if let Some(pause) = delivery.breakers.hear(&queue.address, well) {
        let address = said(delivery, queue);
        debug!(address, secs = pause.as_secs(), "a receiver is left alone for a while");
    }
    outcome
}

impl Signals {
    /// Goes on with this unless something else has to be done.
    async fn during<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => None,
            done = work => Some(done),
            () = self.changed.notified() => None,
        }
    }
}

impl Trial {
    fn attempt(&self, delivery: &Delivery, pending: &Pending) -> Attempt {
        let waited = u64::try_from(now_ms().saturating_sub(pending.since_ms)).unwrap_or(0);
        Attempt {
            before: pending.attempts,
            refused_for: self.refused.map(|first| first.elapsed()).unwrap_or_default(),
            away: self.away,
            waited: Duration::from_millis(waited),
            patience: delivery.patience,
            dice: rand::random(),
        }
    }

    fn failed(&mut self, counts: bool) {
        self.failures = self.failures.saturating_add(1);
        if counts {
            self.refused.get_or_insert_with(Instant::now);
            self.away = 0;
        } else {
            self.away = self.away.saturating_add(1);
        }
    }
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
    trial: &mut Trial,
    outcome: &Outcome,
    verdict: NextStep,
) -> Settlement {
    let (user, event, address) = (&queue.user, pending.event.id, said(delivery, queue));
    let (error, attempt) = (outcome.reason(), trial.failures.saturating_add(1));
    let label =
        if verdict == NextStep::Done && !outcome.is_success() { "handed_over" } else { outcome.label() };
    delivery.metrics.delivery(receiver(queue), label);
    match verdict {
        NextStep::Done => {
            let after = u64::try_from(now_ms().saturating_sub(pending.event.created_ms)).unwrap_or(0);
            delivery.metrics.delivered(receiver(queue), Duration::from_millis(after));
            if outcome.is_success() {
                debug!(%user, %event, address, attempt, "delivered");
            } else {
                tracing::info!(%user, %event, address, error, "an event was sent completely and counts as handed over");
            }
            trial.away = 0;
            delivery.is_over(queue);
            Settlement::Done
        }
        NextStep::Retry { delay, counts } => {
            debug!(%user, %event, address, error, attempt, "not delivered");
            if outcome.heard().is_some() {
                trial.failed(counts);
            }
            // One failure is soon forgotten; the second one in a row is news, and later ones are not.
            if trial.failures > 1
                && outcome.heard().is_some()
                && delivery.troubles.begin(&queue.address, queue.id)
            {
                warn!(
                    %user,
                    address,
                    error,
                    "a receiver does not take what it is sent; it is tried again (colmeiactl events queues)"
                );
            }
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            Settlement::Retry { next_ms: now_ms().saturating_add(delay), error, counts }
        }
        NextStep::Dead => {
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
