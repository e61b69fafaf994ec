//! The journal's thread: the only one that touches the database.
//!
//! Owns the connection and the transactions. Everything that waits when a write comes up is committed with
//! it, so that a hundred users who write at once cost one flush of the disk and not a hundred.

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::JournalError;
use super::store::Changes;

/// The most writes in one transaction; bounds how long the first one waits for the rest.
const BATCH: usize = 256;

/// A write, run inside a transaction; it may run only once.
pub(super) type Write = Box<dyn FnOnce(&Connection) -> rusqlite::Result<Changes> + Send>;
/// A read, which answers for itself.
pub(super) type Read = Box<dyn FnOnce(&Connection) + Send>;

/// What the thread is asked.
pub(super) enum Command {
    /// Answered when it is on disk.
    Write { write: Write, answer: oneshot::Sender<Result<Changes, JournalError>> },
    /// Sees every write that was answered before.
    Read(Read),
    /// The end; answered when the database is closed.
    Close { answer: oneshot::Sender<()> },
}

/// Serves until it is closed or the last journal handle is dropped. `grown` is bumped when there is something to deliver.
pub(super) fn run(
    mut connection: Connection,
    mut commands: mpsc::Receiver<Command>,
    grown: &watch::Sender<u64>,
) {
    while let Some(first) = commands.blocking_recv() {
        let mut writes = Vec::new();
        let mut reads = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Write { write, answer } => writes.push((write, answer)),
                Command::Read(read) => reads.push(read),
                Command::Close { answer } => {
                    closing = Some(answer);
                    break;
                }
            }
            next = if writes.len() + reads.len() < BATCH { commands.try_recv().ok() } else { None };
        }
        if !writes.is_empty() {
            commit(&mut connection, writes, grown);
        }
        for read in reads {
            read(&connection);
        }
        if let Some(answer) = closing {
            if let Err((_, error)) = connection.close() {
                tracing::warn!(%error, "the journal was not closed cleanly");
            }
            let _ = answer.send(());
            return;
        }
    }
}

type Waiting = (Write, oneshot::Sender<Result<Changes, JournalError>>);

/// All or nothing: whoever waits is told the same.
fn commit(connection: &mut Connection, writes: Vec<Waiting>, grown: &watch::Sender<u64>) {
    let (writes, answers): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
    match apply(connection, writes) {
        Ok(changes) => {
            if changes.iter().any(|changes| changes.due > 0) {
                grown.send_modify(|times| *times = times.wrapping_add(1));
            }
            for (answer, changes) in answers.into_iter().zip(changes) {
                let _ = answer.send(Ok(changes)); // who no longer waits has lost nothing
            }
        }
        Err(error) => {
            let error = JournalError::from(error);
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}

fn apply(connection: &mut Connection, writes: Vec<Write>) -> rusqlite::Result<Vec<Changes>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changes = writes.into_iter().map(|write| write(&transaction)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(changes)
}
