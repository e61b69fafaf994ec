//! [`Places`]: the places of a listener for connections, and who gives one up when all are taken.
//!
//! Owns the count. **A connection that we wait for keeps nobody out**: when all places are taken, one of which we await a
//! head, the rest of a body, or that our answer is read ([`watched`] knows which) gives its place up. The holder with most
//! such connections loses one first, the one that we have waited for longest. A connection whose request is being worked on
//! never loses its place. A holder with a share never has more places than that. [`Acceptor`] accepts connections and gives
//! them a place; [`converse`] speaks HTTP/1.1 with them.

mod acceptor;
mod http1;
mod watched;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use acceptor::{Acceptor, Listener};
pub use http1::{HEAD_TIMEOUT, converse};
pub use watched::{Watched, WatchedBody, Working};

/// The places; `K` is who has them. Cheap to clone.
#[derive(Debug)]
pub struct Places<K>(Arc<Inner<K>>);

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<K> {
    most: usize,
    share: usize,
    /// A panic while the lock was held cannot leave the table half changed: each change is one call.
    table: Mutex<Table<K>>,
    /// Told when a place may be had again.
    free: Arc<Notify>,
}

#[derive(Debug)]
struct Table<K> {
    next: u64,
    taken: HashMap<u64, Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    who: K,
    watch: Watch,
    end: CancellationToken,
}

/// A place; dropped, it is free.
#[derive(Debug)]
pub struct Place<K> {
    inner: Arc<Inner<K>>,
    id: u64,
    /// What is seen of its connection.
    pub watch: Watch,
    /// Cancelled when the place is needed by somebody else.
    pub end: CancellationToken,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// Every connection is being worked for; see [`Places::freed`].
    Now,
    /// This one has its share, all of it being worked for.
    ForYou,
}

/// What is seen of a connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    free: Arc<Notify>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// A request is there whose answer is not given yet.
    working: bool,
    /// The rest of its body is waited for.
    body: bool,
    /// What was written is not taken.
    unread: bool,
    /// Since when we wait for the other side, if we do.
    since: Instant,
}

impl Seen {
    fn keeps_waiting(&self) -> bool {
        !self.working || self.body || self.unread
    }
}

impl Watch {
    fn new(free: Arc<Notify>) -> Self {
        let seen = Seen { working: false, body: false, unread: false, since: Instant::now() };
        Self { seen: Arc::new(Mutex::new(seen)), free }
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock();
        let before = seen.keeps_waiting();
        change(&mut seen);
        if !before && seen.keeps_waiting() {
            seen.since = Instant::now();
            drop(seen);
            self.free.notify_one();
        }
    }

    fn waiting_since(&self) -> Option<Instant> {
        let seen = self.seen.lock();
        seen.keeps_waiting().then_some(seen.since)
    }
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// So many; who has a share has no more than `share` of them.
    pub fn new(most: usize, share: usize) -> Self {
        let table = Mutex::new(Table { next: 0, taken: HashMap::new() });
        Self(Arc::new(Inner { most, share, table, free: Arc::default() }))
    }

    /// A place for whoever has just come, and whether somebody lost theirs for it.
    ///
    /// # Errors
    /// [`NoPlace`].
    pub fn take(&self, who: K, shares: bool) -> Result<(Place<K>, bool), NoPlace> {
        let mut table = self.0.table.lock();
        let own = || table.taken.values().filter(|taken| taken.who == who).count();
        let mut lost = None;
        if shares && own() >= self.0.share {
            lost = Some(table.longest(Some(who)).ok_or(NoPlace::ForYou)?);
        } else if table.taken.len() >= self.0.most {
            lost = Some(table.longest(None).ok_or(NoPlace::Now)?);
        }
        if let Some(taken) = lost.and_then(|id| table.taken.remove(&id)) {
            taken.end.cancel();
        }
        let (id, watch, end) = (table.next, Watch::new(Arc::clone(&self.0.free)), CancellationToken::new());
        table.next += 1;
        table.taken.insert(id, Taken { who, watch: watch.clone(), end: end.clone() });
        Ok((Place { inner: Arc::clone(&self.0), id, watch, end }, lost.is_some()))
    }

    /// Waits until a place may be had that could not be had before.
    pub async fn freed(&self) {
        self.0.free.notified().await;
    }
}

impl<K: Copy + Eq + Hash> Table<K> {
    /// Which place is given up, of one holder or of whoever keeps us waiting at most places.
    fn longest(&self, of: Option<K>) -> Option<u64> {
        let waiting = self.taken.iter().filter(|(_, taken)| of.is_none_or(|who| taken.who == who));
        let waiting = waiting.filter_map(|(id, taken)| Some((*id, taken.who, taken.watch.waiting_since()?)));
        longest(&waiting.collect::<Vec<_>>())
    }
}

/// Of those who keep us waiting: the place that has done so longest, of whoever has most.
fn longest<K: Copy + Eq + Hash>(waiting: &[(u64, K, Instant)]) -> Option<u64> {
    let mut most: HashMap<K, (usize, Instant)> = HashMap::new();
    for (_, who, since) in waiting {
        let of = most.entry(*who).or_insert((0, *since));
        *of = (of.0 + 1, of.1.min(*since));
    }
    // Of two who have as many, the one who waits longer.
    let (who, _) = most.into_iter().max_by_key(|(_, (count, since))| (*count, std::cmp::Reverse(*since)))?;
    let own = waiting.iter().filter(|(_, of, _)| *of == who);
    own.min_by_key(|(id, _, since)| (*since, *id)).map(|(id, ..)| *id)
}

impl<K> Drop for Place<K> {
    fn drop(&mut self) {
        // Whoever was made to give it up is not in there any more.
        if self.inner.table.lock().taken.remove(&self.id).is_some() {
            self.inner.free.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use std::time::Duration;

    /// Someone who has come and whose request is being worked on.
    fn working(places: &Places<u8>, who: u8) -> Place<u8> {
        let (place, _) = places.take(who, true).expect("a place");
        place.watch.note(|seen| seen.working = true);
        place
    }

    #[test]
    fn who_keeps_us_waiting_longest_of_whoever_has_most_gives_way() {
        let at = Instant::now();
        let after = |secs| at + Duration::from_secs(secs);
        assert_eq!(longest::<u8>(&[]), None);
        assert_eq!(longest(&[(1, 7, after(0)), (2, 8, after(2)), (3, 8, after(1))]), Some(3));
        assert_eq!(longest(&[(1, 7, after(1)), (2, 8, after(0))]), Some(2));
    }

    #[tokio::test]
    async fn a_place_is_there_for_who_comes_while_anybody_keeps_us_waiting() {
        let places = Places::new(3, 3);
        let (idle, _) = places.take(1, false).expect("a place");
        let (one, two) = (working(&places, 1), working(&places, 2));
        let (newcomer, lost) = places.take(3, false).expect("the idle one's");
        assert!(lost && idle.end.is_cancelled() && !one.end.is_cancelled() && !two.end.is_cancelled());
        drop(idle);
        newcomer.watch.note(|seen| seen.working = true);
        assert_eq!(places.take(4, false).map(drop), Err(NoPlace::Now));
        assert!(places.freed().now_or_never().is_none());
        two.watch.note(|seen| seen.body = true);
        places.freed().await;
        assert!(places.take(4, false).expect("that of the half body").1 && two.end.is_cancelled());
    }

    #[test]
    fn who_has_a_share_takes_no_other_ones_place() {
        let places = Places::new(4, 2);
        let (other, _) = places.take(9, true).expect("a place");
        let (first, second) = (working(&places, 1), places.take(1, true).expect("the second").0);
        let third = places.take(1, true).expect("in the place of the second").0;
        assert!(second.end.is_cancelled() && !other.end.is_cancelled());
        third.watch.note(|seen| seen.working = true);
        assert_eq!(places.take(1, true).map(drop), Err(NoPlace::ForYou));
        drop(first);
        places.take(1, true).expect("given back");
        assert!(!other.end.is_cancelled());
    }
}
