//! Brings the schema of a database of ours up to date. Owns the counting of versions; the scripts are each database's own.

use rusqlite::Connection;

/// Why a database cannot be used with these scripts.
#[derive(Debug, thiserror::Error)]
pub enum NotMigrated {
    /// It was made by a newer version.
    #[error("it has schema {found}; this version knows {known}")]
    Newer {
        /// The schema's number in the file.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A script, or looking for the number, failed. Nothing has changed.
    #[error(transparent)]
    Failed(#[from] rusqlite::Error),
}

/// Runs the scripts that this database has not seen, all or none: the first makes version 1 out of an empty file, and so
/// on. A script that was released is never changed.
///
/// # Errors
/// [`NotMigrated`]; nothing has changed then.
pub fn run(connection: &mut Connection, scripts: &[&str]) -> Result<(), NotMigrated> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(scripts.len()).unwrap_or(i64::MAX); // never taken: a handful of scripts
    let Some(todo) = usize::try_from(found).ok().and_then(|found| scripts.get(found..)) else {
        return Err(NotMigrated::Newer { found, known });
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
