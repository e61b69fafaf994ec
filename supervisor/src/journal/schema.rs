//! Opens the database and brings its schema up to date.
//!
//! Owns the tables, the migrations and the pragmas; never reads or writes a row of them.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::JournalError;

/// One script per schema version: the first makes version 1 out of an empty file, and so on. A script that was
/// released is never changed.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user TEXT NOT NULL,
        key TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        UNIQUE (user, key)
    ) STRICT;
    CREATE INDEX events_by_age ON events (created_ms);

    CREATE TABLE deliveries (
        event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
        user TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'dead')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_ms INTEGER NOT NULL DEFAULT 0,
        last_error TEXT
    ) STRICT;
    CREATE INDEX deliveries_pending ON deliveries (user, event_id) WHERE state = 'pending';
"];

/// Databases up to this size are checked at every start; reading a larger one would delay the service.
const QUICK_CHECK_BYTES: i64 = 64 * 1024 * 1024;

/// Opens or makes the database. Only its owner may read it: it holds messages.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| JournalError::File { path: path.into(), source: Arc::new(source) })?;
    let unusable = |source| JournalError::Open { path: path.into(), source: Arc::new(source) };
    let mut connection = Connection::open(path).map_err(unusable)?;
    prepare(&connection).map_err(unusable)?;
    check(&connection, path)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// WAL with FULL: a commit has reached the disk when it returns, and readers never wait.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "temp_store", "memory")
}

fn check(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if number("page_count")?.saturating_mul(number("page_size")?) > QUICK_CHECK_BYTES {
        return Ok(());
    }
    let damaged = |finding| JournalError::Damaged { path: path.into(), finding };
    let finding = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .map_err(|error| damaged(error.to_string()))?;
    if finding == "ok" { Ok(()) } else { Err(damaged(finding)) }
}

fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX); // never taken: a handful of scripts
    let Some(todo) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..)) else {
        return Err(JournalError::Newer { found, known });
    };
    if todo.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for script in todo {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_and_a_second_start_changes_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        for _ in 0..2 {
            let connection = open(&path).expect("opens");
            let version: i64 =
                connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("version");
            assert_eq!(version, 1);
        }
        assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_journal_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        std::fs::write(&path, b"this was never a database, whatever its name says").expect("written");
        assert!(open(&path).expect_err("no database").to_string().contains("colmeia.db"));
        let missing = folder.path().join("no-such-folder/colmeia.db");
        assert!(matches!(open(&missing), Err(JournalError::File { .. })));
    }

    #[test]
    fn a_newer_schema_is_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        open(&path).expect("made").pragma_update(None, "user_version", 99).expect("set");
        assert!(matches!(open(&path), Err(JournalError::Newer { found: 99, known: 1 })));
    }
}
