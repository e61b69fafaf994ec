//! [`Troubles`]: which receivers hold up what they are to be told, so that it is said once when that begins and once
//! when it is over, and not at every try.
//!
//! Owns the map. Never decides what is trouble, and logs nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How many receivers are remembered: strangers can name as many as they like.
const MOST: usize = 1_000;

/// The receivers in trouble, by address.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<HashMap<Arc<str>, Trouble>>);

#[derive(Debug)]
struct Trouble {
    since: Instant,
    /// In which nothing was delivered since.
    queues: HashSet<i64>,
}

impl Troubles {
    /// This queue stands still because of its receiver. Says whether it is the first of that receiver's.
    pub(super) fn begin(&self, address: &Arc<str>, queue: i64) -> bool {
        let mut all = self.lock();
        let first = !all.contains_key(address);
        if first && all.len() >= MOST {
            let oldest =
                all.iter().min_by_key(|(_, trouble)| trouble.since).map(|(address, _)| Arc::clone(address));
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        let trouble = all
            .entry(Arc::clone(address))
            .or_insert_with(|| Trouble { since: Instant::now(), queues: HashSet::new() });
        trouble.queues.insert(queue);
        first
    }

    /// This queue does not stand still any more. Says how long its receiver was in trouble, if this was the last of its
    /// queues.
    pub(super) fn end(&self, address: &Arc<str>, queue: i64) -> Option<Duration> {
        let mut all = self.lock();
        let trouble = all.get_mut(address)?;
        trouble.queues.remove(&queue);
        if !trouble.queues.is_empty() {
            return None;
        }
        all.remove(address).map(|trouble| trouble.since.elapsed())
    }

    /// The map is whole after every change, so a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Trouble>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_begins_with_the_first_queue_and_is_over_with_the_last() {
        let (troubles, address) = (Troubles::default(), Arc::from("http://x/"));
        let other = Arc::from("http://y/");
        assert_eq!(troubles.end(&address, 1), None);
        assert!(troubles.begin(&address, 1));
        assert!(!troubles.begin(&address, 1) && !troubles.begin(&address, 2));
        assert!(troubles.begin(&other, 3), "another address is news of its own");
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(troubles.end(&address, 1), None);
        assert_eq!(troubles.end(&address, 2), Some(Duration::from_secs(7)));
        assert!(troubles.begin(&address, 1), "it begins anew");
    }

    #[test]
    fn no_stranger_fills_it() {
        let troubles = Troubles::default();
        for n in 0..MOST + 10 {
            assert!(troubles.begin(&Arc::from(format!("http://x/{n}")), 1));
        }
        assert_eq!(troubles.lock().len(), MOST);
        assert!(troubles.end(&Arc::from("http://x/0"), 1).is_none(), "the oldest is forgotten");
    }
}
