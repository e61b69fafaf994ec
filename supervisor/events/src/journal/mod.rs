//! The journal: every event on disk before its worker hears that we have it, for everyone who reads them later, and
//! with the note of who is still to be told.
//!
//! Owns the SQLite database. Never talks to a worker or a receiver: the users' tasks append, the delivery reads and
//! settles, and whoever follows events reads them from here and nowhere else, so that nothing is missed between what
//! was and what comes.
//!
//! ```text
//! user task ──append──▶ events + deliveries ──pending──▶ delivery ──settle──▶ done | pending again | dead
//!     ▲                        │ committed                                               ▲ replay │
//!     └── acknowledges ◀───────┴──▶ due queues, last row ──▶ whoever follows             └────────┘
//! ```
//!
//! An event that is told again (a worker repeats what was not acknowledged) is recognised by its key and is
//! not written a second time.
//!
//! **Invariant:** an append returns after the commit, and nobody sees an event before. **Invariant:** a queue is read
//! through an index of what waits in it; how much was ever delivered does not matter.

mod due;
mod entry;
mod error;
mod history;
mod id;
mod kind;
mod queries;
mod reading;
mod records;
mod samples;
mod schema;
mod status;
mod statuses;
mod store;
mod writer;

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use colmeia::UserId;
use colmeia::config::IgnoreConfig;
use colmeia::protocol::Event;
use colmeia_base::tasks;
use colmeia_host::database::{self, Jobs};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

pub use due::Due;
pub use error::JournalError;
pub use history::{HistoryPoint, KEPT_MS, UNSEEN};
pub use id::EventId;
pub use kind::Kind;
pub use records::{
    Cursor, DeadLetter, Head, Load, Page, Pending, Queue, Queues, Recorded, Settlement, URGED, Which,
};
pub use samples::{SAMPLES_KEPT_SECS, Sample};
pub use status::{StatusChange, StatusRecord};
pub use statuses::Statuses;

use entry::NewEntry;
use samples::Samples;
use store::{Changes, Ledger, NewRow};
use writer::{Subscribers, WriterCommand};

/// How many writes may wait for the thread; who comes later waits in line.
const QUEUE: usize = 1024;
/// How many events of a user who is forgotten one write deletes.
const FORGET_STEP: u32 = 1000;
/// The address of Flask's webhook, whatever its URL is.
pub const FLASK: &str = "";

/// Who is told of what.
pub trait Addressees: Debug + Send + Sync {
    /// To which addresses events of this kind of this user go. Asked at every append, so it must not wait; the same
    /// address twice is the same as once.
    fn of(&self, user: &UserId, kind: Kind) -> Vec<Arc<str>>;
    /// What the session's owner wants to find in each of its events.
    fn metadata(&self, user: &UserId) -> Option<Value>;
    /// Of which chats nobody is told anything; of none unless said otherwise. Asked at every append, so it must not wait.
    fn ignored(&self, _: &UserId) -> IgnoreConfig {
        IgnoreConfig::default()
    }
}

/// Nobody but Flask.
impl Addressees for () {
    fn of(&self, _: &UserId, _: Kind) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn metadata(&self, _: &UserId) -> Option<Value> {
        None
    }
}

/// A handle to the journal; cheap to clone. The database is closed when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Journal {
    commands: mpsc::Sender<WriterCommand>,
    /// Of the thread that reads, until it is closed.
    questions: Jobs<Option<Connection>>,
    addressees: Arc<dyn Addressees>,
    due: Due,
    last: watch::Receiver<i64>,
    number: u32,
    samples: Samples,
}

impl Journal {
    /// Opens or makes the database and starts its threads.
    ///
    /// # Errors
    /// [`JournalError`] says what is wrong with the file.
    pub fn open(path: &Path, addressees: Arc<dyn Addressees>) -> Result<Self, JournalError> {
        let connection = schema::open(path)?;
        // A disk that is full now must not keep the service from starting: what nobody saw is then told as it was before.
        if let Err(error) = history::open(&connection, now_ms()) {
            tracing::warn!(%error, "it is not noted since when nobody saw the sessions");
        }
        let reader = schema::open_reader(path)?;
        let (number, ledger) = (queries::number(&connection)?, Ledger::read(&connection)?);
        let samples = ledger.samples.clone();
        let (commands, queue) = mpsc::channel(QUEUE);
        let (last, followed) = watch::channel(queries::last(&connection)?);
        let due = Due::default();
        let folder = path.parent().unwrap_or(path).to_owned();
        let told = Subscribers { due: due.clone(), last, folder };
        let no_thread = |source: io::Error| JournalError::File { path: path.into(), source: source.into() };
        tasks::vital_thread("journal", move || writer::write(connection, ledger, queue, &told))
            .map_err(no_thread)?;
        let questions = database::thread("journal-reader", path, Some(reader)).map_err(no_thread)?;
        Ok(Self { commands, questions, addressees, due, last: followed, number, samples })
    }

    /// Adds events of a user, with the worker's numbers, and returns when they are on disk. What is known
    /// already is not added again, and what is ignored is not added at all: what nobody is told is kept nowhere.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn append(&self, user: &UserId, events: Vec<(u64, Event)>) -> Result<(), JournalError> {
        let mut known: HashMap<Kind, Vec<Arc<str>>> = HashMap::new();
        let mut rows = Vec::with_capacity(events.len() * 2);
        let ignored = self.addressees.ignored(user);
        for (_, event) in events.iter().filter(|(_, event)| !ignored.drops(event)) {
            for entry in NewEntry::of(event)? {
                let of_kind = known.entry(entry.kind).or_insert_with(|| self.addressees.of(user, entry.kind));
                let mut addresses = of_kind.clone();
                if entry.flask {
                    addresses.push(Arc::from(FLASK));
                }
                rows.push(NewRow { entry, addresses });
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let (user, now) = (user.clone(), now_ms());
        self.write(move |connection, ledger| store::append(connection, ledger, &user, &rows, now))
            .await
            .map(drop)
    }

    /// Adds what was said of sessions, unless it is what was said last (and is not said again on purpose), and returns
    /// when it is on disk.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn append_statuses(&self, changes: Vec<(UserId, StatusChange)>) -> Result<(), JournalError> {
        let addressed: Vec<_> = changes
            .into_iter()
            .map(|(user, change)| (self.addressees.of(&user, Kind::SessionStatus), user, change))
            .collect();
        let now = now_ms();
        self.write(move |connection, ledger| {
            let mut all = Changes::default();
            for (addresses, user, change) in &addressed {
                let done = store::append_status(connection, ledger, user, change, addresses, now)?;
                all.rows += done.rows;
                all.last = done.last.or(all.last);
                all.queues.extend(done.queues);
            }
            Ok(all)
        })
        .await
        .map(drop)
    }

    /// Writes down how an attempt to deliver ended.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn settle(&self, event: i64, queue: i64, settlement: Settlement) -> Result<(), JournalError> {
        let now = now_ms();
        self.write(move |connection, _| store::settle(connection, event, queue, &settlement, now))
            .await
            .map(drop)
    }

    /// Makes dead letters pending again, and says how many there were.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn replay(&self, which: Which) -> Result<usize, JournalError> {
        let now = now_ms();
        Ok(self.write(move |connection, _| store::replay(connection, &which, now)).await?.rows)
    }

    /// Has the event whose turn it is tried now, in each of these queues that has one, and says how many there were.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn urge(&self, queues: Queues) -> Result<usize, JournalError> {
        Ok(self.write(move |connection, _| store::urge(connection, &queues)).await?.rows)
    }

    /// Makes a dead letter of an event that waits in this queue, if it is its turn, and says whether it was.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn discard(&self, event: i64, queue: i64, error: String) -> Result<bool, JournalError> {
        let now = now_ms();
        let discard = move |connection: &Connection, _: &mut Ledger| {
            store::discard(connection, event, queue, &error, now)
        };
        Ok(self.write(discard).await?.rows > 0)
    }

    /// Deletes up to `limit` events from before this time that nobody waits for, and says how many there were.
    ///
    /// # Errors
    /// When nothing was deleted.
    pub async fn prune(&self, before_ms: i64, limit: u32) -> Result<usize, JournalError> {
        Ok(self.write(move |connection, _| store::prune(connection, before_ms, limit, true)).await?.rows)
    }

    /// Deletes up to `limit` of the oldest events that nobody waits for, while the journal takes more than this many
    /// bytes. Dead letters stay.
    ///
    /// # Errors
    /// When nothing was deleted.
    pub async fn make_room(&self, most_bytes: u64, limit: u32) -> Result<usize, JournalError> {
        if self.read(queries::used_bytes).await? <= most_bytes {
            return Ok(0);
        }
        Ok(self.write(move |connection, _| store::prune(connection, i64::MAX, limit, false)).await?.rows)
    }

    /// Forgets those of these queues in which nothing is, and says how many there were.
    ///
    /// # Errors
    /// When none was forgotten.
    pub async fn forget_queues(&self, queues: Vec<i64>) -> Result<usize, JournalError> {
        let step = move |connection: &Connection, ledger: &mut Ledger| {
            store::forget_queues(connection, ledger, &queues)
        };
        Ok(self.write(step).await?.rows)
    }

    /// Forgets a user: every event that is there now, whoever waits for it, and what was last said of the session.
    /// What comes while this runs stays. A step at a time, so that others' writes do not wait for long; a call after
    /// a failure goes on.
    ///
    /// # Errors
    /// When not everything was deleted.
    pub async fn forget(&self, user: &UserId) -> Result<(), JournalError> {
        // Asked of the writer, so that what was given to it before is there.
        let newest = |connection: &Connection, _: &mut Ledger| {
            Ok(Changes { last: Some(queries::last(connection)?), ..Changes::default() })
        };
        let newest = self.write(newest).await?.last.unwrap_or_default();
        loop {
            let user = user.clone();
            let step = move |connection: &Connection, ledger: &mut Ledger| {
                store::forget(connection, ledger, &user, newest, FORGET_STEP)
            };
            if self.write(step).await?.rows == 0 {
                return Ok(());
            }
        }
    }

    /// Whether this event still waits to be delivered to this queue.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn waits(&self, event: i64, queue: i64) -> Result<bool, JournalError> {
        self.read(move |connection| queries::waits(connection, event, queue)).await
    }

    /// What the session's owner wants to find in each of its events.
    pub fn metadata(&self, user: &UserId) -> Option<Value> {
        self.addressees.metadata(user)
    }

    /// The row of an event of this journal.
    pub fn row(&self, id: EventId) -> Option<i64> {
        id.row_in(self.number)
    }

    /// Writes something that changes nothing, and returns when it is on disk: whether events can be kept now.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn try_to_write(&self) -> Result<(), JournalError> {
        self.write(|connection, _| store::rewrite_version(connection)).await.map(drop)
    }

    /// Closes the database after everything that waits. What comes later is refused, and so comes again.
    pub async fn close(&self) {
        // The writer last: its close folds the log into the file.
        let _ = database::run(&self.questions, |reader| reader.take().map(writer::close)).await;
        let (answer, answered) = oneshot::channel();
        if self.commands.send(WriterCommand::Close { answer }).await.is_ok() {
            let _ = answered.await;
        }
    }

    /// The queues that have something new.
    pub fn due(&self) -> Due {
        self.due.clone()
    }

    /// The row of the newest event; changes after each commit that has one.
    pub fn last(&self) -> watch::Receiver<i64> {
        self.last.clone()
    }

    async fn write<F>(&self, write: F) -> Result<Changes, JournalError>
    where
        F: FnOnce(&Connection, &mut Ledger) -> rusqlite::Result<Changes> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let command = WriterCommand::Write { write: Box::new(write), answer };
        self.commands.send(command).await.map_err(|_| JournalError::Closed)?;
        answered.await.unwrap_or(Err(JournalError::Closed))
    }

    async fn read<T, F>(&self, read: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let answer = database::run(&self.questions, move |reader| reader.as_ref().map(read)).await;
        Ok(answer.ok().flatten().ok_or(JournalError::Closed)??)
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
