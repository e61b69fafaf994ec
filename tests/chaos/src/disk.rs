//! [`Disk`]: a small file system for the state directory, which can be filled up.
//!
//! It lies in a mount namespace of this process, so that it is gone when the process is, however it ends.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

/// Room for eight profiles, their snapshots and the journal, and for what a snapshot leaves free on any disk.
const SIZE: &str = "size=768m,mode=0700";

/// The file system.
#[derive(Debug)]
pub(crate) struct Disk {
    on: PathBuf,
    filler: PathBuf,
}

/// Makes all further mounts this process's own. Takes root. Called before there is a second thread: only threads that come
/// later are in the new namespace.
pub(crate) fn own_mounts() -> std::io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Nothing may reach the machine's own namespace.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    Ok(())
}

impl Disk {
    /// Mounts it on a new folder, after [`own_mounts`].
    pub(crate) fn mount(on: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(on)?;
        mount(Some("colmeia-chaos"), on, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(SIZE))?;
        Ok(Self { on: on.to_owned(), filler: on.join("filler") })
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) -> std::io::Result<()> {
        let mut file = std::fs::File::create(&self.filler)?;
        let mut piece = vec![0; 1024 * 1024];
        while !piece.is_empty() {
            match file.write(&piece) {
                Ok(written) if written > 0 => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() != ErrorKind::StorageFull => return Err(error),
                _ => piece.truncate(piece.len() / 2),
            }
        }
        Ok(())
    }

    /// Makes room again.
    pub(crate) fn free(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.filler)
    }
}

impl Drop for Disk {
    /// So that the folder can be deleted; the namespace's end would do the rest.
    fn drop(&mut self) {
        let _ = umount2(&self.on, MntFlags::MNT_DETACH);
    }
}
