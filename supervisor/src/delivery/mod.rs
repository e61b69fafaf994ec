//! The delivery: tells Flask of every incoming message, and every webhook of what it wants, for each session in order.
//!
//! Owns one task per queue (a session's events for one address) that has something to be told; such a task ends when
//! nothing is left. Never makes an event and never drops one: everything comes from the journal, and how each attempt
//! ended goes back there before the next event is touched.
//!
//! ```text
//! journal ──due──▶ dispatcher ──▶ queue (session, address) ──▶ breaker of the address ──▶ POST ──▶ settle
//! ```
//!
//! **Each event once.** A receiver that answered 2xx is not told again: the answer is committed at once, and
//! a commit that fails is repeated until it succeeds. Only a crash of the machine or the process between the
//! answer and its commit repeats an event; its id is then the same.
//!
//! **A receiver that is slow or down delays no other**: queues share nothing but the breaker of their address.

mod breaker;
mod breakers;
mod client;
mod flask;
mod media;
mod policy;
mod queue;
mod recipients;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use colmeia::config::{EventsConfig, ServiceConfig};
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::journal::{Journal, JournalError, Queue, now_ms};
use crate::logging::chain;
use crate::metrics::Metrics;
use crate::outgoing::Home;
use breakers::Breakers;
use client::Client;

pub(crate) use media::Media;
pub(crate) use recipients::{Recipients, Sessions, shown};

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the journal is looked through without being told, and old events are deleted.
const ROUND: Duration = Duration::from_secs(60);
/// How many old events one step deletes; a step delays the writes that wait behind it.
const PRUNE_STEP: u32 = 1_000;
/// How many such steps one round makes.
const PRUNE_STEPS: usize = 100;
/// How long running POSTs may take at the end: a little more than one may take at all.
const FAREWELL: Duration = Duration::from_secs(11);

/// Delivers until the service ends, and then finishes what has begun.
pub(crate) async fn run(
    journal: Journal,
    recipients: Recipients,
    config: Arc<ServiceConfig>,
    media: Media,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    match Client::new(TIMEOUT, Home::of(config.listen)) {
        Ok(client) => {
            let flask = &config.webhook_url;
            let delivery = Delivery::new(journal, recipients, client, flask, config.events, media, metrics);
            Dispatcher::new(delivery, config.events, shutdown).run().await;
        }
        Err(problem) => {
            let problem = problem.without_url();
            error!(error = chain(&problem), "no HTTP client can be made: events are kept and not delivered");
        }
    }
}

/// What all queues have in common.
#[derive(Debug)]
struct Delivery {
    journal: Journal,
    recipients: Recipients,
    client: Client,
    /// The address of Flask's receiver.
    flask: String,
    breakers: Breakers,
    /// Files of messages.
    media: Media,
    metrics: Metrics,
    /// How long an event may wait at a webhook.
    patience: Duration,
}

impl Delivery {
    fn new(
        journal: Journal,
        recipients: Recipients,
        client: Client,
        flask: &str,
        events: EventsConfig,
        media: Media,
        metrics: Metrics,
    ) -> Self {
        let patience = Duration::from_secs(u64::from(events.give_up_hours) * 3600);
        Self {
            journal,
            recipients,
            client,
            flask: flask.into(),
            breakers: Breakers::new(),
            media,
            metrics,
            patience,
        }
    }
}

/// The running tasks, at most one per queue.
struct Dispatcher {
    delivery: Arc<Delivery>,
    keep: EventsConfig,
    shutdown: CancellationToken,
    running: JoinSet<Queue>,
    /// Whether something came for a queue after its task had begun.
    queues: HashMap<i64, bool>,
}

impl Dispatcher {
    fn new(delivery: Delivery, keep: EventsConfig, shutdown: CancellationToken) -> Self {
        Self { delivery: Arc::new(delivery), keep, shutdown, running: JoinSet::new(), queues: HashMap::new() }
    }

    async fn run(mut self) {
        let due = self.delivery.journal.due();
        let mut round = tokio::time::interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                queues = due.take() => for id in queues {
                    self.wake(id).await;
                },
                Some(Ok(queue)) = self.running.join_next() => {
                    if self.queues.remove(&queue.id) == Some(true) {
                        self.start(queue);
                    }
                }
                _ = round.tick() => {
                    self.start_all().await;
                    self.tidy().await;
                }
            }
        }
        self.finish().await;
    }

    /// Something came for this queue.
    async fn wake(&mut self, id: i64) {
        if let Some(again) = self.queues.get_mut(&id) {
            *again = true;
            return;
        }
        match self.delivery.journal.queue(id).await {
            Ok(Some(queue)) => self.start(queue),
            Ok(None) => {}
            // The next round finds it.
            Err(error) => report(&error, "the journal could not be read"),
        }
    }

    /// Starts a task for every queue that has something waiting and no task.
    async fn start_all(&mut self) {
        match self.delivery.journal.waiting().await {
            Ok(queues) => queues.into_iter().for_each(|queue| self.start(queue)),
            Err(error) => report(&error, "the journal could not be read"),
        }
    }

    fn start(&mut self, queue: Queue) {
        if let Entry::Vacant(place) = self.queues.entry(queue.id) {
            place.insert(false);
            self.running.spawn(serve(Arc::clone(&self.delivery), queue, self.shutdown.clone()));
        }
    }

    /// Deletes what is old, or too much.
    async fn tidy(&self) {
        let journal = &self.delivery.journal;
        let keep_ms = i64::from(self.keep.keep_days).saturating_mul(24 * 60 * 60 * 1000);
        let most = u64::from(self.keep.keep_mb) * 1024 * 1024;
        for _ in 0..PRUNE_STEPS {
            let deleted = async {
                let old = journal.prune(now_ms().saturating_sub(keep_ms), PRUNE_STEP).await?;
                Ok(old.max(journal.make_room(most, PRUNE_STEP).await?))
            };
            match deleted.await {
                Ok(deleted) if deleted < PRUNE_STEP as usize => break,
                Ok(_) => {}
                Err(error) => return report(&error, "old events could not be deleted"),
            }
        }
    }

    async fn finish(mut self) {
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            warn!(
                "deliveries were still running at the end; their events are offered again at the next start"
            );
        }
    }
}

/// Empties one queue and says which it was, whatever happened. A panic costs that queue a minute and nobody else
/// anything.
async fn serve(delivery: Arc<Delivery>, queue: Queue, shutdown: CancellationToken) -> Queue {
    let drained = queue::drain(delivery, queue.clone(), shutdown.clone());
    if AssertUnwindSafe(drained).catch_unwind().await.is_err() {
        error!(user = %queue.user, "a delivery task ended by a panic");
        let _ = tokio::time::timeout(ROUND, shutdown.cancelled()).await;
    }
    queue
}

fn report(error: &JournalError, what: &'static str) {
    warn!(error = chain(error), "{what}");
}
