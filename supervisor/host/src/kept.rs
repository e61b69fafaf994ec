//! What was written down of a user, read again: it is there, it is not, or that cannot be said.
//!
//! Owns the difference between the three. A machine that has no descriptor left to open a file with knows nothing about
//! the file, and "there is none" would be a guess. Never decides what follows.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use colmeia::UserId;
use colmeia::errors::{Lack, lack_of};
use serde::de::DeserializeOwned;

use crate::private;

/// Why it is not known what was written down.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system did not let us look. Where that is for want of something ([`Unread::lack`]), it passes by itself.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It makes no sense, and will make none later.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        #[source]
        source: serde_json::Error,
    },
}

impl Unread {
    /// What the machine had none left of to look with, where it was that.
    pub fn lack(&self) -> Option<Lack> {
        lack_of(self)
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl From<Unread> for io::Error {
    fn from(unread: Unread) -> Self {
        Self::other(unread)
    }
}

/// Whether there is anything of this name.
///
/// # Errors
/// When nobody can say.
pub fn is_there(path: &Path) -> Result<bool, Unread> {
    look(path).map(|found| found.is_some())
}

/// Whether there is a folder of this name; a link to one is none.
///
/// # Errors
/// When nobody can say.
pub fn is_folder(path: &Path) -> Result<bool, Unread> {
    look(path).map(|found| found.is_some_and(|found| found.is_dir()))
}

fn look(path: &Path) -> Result<Option<Metadata>, Unread> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(Unread::io(path)(error)),
    }
}

/// What stands in a file of ours; nothing where there is none.
///
/// # Errors
/// When it cannot be read, or what stands there makes no sense.
pub fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Unread> {
    let text = match private::read(path) {
        Ok(text) => text,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(Unread::io(path)(error)),
    };
    let read = serde_json::from_slice(&text);
    read.map(Some).map_err(|source| Unread::Damaged { path: path.to_owned(), source })
}

/// The users after whom something in this folder is named; nobody where there is no folder.
///
/// # Errors
/// When it cannot be read as a whole.
pub fn users_in(folder: &Path) -> Result<Vec<UserId>, Unread> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(Unread::io(folder)(error)),
    };
    let named = entries.map(|entry| Ok(entry?.file_name().to_str().and_then(|name| name.parse().ok())));
    named.filter_map(Result::transpose).collect::<io::Result<_>>().map_err(Unread::io(folder))
}

/// A file on the way counts as no folder: then there is nothing in it.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_looked_at() {
        let root = tempfile::tempdir().expect("folder");
        let (file, none) = (root.path().join("7"), root.path().join("none/7"));
        fs::write(&file, "7").expect("written");
        assert!(is_there(&file).expect("seen") && !is_folder(&file).expect("seen"));
        assert!(is_folder(root.path()).expect("seen"));
        for absent in [&none, &file.join("below a file")] {
            assert!(!is_there(absent).expect("seen") && !is_folder(absent).expect("seen"));
            assert_eq!(json::<u32>(absent).expect("seen"), None);
            assert!(users_in(absent).expect("seen").is_empty());
        }
        assert_eq!(json::<u32>(&file).expect("read"), Some(7));
        assert_eq!(users_in(root.path()).expect("read"), ["7".parse().expect("valid")]);
        fs::write(&file, "{").expect("written");
        let damaged = json::<u32>(&file).expect_err("no number");
        assert!(matches!(damaged, Unread::Damaged { .. }) && damaged.lack().is_none());
        // A link that leads to itself: it cannot be said what is behind it.
        let circle = root.path().join("circle");
        symlink(&circle, &circle).expect("made");
        let behind = circle.join("7");
        for unread in
            [is_there(&behind).map(drop), json::<u32>(&behind).map(drop), users_in(&circle).map(drop)]
        {
            let unread = unread.expect_err("nobody can look");
            assert!(matches!(unread, Unread::Io { .. }) && unread.lack().is_none(), "{unread}");
        }
    }

    #[test]
    fn what_is_for_want_of_something_says_of_what() {
        let none_left = io::Error::from_raw_os_error(nix::libc::EMFILE);
        assert_eq!(Unread::io(Path::new("/x"))(none_left).lack(), Some(Lack::Descriptors));
    }
}
