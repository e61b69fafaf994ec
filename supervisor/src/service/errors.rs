//! Why the service could not start or go on. Never says what to do about it but in words for whoever runs it.

use std::io;
use std::path::PathBuf;

use colmeia::layout::RuntimeDirTooLong;
use colmeia_events::journal::JournalError;
use colmeia_host::locks::LockError;
use colmeia_host::memory::MemoryError;
use colmeia_host::private::NotOurs;
use colmeia_host::uids::UidsError;
use colmeia_store::StoreError;

use crate::port::ListenError;
use crate::upgrade::ReplaceError;

/// Why the service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The machinery of tasks or signals.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// The directories.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What lies in them.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// The runtime directory's name.
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirTooLong),
    /// A directory or file in it.
    #[error("cannot use {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Memory cannot be measured, or not as it was demanded.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The workers' own user ids.
    #[error("the workers cannot have user ids of their own")]
    UidAllocator(#[from] UidsError),
    /// Another image of the program could not take over, after everything was given up for it.
    #[error("the upgrade failed")]
    Replace(#[from] ReplaceError),
    /// The journal.
    #[error("cannot open the journal")]
    Journal(#[from] JournalError),
    /// Keys and configurations.
    #[error("cannot open the settings database")]
    Store(#[from] StoreError),
    /// HTTP.
    #[error("HTTP cannot be served any more")]
    Http(#[source] io::Error),
}

impl ServiceError {
    /// That something is wrong with this directory or file.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
