//! The journal on a real file.

mod disk;
mod forgetting;
mod queues;
mod reading;

use std::collections::BTreeMap;

use colmeia::protocol::{MessageRecord, OtherNames};
use colmeia::{ExitReason, Me};
use proptest::prelude::*;

use super::*;

/// An incoming text.
pub(crate) fn message(id: &str, body: &str) -> MessageRecord {
    MessageRecord {
        id: id.into(),
        chat: "5511988887777@c.us".into(),
        from: "5511988887777@c.us".into(),
        to: None,
        author: None,
        from_me: false,
        kind: "chat".into(),
        body: body.into(),
        timestamp_ms: 1_700_000_000_000,
        ack: 0,
        has_media: false,
        mimetype: None,
        filename: None,
        sender_name: None,
        details: None,
        other_names: OtherNames::default(),
    }
}

/// It as an event.
pub(crate) fn incoming(id: &str) -> (u64, Event) {
    (1, Event::Message(Box::new(message(id, "oi"))))
}

pub(crate) fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

/// An event as it is read; its payload is empty.
pub(crate) fn recorded(of: &str, row: i64, key: &str) -> Recorded {
    Recorded {
        id: EventId::new(1_700_000_000_000, 7, row),
        row,
        user: user(of),
        kind: Kind::Message,
        key: key.into(),
        created_ms: 1_700_000_000_000,
        me: None,
        payload: String::new(),
    }
}

/// How many deliveries of this user's events wait.
pub(crate) async fn waiting(journal: &Journal, user: &UserId) -> i64 {
    journal.count_pending().await.expect("read").get(user).copied().unwrap_or_default()
}

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
