//! [`Manifest`]: what a backup consists of, and everything that is known beside the files.
//!
//! Owns its form and what of it is believed. It is authenticated, and is looked at all the same: names lead out of no folder,
//! and what it announces stays within the bounds of a registration.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use colmeia::UserId;
use colmeia::layout::{MOST_REGISTRATION_BYTES, MOST_REGISTRATION_FILES};
use serde::{Deserialize, Serialize};

use crate::error::SnapshotError;

/// The form of manifests, pieces and pointers together.
pub(crate) const FORMAT: u32 = 1;
/// A file is cut into pieces of so many bytes; the last one has what is left. It belongs to the format: an object of each is
/// in memory as a whole, and of a log that has grown only the end is new.
pub(crate) const PIECE: u64 = 4 * 1024 * 1024;
/// The most that is read of one; 20,000 files take 5 MB.
pub(crate) const MOST_MANIFEST: usize = 32 * 1024 * 1024;

/// What is known of a session beside its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Whose session it is.
    pub user: UserId,
    /// From when the files are, in milliseconds since the epoch.
    pub taken_ms: u64,
    /// The version of the browser that wrote them, where it is known.
    pub browser: Option<String>,
    /// The session's configuration as the store keeps it. Secrets are in it, and it is sealed with the rest.
    pub settings: Option<colmeia::Secret>,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub(crate) format: u32,
    /// What is known beside the files.
    #[serde(flatten)]
    pub about: About,
    /// The Colmeia that made it.
    pub colmeia: String,
    /// The files.
    pub files: Vec<FileEntry>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its name below the profile.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// The objects that have them, in order.
    pub pieces: Vec<String>,
}

impl Manifest {
    /// Reads what was authenticated; `None` where it is no manifest of ours.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, SnapshotError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        match serde_json::from_slice::<Format>(bytes) {
            Ok(Format { format: FORMAT }) => {}
            Ok(Format { format }) => return Err(SnapshotError::Newer(format)),
            Err(_) => return Ok(None),
        }
        let manifest: Option<Self> = serde_json::from_slice(bytes).ok();
        Ok(manifest.filter(Self::is_sound))
    }

    /// The bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    fn is_sound(&self) -> bool {
        let names: BTreeSet<&Path> = self.files.iter().map(|file| Path::new(&file.path)).collect();
        // No file lies where another one needs a folder.
        let apart = |path: &&Path| path.ancestors().skip(1).all(|above| !names.contains(above));
        self.files.len() <= MOST_REGISTRATION_FILES
            && self.bytes() <= MOST_REGISTRATION_BYTES
            && names.len() == self.files.len()
            && names.iter().all(apart)
            && self.files.iter().all(FileEntry::is_sound)
    }
}

impl FileEntry {
    /// How many bytes its piece of this number has.
    pub(crate) fn piece_size(&self, number: usize) -> u64 {
        self.size.saturating_sub(PIECE.saturating_mul(number as u64)).min(PIECE)
    }

    fn is_sound(&self) -> bool {
        let mut parts = Path::new(&self.path).components().peekable();
        parts.peek().is_some()
            && parts.all(|part| matches!(part, Component::Normal(_)))
            && !self.path.contains('\0')
            && self.pieces.len() as u64 == self.size.div_ceil(PIECE)
            && self.pieces.iter().all(|piece| content_of(piece).is_some())
    }
}

/// The content's part of an object's name: `<content>-<random>`.
pub(crate) fn content_of(object: &str) -> Option<&str> {
    let (content, random) = object.split_once('-')?;
    let fine = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    (fine(content, 64) && fine(random, 32)).then_some(content)
}

/// Whether a browser of the version that this machine has can use what one of the other version wrote.
///
/// # Errors
/// [`SnapshotError::OlderBrowser`] and [`SnapshotError::UnknownBrowser`].
pub fn check_browser(needs: Option<&str>, has: Option<&str>) -> Result<(), SnapshotError> {
    // What no browser has used, none has changed.
    let Some(needs) = needs else { return Ok(()) };
    let has = has.ok_or(SnapshotError::UnknownBrowser)?;
    let numbers =
        |version: &str| version.split('.').map(|n| n.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    match (numbers(needs), numbers(has)) {
        (Some(wanted), Some(found)) if found >= wanted => Ok(()),
        (Some(_), Some(_)) => {
            Err(SnapshotError::OlderBrowser { needs: needs.to_owned(), has: has.to_owned() })
        }
        _ => Err(SnapshotError::UnknownBrowser),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(path: &str, size: u64) -> FileEntry {
        let object = format!("{}-{}", "a".repeat(64), "b".repeat(32));
        let pieces = vec![object; usize::try_from(size.div_ceil(PIECE)).expect("few")];
        FileEntry { path: path.to_owned(), size, pieces }
    }

    pub(crate) fn manifest(files: Vec<FileEntry>) -> Manifest {
        let user = "7".parse().expect("valid");
        let about = About { user, taken_ms: 1, browser: Some("150.0.1.2".into()), settings: None };
        Manifest { format: FORMAT, about, colmeia: "0.2.0".into(), files }
    }

    fn read(manifest: &Manifest) -> Option<Manifest> {
        Manifest::read(&serde_json::to_vec(manifest).expect("JSON")).expect("our format")
    }

    #[test]
    fn what_leads_out_of_the_folder_or_beyond_the_bounds_is_no_manifest() {
        assert!(read(&manifest(vec![entry("Default/a", 0), entry("Default/b", PIECE + 1)])).is_some());
        for path in ["", "/etc/passwd", "../x", "Default/../../x", "./x", "Default/\0"] {
            assert_eq!(read(&manifest(vec![entry(path, 1)])), None, "{path:?}");
        }
        assert_eq!(read(&manifest(vec![entry("a", 1), entry("a", 1)])), None, "twice");
        assert_eq!(read(&manifest(vec![entry("a", 1), entry("a/b", 1)])), None, "a file as a folder");
        assert_eq!(read(&manifest(vec![entry("a", MOST_REGISTRATION_BYTES + 1)])), None, "too large");
        let short = FileEntry { pieces: Vec::new(), ..entry("a", 1) };
        assert_eq!(read(&manifest(vec![short])), None, "without its pieces");
        let newer = br#"{"format":2,"whatever":1}"#;
        assert!(matches!(Manifest::read(newer), Err(SnapshotError::Newer(2))));
        assert!(matches!(Manifest::read(b"{}"), Ok(None)));
    }

    #[test]
    fn only_the_same_or_a_newer_browser_will_do() {
        for has in ["150.0.7.2", "150.0.7.10", "150.1.0.0", "151.0.0.0"] {
            check_browser(Some("150.0.7.2"), Some(has)).expect(has);
        }
        for has in ["150.0.7.1", "149.9.9.9", "99.0.0.0"] {
            let refused = check_browser(Some("150.0.7.2"), Some(has)).expect_err(has).to_string();
            assert!(refused.contains(has) && refused.contains("150.0.7.2"), "{refused}");
        }
        assert!(matches!(check_browser(Some("150.0.7.2"), None), Err(SnapshotError::UnknownBrowser)));
        check_browser(None, None).expect("nothing was changed by any");
    }

    proptest! {
        #[test]
        fn pieces_add_up_to_the_file(size in 0..5 * PIECE) {
            let file = entry("a", size);
            let sizes: Vec<u64> = (0..file.pieces.len()).map(|number| file.piece_size(number)).collect();
            prop_assert_eq!(sizes.iter().sum::<u64>(), size);
            prop_assert!(sizes.iter().all(|piece| (1..=PIECE).contains(piece)));
        }

        #[test]
        fn a_manifest_survives(sizes in proptest::collection::vec(0..3 * PIECE, 0..20)) {
            let files = sizes.iter().enumerate().map(|(n, size)| entry(&format!("Default/{n}"), *size));
            let manifest = manifest(files.collect());
            prop_assert_eq!(read(&manifest), Some(manifest));
        }
    }
}
