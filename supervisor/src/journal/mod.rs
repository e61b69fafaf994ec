//! The journal: every event on disk before its worker hears that we have it, and who is still to be told.
//!
//! Owns the SQLite database. Never talks to a worker or a receiver: the users' tasks append, the delivery
//! reads and settles.
//!
//! ```text
//! user task ──append──▶ events + deliveries ──next_due──▶ delivery ──settle──▶ done | pending again | dead
//!     ▲                        │ committed
//!     └── acknowledges ◀───────┘
//! ```
//!
//! An event that is told again (a worker repeats what was not acknowledged) is recognised by its key and is
//! not written a second time.

mod entry;
mod error;
mod schema;
mod store;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use colmeia::UserId;
use colmeia::protocol::Event;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use error::JournalError;

use entry::Entry;
use store::Changes;
use writer::Command;

/// How many requests may wait for the thread; who comes later waits in line.
const QUEUE: usize = 1024;

/// A handle to the journal; cheap to clone. The database is closed when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    commands: mpsc::Sender<Command>,
    grown: watch::Receiver<u64>,
}

/// An event that waits to be delivered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Its row.
    pub(crate) event: i64,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// When it may be tried again, in milliseconds since the epoch.
    pub(crate) next_ms: i64,
    /// What identifies it among its user's events.
    pub(crate) key: String,
    /// The [`Event`] as JSON.
    pub(crate) payload: String,
}

/// Keys and payloads are private.
impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pending({}, {} attempts)", self.event, self.attempts)
    }
}

/// How an attempt to deliver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The receiver has it.
    Done,
    /// Later again.
    Retry {
        /// When, in milliseconds since the epoch.
        next_ms: i64,
        /// Why.
        error: String,
    },
    /// Never again by itself; it is kept.
    Dead {
        /// Why.
        error: String,
    },
}

impl Journal {
    /// Opens or makes the database and starts its thread.
    ///
    /// # Errors
    /// [`JournalError`] says what is wrong with the file.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let connection = schema::open(path)?;
        let (commands, queue) = mpsc::channel(QUEUE);
        let (growing, grown) = watch::channel(0);
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer::run(connection, queue, &growing))
            .map_err(|source| JournalError::File { path: path.into(), source: source.into() })?;
        Ok(Self { commands, grown })
    }

    /// Adds events of a user, with the worker's numbers, and returns when they are on disk. What is known
    /// already is not added again.
    ///
    /// # Errors
    /// When nothing was written.
    pub(crate) async fn append(&self, user: &UserId, events: Vec<(u64, Event)>) -> Result<(), JournalError> {
        let entries = events.iter().map(|(_, event)| Entry::of(event)).collect::<Result<Vec<_>, _>>()?;
        let (user, now) = (user.clone(), now_ms());
        self.write(move |connection| store::append(connection, &user, &entries, now)).await.map(drop)
    }

    /// Writes down how an attempt to deliver ended.
    ///
    /// # Errors
    /// When nothing was written.
    pub(crate) async fn settle(&self, event: i64, settlement: Settlement) -> Result<(), JournalError> {
        self.write(move |connection| store::settle(connection, event, &settlement)).await.map(drop)
    }

    /// Deletes up to `limit` events from before this time that nobody waits for, and says how many there were.
    ///
    /// # Errors
    /// When nothing was deleted.
    pub(crate) async fn prune(&self, before_ms: i64, limit: u32) -> Result<usize, JournalError> {
        let changes = self.write(move |connection| store::prune(connection, before_ms, limit)).await?;
        Ok(changes.rows)
    }

    /// The oldest event of this user that is to be delivered, due or not: order counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn next_due(&self, user: &UserId) -> Result<Option<Pending>, JournalError> {
        let user = user.clone();
        self.read(move |connection| store::next_due(connection, &user)).await
    }

    /// Everyone who has something to be delivered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn users_with_pending(&self) -> Result<Vec<UserId>, JournalError> {
        self.read(store::users_with_pending).await
    }

    /// How many events wait to be delivered, for every user that has any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(crate) async fn count_pending(&self) -> Result<HashMap<UserId, i64>, JournalError> {
        self.read(store::count_pending).await
    }

    /// Writes something that changes nothing, and returns when it is on disk: whether events can be kept now.
    ///
    /// # Errors
    /// When it could not be written.
    pub(crate) async fn try_to_write(&self) -> Result<(), JournalError> {
        self.write(store::rewrite_version).await.map(drop)
    }

    /// Closes the database after everything that waits. What comes later is refused, and so comes again.
    pub(crate) async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.commands.send(Command::Close { answer }).await.is_ok() {
            let _ = answered.await;
        }
    }

    /// Changes whenever there is something new to deliver.
    pub(crate) fn growth(&self) -> watch::Receiver<u64> {
        self.grown.clone()
    }

    async fn write<F>(&self, write: F) -> Result<Changes, JournalError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<Changes> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let command = Command::Write { write: Box::new(write), answer };
        self.commands.send(command).await.map_err(|_| JournalError::Closed)?;
        answered.await.unwrap_or(Err(JournalError::Closed))
    }

    async fn read<T, F>(&self, read: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let command = Command::Read(Box::new(move |connection| {
            let _ = answer.send(read(connection)); // nobody has to wait for it
        }));
        self.commands.send(command).await.map_err(|_| JournalError::Closed)?;
        Ok(answered.await.map_err(|_| JournalError::Closed)??)
    }
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
