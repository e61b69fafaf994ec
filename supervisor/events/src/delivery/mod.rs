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
//! **Once, as far as that can be known.** After a 2xx an event is not sent again, and neither is one that Flask was sent
//! completely: the outcome is committed at once, and a commit that fails is repeated until it succeeds. An event is sent
//! twice only after a crash before that commit, or when the tables of docs/events.md say "tried again". Its id stays the
//! same.
//!
//! **A receiver that is slow or down delays no other**: queues share nothing but the breaker of their address, which
//! only opens when no connection can be made.

mod breaker;
mod breakers;
mod client;
mod context;
mod flask;
mod media;
mod policy;
mod probe;
mod queue;
mod recipients;
#[cfg(test)]
mod tests;
mod troubles;
mod webhook;
mod wire;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use colmeia::config::{EventsConfig, ServiceConfig};
use colmeia_base::tasks;
use reqwest::Url;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::journal::{FLASK, Journal, JournalError, Queue, now_ms};
use client::Client;
use colmeia::errors::chain;
use colmeia_host::ssrf::Home;
use context::{Delivery, Flask};
use queue::Signals;

pub use context::DeliveryContext;
pub use media::{Files, Media, NoFile};
pub use probe::probe;
pub use recipients::{Recipients, Sessions, shown};

/// How often the journal is looked through without being told, and old events are deleted.
const ROUND: Duration = Duration::from_secs(60);
/// How many old events one step deletes; a step delays the writes that wait behind it.
const PRUNE_STEP: u32 = 1_000;
/// How many such steps one round makes.
const PRUNE_STEPS: usize = 100;
/// How long running POSTs may take at the end: a little more than an answer is waited for then.
const FAREWELL: Duration = Duration::from_secs(11);

/// Delivers until the service ends, and then finishes what has begun.
pub async fn run(
    journal: Journal,
    recipients: Recipients,
    config: Arc<ServiceConfig>,
    context: DeliveryContext,
    shutdown: CancellationToken,
) {
    let begun = Client::new(Home::of(config.listen), context.names.clone())
        .map_err(|error| chain(&error))
        .and_then(|client| {
            let url = Url::parse(&config.webhook_url).map_err(|error| format!("webhook_url: {error}"))?;
            let flask = Flask { url, patience: Duration::from_secs(config.flask.timeout_seconds.into()) };
            Ok(Delivery::new(journal, recipients, client, flask, config.events, context))
        });
    match begun {
        Ok(delivery) => Dispatcher::new(delivery, config.events, shutdown).run().await,
        Err(error) => error!(error, "nothing can be delivered: events are kept"),
    }
}

/// The running tasks, at most one per queue.
struct Dispatcher {
    delivery: Arc<Delivery>,
    keep: EventsConfig,
    shutdown: CancellationToken,
    running: JoinSet<Queue>,
    queues: HashMap<i64, Running>,
}

/// A queue's task.
struct Running {
    /// Whether something came for it after its task had begun.
    again: bool,
    /// Tells the task.
    changed: Arc<Notify>,
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
                    if self.queues.remove(&queue.id).is_some_and(|task| task.again) {
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
        if let Some(task) = self.queues.get_mut(&id) {
            task.again = true;
            task.changed.notify_one();
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
            let changed = Arc::new(Notify::new());
            place.insert(Running { again: false, changed: Arc::clone(&changed) });
            let signals = Signals { shutdown: self.shutdown.clone(), changed };
            self.running.spawn(serve(Arc::clone(&self.delivery), queue, signals));
        }
    }

    /// Deletes what is old, or too much.
    async fn tidy(&self) {
        self.delivery.breakers.forget();
        let journal = &self.delivery.journal;
        if let Err(error) = self.forget_queues().await {
            report(&error, "old queues could not be forgotten");
        }
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

    /// Forgets the queues of addresses that are not configured any more: whoever changes them often leaves one for each.
    async fn forget_queues(&self) -> Result<(), JournalError> {
        let recipients = &self.delivery.recipients;
        let is_gone = |queue: &Queue| {
            &*queue.address != FLASK && recipients.find(&queue.user, &queue.address).is_none()
        };
        let queues = self.delivery.journal.queues().await?;
        let gone: Vec<_> = queues.iter().filter(|queue| is_gone(queue)).map(|queue| queue.id).collect();
        if !gone.is_empty() {
            self.delivery.journal.forget_queues(gone).await?;
        }
        Ok(())
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
async fn serve(delivery: Arc<Delivery>, queue: Queue, signals: Signals) -> Queue {
    let shutdown = signals.shutdown.clone();
    let drained = queue::drain(delivery, queue.clone(), signals);
    if tasks::caught("queue", drained).await.is_err() {
        error!(user = %queue.user, "a delivery task ended by a panic");
        let _ = tokio::time::timeout(ROUND, shutdown.cancelled()).await;
    }
    queue
}

fn report(error: &JournalError, what: &'static str) {
    warn!(error = chain(error), "{what}");
}
