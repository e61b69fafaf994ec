//! The journal on a real file.

mod disk;
mod forgetting;
mod queues;
mod reading;

use std::collections::BTreeMap;

use colmeia::{ExitReason, Me};
use proptest::prelude::*;

use super::testing::*;
use super::*;

/// Two addresses for everything, and one for messages only.
#[derive(Debug)]
struct Everyone;

impl Addressees for Everyone {
    fn of(&self, _: &UserId, kind: Kind) -> Vec<Arc<str>> {
        let all: &[&str] = if kind == Kind::Message { &["http://a/", "http://b/"] } else { &["http://a/"] };
        all.iter().map(|address| Arc::from(*address)).collect()
    }

    fn metadata(&self, _: &UserId) -> Option<Value> {
        None
    }
}

fn open(folder: &tempfile::TempDir, addressees: Arc<dyn Addressees>) -> Journal {
    Journal::open(&folder.path().join("colmeia.db"), addressees).expect("opens")
}

fn journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().expect("folder");
    let journal = open(&folder, Arc::new(()));
    (folder, journal)
}

/// Flask's queue of a user.
async fn flask(journal: &Journal, of: &UserId) -> i64 {
    let queues = journal.waiting().await.expect("read");
    queues.iter().find(|queue| queue.user == *of && &*queue.address == FLASK).expect("a queue").id
}

/// Takes everything out of a queue, in order.
async fn drain(journal: &Journal, queue: i64) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(next) = journal.pending(queue, 1).await.expect("read").pop() {
        journal.settle(next.event.row, queue, Settlement::Done).await.expect("written");
        seen.push(next.event.key);
    }
    seen
}

async fn head(journal: &Journal, queue: i64) -> Pending {
    journal.pending(queue, 1).await.expect("read").pop().expect("one waits")
}

async fn kinds(journal: &Journal) -> Vec<(String, &'static str)> {
    let page = journal.events(0, None, |_, _| true, 1000).await.expect("read");
    page.events.into_iter().map(|event| (event.user.to_string(), event.kind.name())).collect()
}

fn said(status: &'static str) -> StatusChange {
    StatusChange { status, me: None, exit: None, again: false, joined: 0, restrictions: Default::default() }
}
