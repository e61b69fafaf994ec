//! Why nothing was backed up or restored. Owns the words, with what to do about it.

use std::io;
use std::sync::Arc;

use colmeia::UserId;
use colmeia::admin::Backup;
use colmeia::config::InvalidSettings;
use colmeia_session::registry::RegistryError;
use colmeia_session::{CallFailure, NotReplaced};
use colmeia_snapshots::{InvalidKey, SnapshotError};
use colmeia_store::StoreError;

use crate::operators::OperationError;

/// Why nothing has begun, or why nothing came of one user's.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another one is under way.
    #[error("another backup or restore is under way; wait for its end")]
    Busy,
    /// The key.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The place, or what is there.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Nobody knows the user.
    #[error(transparent)]
    User(#[from] OperationError),
    /// Nobody can say who there is.
    #[error("nobody can say which sessions there are")]
    Look(#[source] io::Error),
    /// The session runs and has no registration that is whole.
    #[error(
        "the session runs and is not ready; back it up when it is, or stop it first (`colmeiactl stop {0}`)"
    )]
    NotReady(UserId),
    /// It gave none.
    #[error("the session gave no snapshot")]
    NoSnapshot(#[source] CallFailure),
    /// What was written down of it cannot be read.
    #[error("the session's configuration cannot be read; set it anew, and back it up then")]
    Unreadable,
    /// The same of its profile.
    #[error("what is known of the session's profile cannot be read")]
    Record(#[source] io::Error),
    /// It runs.
    #[error(
        "session {0} runs, and two browsers for one number get it banned: stop it first (`colmeiactl stop {0}`), then restore"
    )]
    Runs(UserId),
    /// Its configuration says something that is not allowed here.
    #[error("the session's configuration in the backup cannot be used here")]
    Settings(#[from] InvalidSettings),
    /// Nothing can be staged.
    #[error("there is no folder for what is restored")]
    Staging(#[source] io::Error),
    /// There is no user id of the system for it.
    #[error("the session's files cannot be given to a user id of its own")]
    Owner(#[source] colmeia_host::uids::UidsError),
    /// The configuration cannot be kept.
    #[error("the session's configuration cannot be kept; nothing was restored")]
    Store(#[source] StoreError),
    /// The profile cannot be put in place.
    #[error("nothing was restored, and what was there is still there")]
    NotReplaced(#[source] NotReplaced),
    /// There is no task for the user.
    #[error("the session's task cannot be made")]
    NoTask(#[source] Arc<RegistryError>),
}

/// What came of one user's.
pub(super) enum Outcome {
    Done(Box<Backup>),
    /// There was nothing to be done.
    Skipped(&'static str),
    Failed(BackupError),
}

impl From<Result<Backup, BackupError>> for Outcome {
    fn from(result: Result<Backup, BackupError>) -> Self {
        match result {
            Ok(line) => Self::Done(Box::new(line)),
            Err(error) => Self::Failed(error),
        }
    }
}
