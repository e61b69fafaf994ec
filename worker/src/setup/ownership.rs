//! Whose the user's directories are, and who this process is: [`settle`] makes both the same.
//!
//! Owns the giving of files and the giving up of rights. What is done with more rights than the user's follows no
//! link and opens no file: whoever wrote the directories earlier may have been hostile. Nothing is done twice: what
//! has its owner already is left alone.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use colmeia::config::Ownership;
use nix::errno::Errno;
use nix::unistd::{self, getresuid, setgroups, setresgid, setresuid};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chownat, fchown, openat, statat,
};
use rustix::thread::{CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities};

/// A browser's profile has a dozen levels. What somebody nested deeper stays whose it is.
const DEEPEST: usize = 64;

/// The directories or the process cannot change hands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnershipError {
    /// A directory cannot be made or given.
    #[error("{} cannot be given to uid {to}; as root: chown -R {to} {}", path.display(), path.display())]
    Give { path: PathBuf, to: u32, source: io::Error },
    /// The process keeps rights.
    #[error("cannot become uid {uid}")]
    Become { uid: u32, source: io::Error },
}

/// Makes sure that these directories are there, for their owner alone, and becomes that owner. Called once, while
/// there is one thread.
///
/// # Errors
/// [`OwnershipError`]; then the worker must not go on.
pub(crate) fn settle(ownership: Ownership, folders: &[&Path]) -> Result<(), OwnershipError> {
    let (heir, become_it) = match ownership {
        Ownership::Keep => return Ok(()),
        Ownership::Own { uid, .. } => (Heir { of: None, uid, gid: uid }, true),
        Ownership::GiveBack { uid, to_uid, to_gid } => {
            (Heir { of: Some(uid), uid: to_uid, gid: to_gid }, false)
        }
    };
    for folder in folders {
        heir.receive(folder).map_err(|source| OwnershipError::Give {
            path: (*folder).to_owned(),
            to: heir.uid,
            source,
        })?;
    }
    if become_it {
        become_user(heir.uid).map_err(|source| OwnershipError::Become { uid: heir.uid, source })?;
        // Other users are let into the folders above, so these are shut.
        for folder in folders {
            fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(|source| {
                OwnershipError::Give { path: (*folder).to_owned(), to: heir.uid, source }
            })?;
        }
    }
    Ok(())
}

/// The user id that may speak to this worker.
pub(crate) fn supervisor(ownership: Ownership) -> u32 {
    match ownership {
        Ownership::Own { supervisor, .. } => supervisor,
        Ownership::Keep | Ownership::GiveBack { .. } => unistd::geteuid().as_raw(),
    }
}

/// Gives up everything but this user id: groups, capabilities, and the way back.
pub(crate) fn become_user(uid: u32) -> io::Result<()> {
    let (user, group) = (unistd::Uid::from_raw(uid), unistd::Gid::from_raw(uid));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    // The kernel takes them from who was root, and leaves them to who was somebody else.
    drop_capabilities()?;
    let now = getresuid()?;
    if (now.real, now.effective, now.saved) == (user, user, user) { Ok(()) } else { Err(Errno::EPERM.into()) }
}

/// Gives up every capability, but not the user id.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

/// Who gets what.
#[derive(Debug, Clone, Copy)]
struct Heir {
    /// Only what is this one's; everything, if nobody is named.
    of: Option<u32>,
    uid: u32,
    gid: u32,
}

impl Heir {
    /// The folder itself changes hands last, so that one that was interrupted is seen to be unfinished.
    fn receive(self, folder: &Path) -> io::Result<()> {
        colmeia_base::files::make_folder(folder)?;
        // A link in its place would give somebody else's files away.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = File::from(openat(CWD, folder, flags, Mode::empty())?);
        self.walk(folder.as_fd(), 0)?;
        let found = folder.metadata()?;
        if self.wants(found.uid(), found.gid()) {
            fchown(&folder, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))?;
        }
        Ok(())
    }

    fn wants(self, uid: u32, gid: u32) -> bool {
        self.of.is_none_or(|of| of == uid) && (uid, gid) != (self.uid, self.gid)
    }

    fn walk(self, folder: BorrowedFd<'_>, depth: usize) -> io::Result<()> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let found: Stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(rustix::io::Errno::NOENT) => continue,
                found => found?,
            };
            let kind = FileType::from_raw_mode(found.st_mode);
            if kind == FileType::Directory && depth < DEEPEST {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                self.walk(openat(folder, name, flags, Mode::empty())?.as_fd(), depth + 1)?;
            }
            if !self.wants(found.st_uid, found.st_gid) {
                continue;
            }
            if kind == FileType::RegularFile && found.st_nlink > 1 {
                // It has a name elsewhere too, and may be somebody else's there.
                tracing::warn!(name = %name.to_string_lossy(), "a file with several names keeps its owner");
                continue;
            }
            let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            match chownat(folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW) {
                Err(rustix::io::Errno::NOENT) => {}
                given => given?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Owner and group of a name, and not of what it leads to.
    fn owner(path: &Path) -> (u32, u32) {
        let found = fs::symlink_metadata(path).expect("there");
        (found.uid(), found.gid())
    }

    #[test]
    fn what_needs_no_change_needs_no_privilege() {
        let root = tempfile::tempdir().expect("folder");
        let folder = root.path().join("new");
        fs::create_dir_all(folder.join("a/b")).expect("made");
        let own = owner(&folder);
        Heir { of: None, uid: own.0, gid: own.1 }.receive(&folder).expect("ours already");
        Heir { of: Some(u32::MAX - 1), uid: 1, gid: 1 }.receive(&folder).expect("nothing is theirs");
        assert_eq!(owner(&folder.join("a/b")), own);
    }

    #[test]
    #[ignore = "only root may give files away; make test-host runs it"]
    fn everything_below_changes_hands_and_comes_back_but_nothing_that_a_link_leads_to() {
        let root = tempfile::tempdir().expect("folder");
        let (folder, outside) = (root.path().join("auth"), root.path().join("outside"));
        fs::create_dir_all(folder.join("a/b")).expect("made");
        for file in [&folder.join("a/b/file"), &outside, &folder.join("twice")] {
            fs::write(file, "x").expect("written");
        }
        std::os::unix::fs::symlink(&outside, folder.join("a/link")).expect("made");
        std::os::unix::fs::symlink(root.path(), folder.join("a/up")).expect("made");
        fs::hard_link(folder.join("twice"), root.path().join("elsewhere")).expect("made");
        let uid = 1_900_000_007;
        let own = Heir { of: None, uid, gid: uid };
        own.receive(&folder).expect("given");
        for name in ["", "a", "a/b", "a/b/file", "a/link", "a/up"] {
            assert_eq!(owner(&folder.join(name)), (uid, uid), "{name}");
        }
        let planted = root.path().join("planted");
        fs::create_dir(root.path().join("victim")).expect("made");
        std::os::unix::fs::symlink(root.path().join("victim"), &planted).expect("made");
        own.receive(&planted).expect_err("a link in the folder's place");
        assert_eq!(owner(&root.path().join("victim")), (0, 0));
        for path in [&outside, &root.path().to_owned(), &folder.join("twice")] {
            assert_eq!(owner(path), (0, 0), "{}", path.display());
        }
        fs::write(folder.join("a/new"), "x").expect("written by somebody else meanwhile");
        Heir { of: Some(uid), uid: 1234, gid: 99 }.receive(&folder).expect("given back");
        for name in ["", "a", "a/b", "a/b/file", "a/link", "a/up"] {
            assert_eq!(owner(&folder.join(name)), (1234, 99), "{name}");
        }
        assert_eq!(owner(&folder.join("a/new")), (0, 0));
    }
}
