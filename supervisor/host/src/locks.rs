//! One supervisor per directory: [`Lock`].
//!
//! Owns the lock files. The kernel lets go of them when the process ends, however it ends, so a file that is left
//! over locks nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;

use crate::folders::make_private;
use crate::private;

/// A directory that is ours as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another supervisor has it.
    #[error("another supervisor (process {pid}) uses {}", directory.display())]
    Taken {
        /// The folder.
        directory: PathBuf,
        /// The process id.
        pid: String,
    },
    /// It cannot be made or opened.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Others could put something into it.
    #[error("{} must be a directory of this user that nobody else can enter", .0.display())]
    NotPrivate(PathBuf),
}

/// Makes sure of a directory that nobody else can look around in: sockets and locks lie in it, maybe below `/tmp`.
/// Whether others may pass through is settled once the directory is locked: it may be another supervisor's.
///
/// # Errors
/// [`LockError`] when it is, or could have been, somebody else's.
pub fn private_directory(path: &Path) -> Result<(), LockError> {
    let io = |source| LockError::Io { path: path.to_owned(), source };
    make_private(path).map_err(io)?;
    let found = fs::symlink_metadata(path).map_err(io)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        return Err(LockError::NotPrivate(path.to_owned()));
    }
    if found.mode() & 0o066 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

impl Lock {
    /// The same lock for the next image of this program: it is free only when both are closed.
    ///
    /// # Errors
    /// Those of the system.
    pub fn pass_on(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }
}

/// Takes a directory by this file in it. `inherited` is what an earlier image of this program passed on: with it
/// the directory was ours all the while.
///
/// # Errors
/// [`LockError::Taken`] names who has it.
pub fn take(file: &Path, inherited: Option<OwnedFd>) -> Result<Lock, LockError> {
    let io = |source| LockError::Io { path: file.to_owned(), source };
    let mut opened = match inherited.map(File::from).filter(|inherited| is_same(inherited, file)) {
        Some(inherited) => inherited,
        None => {
            let mut how = OpenOptions::new();
            private::open(file, how.read(true).write(true).create(true).truncate(false)).map_err(io)?
        }
    };
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut pid = String::new();
            let _ = (&mut opened).take(20).read_to_string(&mut pid);
            let pid = if pid.is_empty() { "unknown".into() } else { pid.trim().to_owned() };
            let directory = file.parent().unwrap_or(file).to_owned();
            return Err(LockError::Taken { directory, pid });
        }
        Err(error) => return Err(io(error.into())),
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())
    };
    write(&mut opened).map_err(io)?;
    Ok(Lock { file: opened })
}

/// Whether the open file is the one of this name. Another one was passed on for another directory.
fn is_same(opened: &File, name: &Path) -> bool {
    match (opened.metadata(), fs::symlink_metadata(name)) {
        (Ok(opened), Ok(named)) => (opened.dev(), opened.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_supervisor_is_kept_away_and_told_by_whom() {
        let directory = tempfile::tempdir().expect("folder");
        let file = directory.path().join("supervisor.lock");
        let first = take(&file, None).expect("free");
        let error = take(&file, None).expect_err("taken").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        take(&file, None).expect("free again");
    }

    #[test]
    fn a_planted_link_is_no_lock_and_what_it_leads_to_stays_as_it_is() {
        let directory = tempfile::tempdir().expect("folder");
        let (file, victim) = (directory.path().join("colmeia.lock"), directory.path().join("victim"));
        fs::write(&victim, "precious").expect("written");
        std::os::unix::fs::symlink(&victim, &file).expect("planted");
        let error = take(&file, None).expect_err("a link");
        assert!(colmeia::errors::chain(&error).contains("is a link"), "{error:?}");
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    }

    #[test]
    fn a_lock_that_is_passed_on_is_held_without_a_gap_and_only_for_its_own_file() {
        let directory = tempfile::tempdir().expect("folder");
        let (file, other) = (directory.path().join("a.lock"), directory.path().join("b.lock"));
        let first = take(&file, None).expect("free");
        let passed = first.pass_on().expect("cloned");
        drop(first);
        assert!(matches!(take(&file, None), Err(LockError::Taken { .. })));
        let second = take(&file, Some(passed)).expect("ours all the while");
        let elsewhere = take(&other, Some(second.pass_on().expect("cloned"))).expect("free");
        assert!(is_same(&elsewhere.file, &other));
        drop(second);
        take(&file, None).expect("free again");
    }

    #[test]
    fn a_directory_that_others_could_enter_is_closed_and_a_link_is_refused() {
        let root = tempfile::tempdir().expect("folder");
        let open = root.path().join("open");
        fs::create_dir(&open).expect("made");
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("opened");
        let mode = || fs::metadata(&open).expect("there").mode() & 0o777;
        private_directory(&open).expect("closed");
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o711)).expect("set");
        private_directory(&open).expect("nobody looks around in it");
        assert_eq!(mode(), 0o711);
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&open, &link).expect("made");
        assert!(matches!(private_directory(&link), Err(LockError::NotPrivate(_))));
    }
}
