//! Owns the file of `--state`: reads it once, writes it after changes.
//! Never writes in place: a new file takes the old one's name.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::world::{Lasting, Shared};

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);

/// Why the state file could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateFileError {
    /// Reading or writing failed.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("{path} is not a state file of this simulator")]
    Content {
        /// Which file.
        path: PathBuf,
        /// Where it stops making sense.
        #[source]
        source: serde_json::Error,
    },
}

/// What the file holds; nothing when there is no file yet.
pub(crate) fn load(path: &Path) -> Result<Lasting, StateFileError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|source| StateFileError::Content { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Lasting::default()),
        Err(source) => Err(StateFileError::Io { path: path.to_owned(), source }),
    }
}

/// Writes what lasts.
pub(crate) fn save(shared: &Shared, path: &Path) -> Result<(), StateFileError> {
    let json = serde_json::to_vec(&shared.lock().lasting)
        .map_err(|source| StateFileError::Content { path: path.to_owned(), source })?;
    let new = path.with_extension("new");
    std::fs::write(&new, json)
        .and_then(|()| std::fs::rename(&new, path))
        .map_err(|source| StateFileError::Io { path: path.to_owned(), source })
}

/// Saves after every change, for as long as the program runs.
pub(crate) async fn keep(shared: Shared, path: PathBuf) {
    let mut changes = shared.watch();
    while changes.changed().await.is_ok() {
        tokio::time::sleep(GATHER).await;
        changes.mark_unchanged();
        if let Err(error) = save(&shared, &path) {
            tracing::error!(%error, "state not saved");
        }
    }
}
