//! Opens the database and brings its schema up to date. Owns the tables; never reads or writes a row of them.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use colmeia_host::database::{self, NotOpened};
use colmeia_host::migrations::{self, NotMigrated};

/// One script per schema version. A script that was released is never changed.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
        grants TEXT NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sessions (
        user TEXT PRIMARY KEY,
        settings TEXT NOT NULL
    ) STRICT;
    CREATE TABLE answers (
        user TEXT NOT NULL,
        key TEXT NOT NULL,
        request BLOB NOT NULL,
        created_ms INTEGER NOT NULL,
        status INTEGER,
        body BLOB,
        PRIMARY KEY (user, key)
    ) STRICT;
    CREATE INDEX answers_by_age ON answers (created_ms);
"];

/// Opens or makes the database. Only its owner may read it: it holds proxies' passwords and webhooks' keys.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = database::open(path).map_err(|error| match error {
        NotOpened::File(source) => StoreError::File { path: path.into(), source },
        NotOpened::Database(error) => error.into(),
    })?;
    migrations::run(&mut connection, MIGRATIONS).map_err(|error| match error {
        NotMigrated::Newer { found, known } => StoreError::Newer { found, known },
        NotMigrated::Failed(error) => error.into(),
    })?;
    Ok(connection)
}
