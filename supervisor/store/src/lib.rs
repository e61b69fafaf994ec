//! What is set through the API and outlives a restart: API keys, each session's configuration, and the answers to
//! requests that carried an `Idempotency-Key`.
//!
//! Owns `colmeia-settings.db` and the one thread that touches it. What is read at every request (keys,
//! configurations) is published as a snapshot after the commit, so that no reader waits for the disk. Never keeps a
//! key itself, only its digest.

mod idempotency;
mod keys;
mod schema;
mod sessions;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::SessionSettings;
use colmeia_host::database::{self, Jobs};
use idempotency::Answers;
use rusqlite::Connection;
use tokio::sync::watch;

pub use idempotency::{Claim, FirstAnswer};
pub use keys::{Actions, ApiKey, NewKey, digest};

type Sessions = Arc<BTreeMap<UserId, SessionSettings>>;
/// Rows that cannot be read: the name in each, and why. They stay as they are until they are replaced or deleted.
pub type Unreadable = BTreeMap<String, String>;

/// A handle to the store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: Jobs<Thread>,
    keys: watch::Receiver<Arc<Vec<ApiKey>>>,
    sessions: watch::Receiver<Sessions>,
    unreadable: watch::Receiver<Arc<Unreadable>>,
}

/// What the thread has.
struct Thread {
    connection: Connection,
    keys: watch::Sender<Arc<Vec<ApiKey>>>,
    sessions: watch::Sender<Sessions>,
    unreadable: watch::Sender<Arc<Unreadable>>,
    answers: Answers,
}

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The database.
    #[error("the settings database failed")]
    Database(#[from] rusqlite::Error),
    /// It was made by a newer version.
    #[error("the settings database has schema {found}; this version knows {known}")]
    Newer {
        /// The schema's number in the file.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// What is to be kept has no form.
    #[error("it cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    /// What is kept of it cannot be read, and is not written over in part.
    #[error("the session's configuration cannot be read and is set aside")]
    SetAside,
    /// The thread is gone.
    #[error("the settings database is closed")]
    Closed,
}

impl Store {
    /// Opens or makes the database and starts its thread.
    ///
    /// # Errors
    /// [`StoreError`] says what is wrong with the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Answers::default())
    }

    fn open_with(path: &Path, answers: Answers) -> Result<Self, StoreError> {
        let connection = schema::open(path)?;
        idempotency::give_up_those_under_way(&connection)?;
        let loaded = keys::load(&connection)?;
        for key in loaded.iter().filter(|key| key.is_unreadable()) {
            tracing::error!(
                id = key.id,
                "what an API key allows cannot be read; it is set aside and allows nothing"
            );
        }
        let (keys, known_keys) = watch::channel(Arc::new(loaded));
        let (loaded, set_aside) = sessions::load(&connection)?;
        for (user, why) in &set_aside {
            tracing::error!(
                user,
                why,
                "a session's configuration cannot be read; it is set aside and the session does not start"
            );
        }
        let (sessions, known_sessions) = watch::channel(Arc::new(loaded));
        let (unreadable, known_unreadable) = watch::channel(Arc::new(set_aside));
        let thread = Thread { connection, keys, sessions, unreadable, answers };
        let jobs = database::thread("settings", path, thread)
            .map_err(|source| StoreError::File { path: path.into(), source })?;
        Ok(Self { jobs, keys: known_keys, sessions: known_sessions, unreadable: known_unreadable })
    }

    /// All keys, active or not.
    pub fn keys(&self) -> Arc<Vec<ApiKey>> {
        Arc::clone(&self.keys.borrow())
    }

    /// Sees each change of them.
    pub fn watch_keys(&self) -> watch::Receiver<Arc<Vec<ApiKey>>> {
        self.keys.clone()
    }

    /// Every session that has a configuration.
    pub fn sessions(&self) -> Arc<BTreeMap<UserId, SessionSettings>> {
        Arc::clone(&self.sessions.borrow())
    }

    /// The sessions whose configuration cannot be read, and why.
    pub fn unreadable_sessions(&self) -> Arc<Unreadable> {
        Arc::clone(&self.unreadable.borrow())
    }

    /// The configuration of one session, if it has one.
    pub fn session(&self, user: &UserId) -> Option<SessionSettings> {
        self.sessions.borrow().get(user).cloned()
    }

    /// Does something on the thread, and returns when it is on disk.
    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Thread) -> Result<T, StoreError> + Send + 'static,
    {
        database::run(&self.jobs, work).await.map_err(|_| StoreError::Closed)?
    }
}

#[cfg(test)]
mod tests;
