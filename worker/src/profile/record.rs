//! [`ProfileRecord`], what is known of the profile from one worker to the next, in `profile.json`.
//!
//! Owns the file. It is written beside itself first, so that a crash or a full disk leaves the one before.

use std::fs;
use std::io;
use std::path::Path;

use colmeia::errors::lack_of;
use colmeia::session::ProfileRecord;

/// What the file says. One that is missing or damaged knows nothing: then no snapshot is put in place of a profile that
/// works.
///
/// # Errors
/// When the machine has nothing left to look with.
pub(super) fn load(path: &Path) -> io::Result<ProfileRecord> {
    let read = fs::read(path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
    read.or_else(|error| {
        if lack_of(&error).is_some() {
            return Err(error);
        }
        if error.kind() != io::ErrorKind::NotFound {
            tracing::warn!(%error, "what was known of the profile cannot be read");
        }
        Ok(ProfileRecord::default())
    })
}

/// Writes it down.
pub(super) fn save(record: &ProfileRecord, path: &Path) -> io::Result<()> {
    colmeia_base::files::write(path, &serde_json::to_vec(record)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_and_a_broken_one_knows_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("profile.json");
        assert_eq!(load(&path).expect("read"), ProfileRecord::default());
        let record =
            ProfileRecord { browser: Some("150.0.1.2".into()), linked: true, ..ProfileRecord::default() };
        save(&record, &path).expect("written");
        assert_eq!(load(&path).expect("read"), record);
        fs::write(&path, b"{\"linked\":tr").expect("written");
        assert_eq!(load(&path).expect("read"), ProfileRecord::default());
    }
}
