//! [`JournalError`]: what can go wrong with the journal, in words that say what to do.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the journal could not be opened, written or read.
///
/// It is cheap to clone, because one failed commit is the failure of everyone who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// The file could not be made or opened.
    #[error("the journal {path} cannot be opened")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// The file is no database, or another process keeps it locked.
    #[error("the journal {path} cannot be used")]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The check at the start found damage.
    #[error(
        "the journal {path} is damaged ({finding}); restore it from a copy, or move it away to begin with an empty one"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The first finding.
        finding: String,
    },
    /// It was written by a newer version.
    #[error(
        "the journal has schema {found}, this version knows up to {known}: it was written by a newer one"
    )]
    Newer {
        /// The schema that was found.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// No room; nothing was written.
    #[error("the disk that holds the journal is full")]
    DiskFull,
    /// SQLite refused; nothing was written.
    #[error("the journal could not be written or read")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// An event has no JSON form.
    #[error("an event could not be encoded")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The journal's thread has ended.
    #[error("the journal is closed")]
    Closed,
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Sqlite(Arc::new(error)),
        }
    }
}
