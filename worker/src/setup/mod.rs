//! The first thing that runs. In this order: the process gets its limits and its user id, the folders are made and
//! locked, and the walls go up. From then on nothing outside of them is opened.
//!
//! Owns the lock on the auth directory. Knows no browser and no socket.

pub(crate) mod ownership;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use colmeia::config::WorkerConfig;
use colmeia::layout::{RunLayout, StateLayout};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use self::ownership::OwnershipError;
use crate::walls::{self, WallsError};

/// Open files and sockets of one process: what Chromium asks for at its start, and several times what a session
/// was seen to use.
const MAX_FILES: u64 = 8192;

/// The process cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// A folder cannot be made.
    #[error("cannot create {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// The lock file cannot be used.
    #[error("cannot lock {}", path.display())]
    Lock { path: PathBuf, source: io::Error },
    /// The folders cannot be made this user's own.
    #[error("the user's directories cannot change hands")]
    Ownership(#[from] OwnershipError),
    /// Someone else is in there.
    #[error("the auth directory belongs to the living worker {owner}")]
    Occupied { owner: String },
    /// The process cannot be set up.
    #[error("cannot {doing}")]
    Process { doing: &'static str, source: Errno },
    /// The process cannot be shut in.
    #[error("cannot be shut in")]
    Walls(#[from] WallsError),
}

/// The user's folders, locked for this process.
pub(crate) struct Setup {
    lock: Flock<File>,
    user_dir: PathBuf,
}

impl Setup {
    /// Makes and locks the folders, sets the process up, and shuts it in. Called while there is one thread.
    pub(crate) fn enter(
        config: &WorkerConfig,
        state: &StateLayout,
        run: &RunLayout,
    ) -> Result<Self, SetupError> {
        let set_up =
            |doing, result: Result<(), Errno>| result.map_err(|source| SetupError::Process { doing, source });
        // What the browser leaves behind when it dies becomes our child, so that we can end it.
        set_up("become a subreaper", prctl::set_child_subreaper(true))?;
        // Neither this process nor its browser will ever need more rights than they have now; Chromium's
        // sandbox works without set-user-id helpers, on user namespaces.
        set_up("give up further rights", prctl::set_no_new_privs())?;
        // A core dump would hold keys and messages.
        set_up("forbid core dumps", setrlimit(Resource::RLIMIT_CORE, 0, 0))?;

        let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(MAX_FILES, |(_, hard)| hard.min(MAX_FILES));
        set_up("limit open files", setrlimit(Resource::RLIMIT_NOFILE, allowed, allowed))?;

        let user_dir = run.user_dir(&config.user);
        // From here on this is the user that the folders belong to: nothing in them is opened with more rights.
        ownership::settle(config.ownership, &[&state.auth_dir(&config.user), &user_dir])?;
        let own_dir = state.own_dir(&config.user);
        for folder in [&own_dir, &user_dir] {
            colmeia_base::files::make_folder(folder)
                .map_err(|source| SetupError::Folder { path: folder.clone(), source })?;
        }
        let lock = lock(&state.worker_lock(&config.user))?;
        walls::enter(config, state, run)?;
        Ok(Self { lock, user_dir })
    }

    /// Empties the run folder; the folder itself lies outside of the walls, and is the supervisor's. The lock
    /// goes with the process.
    pub(crate) fn leave(self) {
        let _ = std::fs::remove_dir_all(&self.user_dir);
        drop(self.lock);
    }
}

fn lock(path: &Path) -> Result<Flock<File>, SetupError> {
    let fail = |source| SetupError::Lock { path: path.to_owned(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(fail)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0).and_then(|()| writeln!(&*lock, "{}", std::process::id())).map_err(fail)?;
            lock.flush().map_err(fail)?;
            Ok(lock)
        }
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            Err(SetupError::Occupied { owner: owner.trim().to_owned() })
        }
        Err((_, errno)) => Err(fail(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_who_is_first() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("worker.lock");
        let first = lock(&path).expect("free");
        let error = lock(&path).map(drop).expect_err("taken");
        assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
        drop(first);
        lock(&path).expect("free again");
    }
}
