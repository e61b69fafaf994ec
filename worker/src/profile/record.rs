//! [`Record`]: what is known of the profile from one worker to the next, in `profile.json`.
//!
//! Owns the file. It is written beside itself first, so that a crash or a full disk leaves the one before.

use std::fs;
use std::io;
use std::path::Path;

use colmeia::errors::lack_of;
use colmeia::session::Recovery;
use serde::{Deserialize, Serialize};

/// What is known of the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// The version of the browser that used it last.
    pub(super) browser: Option<String>,
    /// The session was ready with it, and nobody has ended the link since.
    pub(super) linked: bool,
    /// It is a snapshot that was put in place, and the session was not ready with it yet.
    pub(super) on_trial: bool,
    /// How often in a row the browser ended by itself before its page showed anything.
    pub(super) crashes: u32,
    /// What was last done about a damaged profile.
    pub(super) recovery: Option<Recovery>,
}

impl Record {
    /// What the file says. One that is missing or damaged knows nothing: then no snapshot is put in place of a profile that
    /// works.
    ///
    /// # Errors
    /// When the machine has nothing left to look with.
    pub(super) fn load(path: &Path) -> io::Result<Self> {
        let read = fs::read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
        read.or_else(|error| {
            if lack_of(&error).is_some() {
                return Err(error);
            }
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, "what was known of the profile cannot be read");
            }
            Ok(Self::default())
        })
    }

    /// Writes it down.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        colmeia_base::files::write(path, &serde_json::to_vec(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_and_a_broken_one_knows_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("profile.json");
        assert_eq!(Record::load(&path).expect("read"), Record::default());
        let record = Record { browser: Some("150.0.1.2".into()), linked: true, ..Record::default() };
        record.save(&path).expect("written");
        assert_eq!(Record::load(&path).expect("read"), record);
        fs::write(&path, b"{\"linked\":tr").expect("written");
        assert_eq!(Record::load(&path).expect("read"), Record::default());
    }
}
