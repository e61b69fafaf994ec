//! The ground of one host: SQLite in a file of ours, and no server.
//!
//! Owns the file and the one thread that touches it. An answer comes after the commit. Never shared between hosts: a file
//! on a network drive is no ground.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use colmeia_base::tasks;
use colmeia_host::database::{self, Jobs};
use colmeia_host::migrations::{self, NotMigrated};
use futures::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::{mpsc, watch};

use super::{Appended, Entry, Ground, GroundError, Last, Sequence, WAITING, Watch, Watched};
use crate::names::Key;
use crate::records::Revision;

/// How many changes are read at once for who watches.
const PAGE: u32 = 128;

/// How long to wait when the file could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// One script per schema version. A script that was released is never changed.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        key TEXT PRIMARY KEY,
        revision INTEGER NOT NULL UNIQUE,
        value BLOB NOT NULL
    ) STRICT;
    CREATE TABLE logs (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        log TEXT NOT NULL,
        id TEXT NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (log, id)
    ) STRICT;
    CREATE INDEX logs_by_log ON logs (log, sequence);
"];

/// What the thread has.
struct File {
    connection: Connection,
    newest: watch::Sender<i64>,
}

/// A handle to the ground; cheap to clone.
#[derive(Debug, Clone)]
pub struct Embedded {
    jobs: Jobs<File>,
    newest: watch::Receiver<i64>,
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> GroundError {
    GroundError::Unreachable(Box::new(error))
}

impl Embedded {
    /// Opens or makes the database and starts its thread.
    ///
    /// # Errors
    /// [`GroundError`] says what is wrong with the file.
    pub fn open(path: &Path) -> Result<Self, GroundError> {
        let mut connection = database::open(path).map_err(failed)?;
        migrations::run(&mut connection, MIGRATIONS).map_err(|error| match error {
            NotMigrated::Newer { found, known } => GroundError::Rejected(format!(
                "the cluster's database has schema {found}; this version knows {known}"
            )),
            NotMigrated::Failed(error) => failed(error),
        })?;
        let (newest, told) = watch::channel(newest(&connection).map_err(failed)?);
        let file = File { connection, newest };
        let jobs = database::thread("cluster-ground", path, file).map_err(failed)?;
        Ok(Self { jobs, newest: told })
    }

    async fn run<T, F>(&self, work: F) -> Result<T, GroundError>
    where
        T: Send + 'static,
        F: FnOnce(&mut File) -> Result<T, GroundError> + Send + 'static,
    {
        database::run(&self.jobs, work).await.map_err(failed)?
    }

    /// Writes a record that is at this revision, or that is not there.
    async fn write(
        &self,
        key: &Key,
        expected: Option<Revision>,
        value: Bytes,
    ) -> Result<Revision, GroundError> {
        let key = key.clone();
        self.run(move |file| {
            let written = write(&mut file.connection, &key, expected, &value)?;
            file.newest.send_replace(written);
            Ok(Revision(written.cast_unsigned()))
        })
        .await
    }
}

/// The newest change. Records are never removed, so none is used twice.
fn newest(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(revision), 0) FROM records", [], |row| row.get(0))
}

fn write(
    connection: &mut Connection,
    key: &Key,
    expected: Option<Revision>,
    value: &[u8],
) -> Result<i64, GroundError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let sql = "SELECT revision FROM records WHERE key = ?1";
    let found: Option<i64> =
        transaction.query_row(sql, [key.as_str()], |row| row.get(0)).optional().map_err(failed)?;
    match (found, expected) {
        (Some(_), None) => return Err(GroundError::Exists),
        (found, Some(expected)) if found.map(i64::cast_unsigned) != Some(expected.0) => {
            return Err(GroundError::Stale);
        }
        _ => {}
    }
    let revision = newest(&transaction).map_err(failed)? + 1;
    let sql = "INSERT OR REPLACE INTO records (key, revision, value) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![key.as_str(), revision, value]).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(revision)
}

/// A row with key, revision and value; a key that we could not have written is an error of the file.
fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let (key, revision, value): (String, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let key = key.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Entry { key, revision: Revision(revision.cast_unsigned()), value: value.into() })
}

fn changes(connection: &Connection, first: Option<&Key>, after: i64) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT key, revision, value FROM records
        WHERE revision > ?1 AND (?2 IS NULL OR substr(key, 1, length(?2) + 1) = ?2 || '.')
        ORDER BY revision LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![after, first.map(Key::as_str), PAGE], entry)?.collect()
}

fn append(
    connection: &mut Connection,
    log: &Key,
    id: &str,
    expected: Sequence,
    value: &[u8],
) -> Result<Appended, GroundError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let sql = "SELECT sequence FROM logs WHERE log = ?1 AND id = ?2";
    let found: Option<i64> =
        transaction.query_row(sql, [log.as_str(), id], |row| row.get(0)).optional().map_err(failed)?;
    if let Some(found) = found {
        return Ok(Appended { sequence: Sequence(found.cast_unsigned()), is_repeated: true });
    }
    let sql = "SELECT coalesce(max(sequence), 0) FROM logs WHERE log = ?1";
    let last: i64 = transaction.query_row(sql, [log.as_str()], |row| row.get(0)).map_err(failed)?;
    if last.cast_unsigned() != expected.0 {
        return Err(GroundError::Stale);
    }
    let sql = "INSERT INTO logs (log, id, value) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![log.as_str(), id, value]).map_err(failed)?;
    let sequence = Sequence(transaction.last_insert_rowid().cast_unsigned());
    transaction.commit().map_err(failed)?;
    Ok(Appended { sequence, is_repeated: false })
}

/// Tells what has changed since, again and again. Ends with the ground, or when nobody listens.
async fn tell(ground: Embedded, first: Option<Key>, changes_told: mpsc::Sender<Watched>) {
    let mut newest = ground.newest.clone();
    let (mut after, mut is_listed) = (0, false);
    loop {
        newest.mark_unchanged();
        let wanted = first.clone();
        let found = ground.run(move |file| changes(&file.connection, wanted.as_ref(), after).map_err(failed));
        let Ok(found) = found.await else {
            if ground.jobs.is_closed() || changes_told.send(Watched::Lost).await.is_err() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let is_all = found.len() < PAGE as usize;
        for entry in found {
            after = entry.revision.0.cast_signed();
            if changes_told.send(Watched::Changed(entry)).await.is_err() {
                return;
            }
        }
        if !is_all {
            continue;
        }
        if !std::mem::replace(&mut is_listed, true) && changes_told.send(Watched::Listed).await.is_err() {
            return;
        }
        if newest.changed().await.is_err() {
            return;
        }
    }
}

impl Ground for Embedded {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, GroundError>> {
        let key = key.clone();
        Box::pin(self.run(move |file| {
            let sql = "SELECT key, revision, value FROM records WHERE key = ?1";
            file.connection.query_row(sql, [key.as_str()], entry).optional().map_err(failed)
        }))
    }

    fn create<'a>(&'a self, key: &'a Key, value: Bytes) -> BoxFuture<'a, Result<Revision, GroundError>> {
        Box::pin(self.write(key, None, value))
    }

    fn compare_and_set<'a>(
        &'a self,
        key: &'a Key,
        expected: Revision,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Revision, GroundError>> {
        Box::pin(self.write(key, Some(expected), value))
    }

    fn watch<'a>(&'a self, first: Option<&'a Key>) -> BoxFuture<'a, Result<Watch, GroundError>> {
        let (told, changes) = mpsc::channel(WAITING);
        let task = tasks::passing("cluster-watch", tell(self.clone(), first.cloned(), told));
        Box::pin(async move { Ok(Watch { changes, task }) })
    }

    fn append<'a>(
        &'a self,
        log: &'a Key,
        id: &'a str,
        expected: Sequence,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Appended, GroundError>> {
        let (log, id) = (log.clone(), id.to_owned());
        Box::pin(self.run(move |file| append(&mut file.connection, &log, &id, expected, &value)))
    }

    fn last<'a>(&'a self, log: &'a Key) -> BoxFuture<'a, Result<Option<Last>, GroundError>> {
        let log = log.clone();
        Box::pin(self.run(move |file| {
            let sql = "SELECT sequence, id, value FROM logs WHERE log = ?1 ORDER BY sequence DESC LIMIT 1";
            let last = |row: &rusqlite::Row<'_>| {
                let (sequence, id, value): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Last { sequence: Sequence(sequence.cast_unsigned()), id, value: value.into() })
            };
            file.connection.query_row(sql, [log.as_str()], last).optional().map_err(failed)
        }))
    }
}
