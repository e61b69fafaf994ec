//! The journal's thread that writes. Another one reads, and nobody else touches the database.
//!
//! Owns the transactions. Everything that waits when a write comes up is committed with it, so that a hundred users who
//! write at once cost one flush of the disk and not a hundred. Reads see every write that was answered before them, and
//! hold up none.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::store::{Changes, Ledger};
use super::{Due, JournalError, history};

/// The most writes in one transaction; bounds how long the first one waits for the rest.
const BATCH: usize = 256;

/// A write, run inside a transaction; it may run only once.
pub(super) type Write = Box<dyn FnOnce(&Connection, &mut Ledger) -> rusqlite::Result<Changes> + Send>;

/// What the writing thread is asked.
pub(super) enum WriterCommand {
    /// Answered when it is on disk.
    Write { write: Write, answer: oneshot::Sender<Result<Changes, JournalError>> },
    /// The end; answered when the database is closed.
    Close { answer: oneshot::Sender<()> },
}

/// Whom the writer tells after a commit.
pub(super) struct Subscribers {
    pub(super) due: Due,
    pub(super) last: watch::Sender<i64>,
    /// Where the journal lies.
    pub(super) folder: PathBuf,
}

/// Writes until it is closed or the last journal handle is dropped.
pub(super) fn write(
    mut connection: Connection,
    mut ledger: Ledger,
    mut commands: mpsc::Receiver<WriterCommand>,
    told: &Subscribers,
) {
    while let Some(first) = commands.blocking_recv() {
        let mut writes = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                WriterCommand::Write { write, answer } => writes.push((write, answer)),
                WriterCommand::Close { answer } => {
                    closing = Some(answer);
                    break;
                }
            }
            next = if writes.len() < BATCH { commands.try_recv().ok() } else { None };
        }
        if !writes.is_empty() {
            colmeia_base::tasks::trip(&told.folder, "journal");
            commit(&mut connection, &mut ledger, writes, told);
        }
        if let Some(answer) = closing {
            if let Err(error) = history::close(&connection) {
                tracing::warn!(%error, "the next supervisor will not know until when this one was there");
            }
            close(connection);
            let _ = answer.send(()); // who no longer waits has lost nothing
            return;
        }
    }
}

pub(super) fn close(connection: Connection) {
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the journal was not closed cleanly");
    }
}

type Waiting = (Write, oneshot::Sender<Result<Changes, JournalError>>);

/// All or nothing: whoever waits is told the same.
fn commit(connection: &mut Connection, ledger: &mut Ledger, writes: Vec<Waiting>, told: &Subscribers) {
    let (writes, answers): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
    match apply(connection, ledger, writes) {
        Ok(changes) => {
            if let Some(last) = changes.iter().filter_map(|changes| changes.last).max() {
                told.last.send_replace(last);
            }
            let queues: BTreeSet<i64> = changes.iter().flat_map(|changes| &changes.queues).copied().collect();
            told.due.add(&queues);
            for (answer, changes) in answers.into_iter().zip(changes) {
                let _ = answer.send(Ok(changes)); // who no longer waits has lost nothing
            }
        }
        Err(error) => {
            ledger.forget();
            let error = JournalError::from(error);
            for answer in answers {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}

fn apply(
    connection: &mut Connection,
    ledger: &mut Ledger,
    writes: Vec<Write>,
) -> rusqlite::Result<Vec<Changes>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changes =
        writes.into_iter().map(|write| write(&transaction, ledger)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(changes)
}
