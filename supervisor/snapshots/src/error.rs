//! [`SnapshotError`]: why there is no backup, or nothing to restore, each with a sentence that says what to do.
//!
//! Owns the words. No error says anything of a key, or of what stands in a session's files.

use std::io;
use std::path::PathBuf;

use colmeia::UserId;

use crate::source::SourceError;
use crate::target::TargetError;

/// Why it did not work. Nothing was put in place, and what was there before is still there.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The target, or the way to it.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The session's files.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The target has another key.
    #[error(
        "the backups there were made with another key; give that key's file, or another folder or prefix"
    )]
    WrongKey,
    /// There are no backups.
    #[error("there are no backups at this place")]
    NoBackups,
    /// The format is one that we do not know.
    #[error(
        "the backups there have format {0}, which this version does not know; use the Colmeia that made them, or a newer one"
    )]
    Newer(u32),
    /// Conditional writes are ignored.
    #[error(
        "the store there ignores conditional writes (If-None-Match), so an old state could replace a newer one; use another store"
    )]
    Unconditional,
    /// Nothing of this user.
    #[error("there is no backup of user {0} at this place")]
    NoBackup(UserId),
    /// Not this one of the user's.
    #[error(
        "there is no backup number {number} of user {user}; `colmeiactl backups` shows those that are there"
    )]
    NoSuchNumber {
        /// Whose.
        user: UserId,
        /// Which.
        number: u64,
    },
    /// Something is gone.
    #[error(
        "the backup is not whole: {0} is missing at the target; nothing was put in place, take another backup (--number)"
    )]
    Missing(String),
    /// Something is not what was written.
    #[error(
        "the backup was altered or damaged: {0} is not what was written; nothing was put in place, take another backup (--number)"
    )]
    Altered(String),
    /// The manifest is somebody else's.
    #[error(
        "the backup that lies there as that of user {wanted} is one of another user; nothing was put in place"
    )]
    AnotherUsers {
        /// Whose was asked for.
        wanted: UserId,
    },
    /// The browser is too old for it.
    #[error(
        "the backup is of browser {needs} and this machine has {has}: an older browser empties the databases of a newer one; update the browser, then restore"
    )]
    OlderBrowser {
        /// The backup's.
        needs: String,
        /// Ours.
        has: String,
    },
    /// Nobody knows how old ours is.
    #[error(
        "this machine's browser does not say its version, so nobody can say whether it can use the backup; see `colmeiactl doctor`"
    )]
    UnknownBrowser,
    /// Somebody else wrote one meanwhile.
    #[error(
        "another backup of user {0} was made at the same time, and that one counts; run it again if yours is the session"
    )]
    Stale(UserId),
    /// The session's configuration is one that we do not understand. Where, and not what stands there: it may be a password.
    #[error(
        "the session's configuration in the backup cannot be used here (line {line}, column {column}); Colmeia {colmeia} made it, and this is {}",
        env!("CARGO_PKG_VERSION")
    )]
    Settings {
        /// Who made it.
        colmeia: String,
        /// Where it is wrong.
        line: usize,
        /// And there.
        column: usize,
    },
    /// No room for what is to be restored.
    #[error(
        "the disk has too little room: {bytes} bytes are needed, and 256 MiB beside them; make room, then restore"
    )]
    NoRoom {
        /// How many.
        bytes: u64,
    },
    /// Our own disk.
    #[error("cannot write {}", path.display())]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system has nothing to encrypt with.
    #[error("cannot encrypt")]
    Sealing(#[source] io::Error),
}
