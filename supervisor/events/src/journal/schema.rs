//! Opens the database and brings its schema up to date.
//!
//! Owns the tables, the migrations and the pragmas; never reads or writes a row of them.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::JournalError;
use colmeia_host::database::{self, NotOpened};
use colmeia_host::migrations::{self, NotMigrated};

/// One script per schema version: the first makes version 1 out of an empty file, and so on. A script that was
/// released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// Databases up to this size are checked at every start; reading a larger one would delay the service.
const QUICK_CHECK_BYTES: i64 = 64 * 1024 * 1024;

/// Opens or makes the database. Only its owner may read it: it holds messages.
pub(super) fn open(path: &Path) -> Result<Connection, JournalError> {
    let mut connection = database::open(path).map_err(|error| match error {
        NotOpened::File(source) => JournalError::File { path: path.into(), source: source.into() },
        NotOpened::Database(source) => JournalError::Open { path: path.into(), source: source.into() },
    })?;
    connection.pragma_update(None, "foreign_keys", "on")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    check(&connection, path)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// A second connection, which writes nothing: in WAL a reader and the writer never wait for each other.
pub(super) fn open_reader(path: &Path) -> Result<Connection, JournalError> {
    let open = || {
        let connection = database::connect(path)?;
        connection.pragma_update(None, "query_only", "on")?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // SQLite opens the log at the first read. It is open from now on: later there may be no descriptor for it.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|source| JournalError::Open { path: path.into(), source: Arc::new(source) })
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
    migrations::run(connection, MIGRATIONS).map_err(|error| match error {
        NotMigrated::Newer { found, known } => JournalError::Newer { found, known },
        NotMigrated::Failed(error) => error.into(),
    })
}

/// A new database as an earlier version left it.
#[cfg(test)]
pub(super) fn open_at(path: &Path, version: usize) -> Connection {
    let connection = Connection::open(path).expect("made");
    MIGRATIONS[..version].iter().for_each(|script| connection.execute_batch(script).expect("valid"));
    connection.pragma_update(None, "user_version", i64::try_from(version).expect("small")).expect("set");
    connection
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
            assert_eq!(version, 4);
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
        assert!(matches!(open(&path), Err(JournalError::Newer { found: 99, known: 4 })));
    }

    /// What the first release wrote: delivered, pending and dead messages, an own one, an acknowledgement.
    #[test]
    fn a_journal_of_the_first_release_still_opens() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        let old = Connection::open(&path).expect("made");
        old.execute_batch(include_str!("schema/first-release.sql")).expect("filled");
        drop(old);
        let connection = open(&path).expect("opens");
        let rows = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).expect("valid");
            let rows = statement.query_map([], |row| row.get(0)).expect("runs");
            rows.collect::<Result<_, _>>().expect("text")
        };
        assert_eq!(
            rows("SELECT id || ' ' || user || ' ' || kind FROM events ORDER BY id"),
            [
                "1 1 message",
                "2 1 message",
                "3 1 message.any",
                "4 1 message.ack",
                "5 1 message",
                "6 2 message",
                "7 2 notice"
            ]
        );
        assert_eq!(
            rows(
                "SELECT q.user || ' [' || q.address || '] ' || d.event_id || ' ' || d.state || ' ' || d.attempts
                 FROM deliveries d JOIN queues q ON q.id = d.queue_id ORDER BY d.event_id"
            ),
            ["1 [] 2 pending 3", "1 [] 5 dead 20", "2 [] 6 pending 0"]
        );
        let broken: i64 = connection
            .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
            .expect("runs");
        assert_eq!(broken, 0);
    }
}
