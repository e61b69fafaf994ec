//! The delivery: tells the webhook's receiver of every incoming message, for each user in order.
//!
//! Owns one task per user that has something to be told; such a task ends when nothing is left. Never makes an
//! event and never drops one: everything comes from the journal, and how each attempt ended goes back there
//! before the next event is touched.
//!
//! **Each message once.** A receiver that answered 2xx is not told again: the answer is committed at once, and
//! a commit that fails is repeated until it succeeds. Only a crash of the machine or the process between the
//! answer and its commit repeats a message; its `X-Colmeia-Event-Id` is then the same.

mod policy;
mod queue;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use futures::FutureExt;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::journal::{Journal, JournalError, now_ms};
use crate::logging::chain;
use webhook::Webhook;

/// How long a receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often the journal is looked through without being told, and old events are deleted.
const ROUND: Duration = Duration::from_secs(60);
/// How long delivered events are kept: what WhatsApp or a worker tells again within this time is recognised.
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How many old events one step deletes; a step delays the writes that wait behind it.
const PRUNE_STEP: u32 = 1_000;
/// How long running POSTs may take at the end: a little more than one may take at all.
const FAREWELL: Duration = Duration::from_secs(11);

/// Delivers until the service ends, and then finishes what has begun.
pub(crate) async fn run(journal: Journal, config: Arc<ServiceConfig>, shutdown: CancellationToken) {
    let webhook = match Webhook::new(&config.webhook_url, TIMEOUT) {
        Ok(webhook) => webhook,
        Err(problem) => {
            let problem = problem.without_url();
            error!(
                error = chain(&problem),
                "webhook_url cannot be used: incoming messages are kept and not delivered"
            );
            return;
        }
    };
    Queues::new(journal, webhook, shutdown).run().await;
}

/// The running tasks, at most one per user.
struct Queues {
    journal: Journal,
    webhook: Webhook,
    shutdown: CancellationToken,
    running: JoinSet<UserId>,
    users: HashSet<UserId>,
}

impl Queues {
    fn new(journal: Journal, webhook: Webhook, shutdown: CancellationToken) -> Self {
        Self { journal, webhook, shutdown, running: JoinSet::new(), users: HashSet::new() }
    }

    async fn run(mut self) {
        let mut growth = self.journal.growth();
        let mut round = tokio::time::interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                grown = growth.changed() => if grown.is_err() { break },
                Some(Ok(user)) = self.running.join_next() => {
                    self.users.remove(&user);
                }
                _ = round.tick() => self.prune().await,
            }
            self.start_all().await;
        }
        self.finish().await;
    }

    /// Starts a task for everyone who has something waiting and no task.
    async fn start_all(&mut self) {
        let users = match self.journal.users_with_pending().await {
            Ok(users) => users,
            Err(error) => return report(&error, "the journal could not be read"),
        };
        for user in users {
            if self.users.insert(user.clone()) {
                let (journal, webhook) = (self.journal.clone(), self.webhook.clone());
                self.running.spawn(serve(journal, webhook, user, self.shutdown.clone()));
            }
        }
    }

    async fn prune(&self) {
        let keep = i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX);
        if let Err(error) = self.journal.prune(now_ms().saturating_sub(keep), PRUNE_STEP).await {
            report(&error, "old events could not be deleted");
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

/// Empties one user's queue and says whose it was, whatever happened. A panic costs that user a minute and
/// nobody else anything.
async fn serve(journal: Journal, webhook: Webhook, user: UserId, shutdown: CancellationToken) -> UserId {
    let drained = queue::drain(journal, webhook, user.clone(), shutdown.clone());
    if AssertUnwindSafe(drained).catch_unwind().await.is_err() {
        error!(%user, "a delivery task ended by a panic");
        let _ = tokio::time::timeout(ROUND, shutdown.cancelled()).await;
    }
    user
}

fn report(error: &JournalError, what: &'static str) {
    warn!(error = chain(error), "{what}");
}
