//! The ground: where hosts write down what holds for all of them.
//!
//! Owns the contract, which is small: records that are written by compare-and-set and watched, and logs that are appended
//! to in an agreed order. [`embedded`] keeps it with SQLite for one host and needs no server; [`nats`] keeps it for many.
//! One suite of tests runs on both. Never says what a record means.
//!
//! What is promised: a write that was acknowledged is on disk, of all writes that expect one revision one at most is
//! ever acknowledged, and a write whose outcome is unknown may still be written later. A read may be older than what
//! another host wrote a moment ago; who acts on it does so by compare-and-set.

pub mod check;
pub mod embedded;
pub mod nats;

use std::error::Error;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::names::Key;
use crate::records::Revision;

/// How many changes wait for who watches.
const WAITING: usize = 256;

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// The change that it is at.
    pub revision: Revision,
    /// What it says.
    pub value: Bytes,
}

/// The place of an entry in its log. Later entries have higher ones, with gaps; an empty log is at 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// An entry is in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where.
    pub sequence: Sequence,
    /// An entry of this id was there already, and this is its place.
    pub is_repeated: bool,
}

/// The newest entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// Its place.
    pub sequence: Sequence,
    /// Its id.
    pub id: String,
    /// What it says.
    pub value: Bytes,
}

/// Why the ground did not do something.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// The record, or the log, is not where the caller expected it. Nothing was written.
    #[error("it was changed by somebody else meanwhile")]
    Stale,
    /// What was to be created is there. Nothing was written.
    #[error("it exists")]
    Exists,
    /// Nobody can say what became of it: it may be written, or be written later.
    #[error("the ground cannot be reached, and nobody can say what became of the request")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The engine will never do it. Nothing was written.
    #[error("the ground refuses it: {0}")]
    Rejected(String),
    /// The engine is set up so that it may lose what it acknowledged.
    #[error("the engine is not safe to use: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unsafe(Vec<check::Finding>),
}

/// Something that who watches is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// A record is at this change. Revisions rise; a change that another one followed at once may be left out.
    Changed(Entry),
    /// Everything that was there has been told; what follows is new.
    Listed,
    /// Changes are not heard for now. It goes on by itself, with all that was missed.
    Lost,
}

/// Changes of records, from what is there on. It ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: mpsc::Receiver<Watched>,
    task: JoinHandle<()>,
}

impl Watch {
    /// The next thing; `None` if the ground is closed.
    pub async fn next(&mut self) -> Option<Watched> {
        self.changes.recv().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The contract.
pub trait Ground: Send + Sync {
    /// Reads a record.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, GroundError>>;

    /// Writes a record that is not there.
    fn create<'a>(&'a self, key: &'a Key, value: Bytes) -> BoxFuture<'a, Result<Revision, GroundError>>;

    /// Writes a record that is at this revision.
    fn compare_and_set<'a>(
        &'a self,
        key: &'a Key,
        expected: Revision,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Revision, GroundError>>;

    /// Watches all records whose key begins with this word, or all there are.
    fn watch<'a>(&'a self, first: Option<&'a Key>) -> BoxFuture<'a, Result<Watch, GroundError>>;

    /// Appends to a log that is at this place. The same id again is the same entry.
    fn append<'a>(
        &'a self,
        log: &'a Key,
        id: &'a str,
        expected: Sequence,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Appended, GroundError>>;

    /// The newest entry of a log.
    fn last<'a>(&'a self, log: &'a Key) -> BoxFuture<'a, Result<Option<Last>, GroundError>>;
}
