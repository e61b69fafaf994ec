//! [`Breakers`]: the [`Breaker`] of each address, shared by all queues that go there.
//!
//! Owns the map and the clock. Whoever waits is woken when its address changes. An address of which nothing bad is known,
//! or has been heard for long, is forgotten: strangers can name as many as they like.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::breaker::{Breaker, BreakerChange};

/// The breakers; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Breakers {
    born: Instant,
    /// The map is whole after every change, so a panic elsewhere leaves it usable.
    all: Arc<Mutex<HashMap<Arc<str>, BreakerEntry>>>,
}

#[derive(Debug)]
struct BreakerEntry {
    breaker: Breaker,
    changed: Arc<Notify>,
    /// When it was last asked or heard of.
    touched: Duration,
}

/// After how long without a word an address is forgotten: much longer than any pause.
const FORGOTTEN: Duration = Duration::from_secs(600);

impl Breakers {
    pub(super) fn new() -> Self {
        Self { born: Instant::now(), all: Arc::default() }
    }

    /// Waits until this address may be tried.
    pub(super) async fn pass(&self, address: &Arc<str>) {
        loop {
            let (word, changed) = {
                let (mut all, now) = (self.all.lock(), self.born.elapsed());
                let entry = all.entry(Arc::clone(address)).or_insert_with(|| BreakerEntry {
                    breaker: Breaker::new(),
                    changed: Arc::default(),
                    touched: now,
                });
                let (breaker, word) = entry.breaker.ask(now);
                (entry.breaker, entry.touched) = (breaker, now);
                (word, Arc::clone(&entry.changed).notified_owned())
            };
            match word {
                BreakerChange::Go | BreakerChange::Probe => return,
                BreakerChange::Wait(time) => drop(timeout(time, changed).await),
            }
        }
    }

    /// What came of an attempt: whether there was a connection. Says whether the address is left alone from now on.
    pub(super) fn hear(&self, address: &Arc<str>, well: bool) -> Option<Duration> {
        let (mut all, now) = (self.all.lock(), self.born.elapsed());
        let entry = all.get_mut(address)?;
        let before = entry.breaker;
        (entry.breaker, entry.touched) = (before.hear(well, now), now);
        if entry.breaker != before {
            entry.changed.notify_waiters();
        }
        if entry.breaker == Breaker::new() {
            all.remove(address);
            return None;
        }
        match (before, entry.breaker) {
            (Breaker::Closed { .. }, Breaker::Open { pause, .. }) => Some(pause),
            _ => None,
        }
    }

    /// Nothing came of an attempt: it could not be made.
    pub(super) fn untried(&self, address: &Arc<str>) {
        let (mut all, now) = (self.all.lock(), self.born.elapsed());
        if let Some(entry) = all.get_mut(address) {
            (entry.breaker, entry.touched) = (entry.breaker.untried(now), now);
            entry.changed.notify_waiters();
        }
    }

    /// Forgets addresses of which nothing was heard for long.
    pub(super) fn forget(&self) {
        let now = self.born.elapsed();
        self.all.lock().retain(|_, entry| now.saturating_sub(entry.touched) < FORGOTTEN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_let_through_when_a_probe_succeeds() {
        let (breakers, address) = (Breakers::new(), Arc::from("http://x/"));
        for _ in 0..5 {
            breakers.pass(&address).await;
            breakers.hear(&address, false);
        }
        let before = Instant::now();
        breakers.pass(&address).await;
        assert_eq!(before.elapsed().as_secs(), 2, "the first one after the pause probes");
        let waiting = tokio::spawn({
            let (breakers, address) = (breakers.clone(), Arc::clone(&address));
            async move { breakers.pass(&address).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        breakers.pass(&Arc::from("http://y/")).await; // another address has nothing to do with it
        breakers.hear(&address, true);
        waiting.await.expect("no panic");
        assert_eq!(before.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_well_or_was_not_heard_of_for_long_is_forgotten() {
        let (breakers, well, away) = (Breakers::new(), Arc::from("http://x/"), Arc::from("http://y/"));
        for address in [&well, &away] {
            breakers.pass(address).await;
            breakers.hear(address, false);
        }
        breakers.hear(&well, true);
        assert_eq!(breakers.all.lock().len(), 1);
        breakers.forget();
        assert_eq!(breakers.all.lock().len(), 1, "its failure counts");
        tokio::time::advance(FORGOTTEN).await;
        breakers.forget();
        assert_eq!(breakers.all.lock().len(), 0);
    }
}
