//! A database of ours: how it is opened, and the one thread that touches it.
//!
//! Owns what all of them have in common: only we may read the file, a commit is on the disk when it returns, and an answer
//! comes after it. Tables and [`migrations`](crate::migrations) are each database's own.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use colmeia_base::tasks;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use crate::private;

/// As SQLite opens by itself, and no link on the way is followed.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_CREATE)
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW);

/// How long a lock of somebody else's is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests may wait for a thread; who comes later waits in line.
const QUEUE: usize = 1024;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The file cannot be made, or is not ours alone.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It is no database, or another process keeps it locked.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Opens or makes a database. Readers never wait (WAL), and a commit has reached the disk when it returns (FULL).
///
/// # Errors
/// [`NotOpened`].
pub fn open(path: &Path) -> Result<Connection, NotOpened> {
    private::open(path, OpenOptions::new().create(true).truncate(false).write(true))?;
    let connection = connect(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// A further connection to a database that is open.
///
/// # Errors
/// What SQLite says.
pub fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// What the thread is asked; it is given what it holds.
pub type Job<S> = Box<dyn FnOnce(&mut S) + Send>;
/// The way to a thread, which ends when nobody has one any more.
pub type Jobs<S> = mpsc::Sender<Job<S>>;

/// Begins the one thread that touches this database, and that holds this.
///
/// # Errors
/// When the system gives no thread.
pub fn thread<S: Send + 'static>(name: &'static str, path: &Path, mut held: S) -> io::Result<Jobs<S>> {
    let (jobs, mut queue) = mpsc::channel::<Job<S>>(QUEUE);
    let folder = path.parent().unwrap_or(path).to_owned();
    tasks::vital_thread(name, move || {
        while let Some(job) = queue.blocking_recv() {
            tasks::trip(&folder, name);
            job(&mut held);
        }
    })?;
    Ok(jobs)
}

/// The database's thread has ended.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the database is closed")]
pub struct Closed;

/// Has the thread do this, and says what came of it.
///
/// # Errors
/// [`Closed`]; whether it was done is not known then.
pub async fn run<S, T: Send + 'static>(
    jobs: &Jobs<S>,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<T, Closed> {
    let (answer, answered) = oneshot::channel();
    let job: Job<S> = Box::new(move |held| {
        let _ = answer.send(work(held)); // who no longer waits has lost nothing
    });
    jobs.send(job).await.map_err(|_| Closed)?;
    answered.await.map_err(|_| Closed)
}
