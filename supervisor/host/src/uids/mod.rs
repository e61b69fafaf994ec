//! [`UidAllocator`]: a user id of the system for each user's processes and files, where we have the privilege.
//!
//! Owns the decision whether there are any ([`InForce`]), the modes of the directories that the workers then have to
//! pass through, and the file that says who has which. The rule of assignment is `table`'s, which is pure; files are
//! given and rights given up by the worker itself.

mod preflight;
mod table;

use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::{Ownership, ServiceConfig, UidRange, WorkerUids};
use colmeia::errors::{chain, lack_of};
use colmeia::layout::{RunLayout, StateLayout};
use colmeia_base::{files, procfs};
use nix::unistd::{Uid, User};
use parking_lot::Mutex;
use rustix::process::{Pid, getegid, geteuid};
use sha2::{Digest as _, Sha256};

use crate::folders::{make_private, users_on_disk};
use crate::private;
use crate::process::real_uid;
pub use preflight::Obstacle;
use table::Table;

/// How deep below our directories things are looked for that belong to somebody.
const LOOK_DEPTH: usize = 2;

/// Why workers cannot have the user ids that were asked for.
#[derive(Debug, thiserror::Error)]
pub enum UidsError {
    /// A range was set, and cannot be used.
    #[error("worker_uids is a range, but cannot be followed")]
    Obstacle(#[source] Obstacle),
    /// The file or a directory.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// As many users as there are ids.
    #[error("all {0} user ids of worker_uids have owners: set a larger range")]
    UsedUp(u64),
}

/// Whether workers have user ids of their own, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce(Option<UidRange>);

impl InForce {
    /// Decides it, and says so in the log. Both directories exist.
    ///
    /// # Errors
    /// When a range is demanded and something stands in the way.
    pub fn decide(config: &ServiceConfig, state: &Path, run: &Path) -> Result<Self, UidsError> {
        let (range, demanded) = match config.worker_uids {
            WorkerUids::Off => (None, false),
            WorkerUids::Auto => (Some(UidRange::auto(choice_of(state))), false),
            WorkerUids::Range(range) => (Some(range), true),
        };
        let range = match range.map(|range| (range, preflight::obstacle(config, range, [state, run]))) {
            Some((_, Some(obstacle))) if demanded => return Err(UidsError::Obstacle(obstacle)),
            // An ordinary user's service is as it should be.
            Some((_, Some(obstacle @ Obstacle::Privilege(_)))) if !geteuid().is_root() => {
                tracing::info!(reason = chain(&obstacle), "workers share the service's user id");
                None
            }
            Some((_, Some(obstacle))) => {
                tracing::warn!(reason = chain(&obstacle), "workers share the service's user id");
                None
            }
            Some((range, None)) => {
                tracing::info!(
                    first = range.first,
                    last = range.last,
                    "each worker has a user id of its own"
                );
                Some(range)
            }
            None => None,
        };
        if range.is_none() && geteuid().is_root() {
            tracing::warn!("workers run as root, so Chromium's sandbox is off (--no-sandbox)");
        }
        Ok(Self(range))
    }

    /// Whether each worker gets an id of its own.
    pub fn gives_own(self) -> bool {
        self.0.is_some()
    }

    /// The mode of a directory that workers pass through: they cannot list it.
    pub fn mode(self) -> u32 {
        if self.0.is_some() { 0o711 } else { 0o700 }
    }
}

/// Who has which user id; cheap to clone.
#[derive(Debug, Clone)]
pub struct UidAllocator {
    in_force: InForce,
    state: StateLayout,
    run: RunLayout,
    /// A panic while the lock was held cannot leave it half changed: each change is one assignment.
    kept: Arc<Mutex<Allocation>>,
    /// Held over the disk and over who knows whom, by those who may wait for them. Nobody who only asks takes it.
    assigning: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct Allocation {
    table: Table,
    /// Ids that this process has given a worker: their files may not be there yet.
    given: HashSet<u32>,
}

impl UidAllocator {
    /// Reads who has which, and lets workers with ids of their own pass through the directories, which are locked
    /// for us.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(in_force: InForce, state: &StateLayout, run: &RunLayout) -> Result<Self, UidsError> {
        let mut table = read(&state.uids())?;
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| UidsError::Io { path, source }
        };
        if let Some(range) = in_force.0 {
            let root = state.root();
            let mode = fs::metadata(root).map_err(io(root))?.mode() & 0o7777;
            if mode & 0o011 != 0o011 {
                fs::set_permissions(root, Permissions::from_mode(mode | 0o011)).map_err(io(root))?;
            }
            // The file may have been lost; what lies on the disk tells.
            for user in users_on_disk(state).map_err(io(root))? {
                let auth_dir = state.auth_dir(&user);
                let uid = fs::symlink_metadata(&auth_dir).map_err(io(&auth_dir))?.uid();
                if range.contains(uid) && table.learn(&user, uid) {
                    tracing::warn!(%user, uid, "the user id of this user's files was not written down");
                }
            }
        }
        make_private(&run.user_dirs()).map_err(io(&run.user_dirs()))?;
        for path in [run.root(), &run.user_dirs()] {
            fs::set_permissions(path, Permissions::from_mode(in_force.mode())).map_err(io(path))?;
        }
        let kept = Arc::new(Mutex::new(Allocation { table, given: HashSet::new() }));
        Ok(Self { in_force, state: state.clone(), run: run.clone(), kept, assigning: Arc::default() })
    }

    /// Nobody has one.
    #[cfg(any(test, feature = "testing"))]
    pub fn off(state: &StateLayout, run: &RunLayout) -> Self {
        Self {
            in_force: InForce(None),
            state: state.clone(),
            run: run.clone(),
            kept: Arc::default(),
            assigning: Arc::default(),
        }
    }

    /// What the user's next worker is to do about its files and itself. Blocks.
    ///
    /// # Errors
    /// When an id cannot be kept on disk, or there is none left; then no worker may start.
    pub fn ownership(&self, user: &UserId) -> Result<Ownership, UidsError> {
        let _turn = self.assigning.lock();
        let auth_dir = self.state.auth_dir(user);
        let found = files::if_there(fs::symlink_metadata(&auth_dir))
            .map_err(|source| UidsError::Io { path: auth_dir.clone(), source })?
            .map(|found| (found.uid(), found.gid()));
        let (mut table, given) = {
            let kept = self.kept.lock();
            (kept.table.clone(), kept.given.clone())
        };
        let Some(range) = self.in_force.0 else {
            // What was given back entirely is not looked through again.
            let entry = table.of(user).filter(|entry| found.is_some_and(|(uid, _)| uid == entry.uid));
            let own = (geteuid().as_raw(), getegid().as_raw());
            return Ok(entry.map_or(Ownership::Keep, |entry| {
                let (to_uid, to_gid) = entry.before.unwrap_or(own);
                Ownership::GiveBack { uid: entry.uid, to_uid, to_gid }
            }));
        };
        let old = table.of(user).map(|entry| entry.uid);
        let uid = match old.filter(|uid| range.contains(*uid)) {
            Some(uid) => uid,
            None => {
                let owners = self.owners_on_disk()?;
                let running =
                    users_of_processes().map_err(|source| UidsError::Io { path: "/proc".into(), source })?;
                let unsure = Cell::new(None);
                let taken = |uid| {
                    owners.contains(&uid) || given.contains(&uid) || running.contains(&uid) || {
                        // What cannot be looked up is not ours to give.
                        is_account(uid).unwrap_or_else(|error| {
                            unsure.set(Some(error));
                            true
                        })
                    }
                };
                let assigned = table.assign(user, range, taken);
                if let Some(source) = unsure.take() {
                    return Err(UidsError::Io { path: "/etc/passwd".into(), source });
                }
                assigned.ok_or(UidsError::UsedUp(range.count()))?
            }
        };
        // An id of ours, from another range, is not whose it was before.
        let before = found.filter(|(found, _)| *found != uid && Some(*found) != old);
        let news = before.is_some_and(|before| table.remember(user, before));
        if old != Some(uid) || news {
            let path = self.state.uids();
            write(&path, &table).map_err(|source| UidsError::Io { path, source })?;
        }
        let mut kept = self.kept.lock();
        kept.table = table;
        kept.given.insert(uid);
        Ok(Ownership::Own { uid, supervisor: geteuid().as_raw() })
    }

    /// The id that the user's processes and files have, or had while there were such ids.
    pub fn of(&self, user: &UserId) -> Option<u32> {
        self.kept.lock().table.of(user).map(|entry| entry.uid)
    }

    /// Whether a worker of this user may have this id: ours, or its own.
    pub fn expects(&self, user: &UserId, uid: u32) -> bool {
        uid == geteuid().as_raw() || self.of(user) == Some(uid)
    }

    /// Whether a worker that started now would have another id than this one.
    pub fn outdates(&self, user: &UserId, uid: u32) -> bool {
        uid != self.own(user).unwrap_or_else(|| geteuid().as_raw())
    }

    /// The id that a worker of this user has, where workers have ids of their own.
    pub fn own(&self, user: &UserId) -> Option<u32> {
        self.in_force.0.and_then(|_| self.of(user))
    }

    /// Whether workers have ids of their own.
    pub fn in_force(&self) -> InForce {
        self.in_force
    }

    /// Whose the things in our directories are, down to [`LOOK_DEPTH`].
    ///
    /// # Errors
    /// When the machine has nothing left to look with: an id of which nothing was seen may be somebody's.
    fn owners_on_disk(&self) -> Result<BTreeSet<u32>, UidsError> {
        let mut owners = BTreeSet::new();
        for folder in [self.state.root(), &self.run.user_dirs()] {
            collect(folder, LOOK_DEPTH, &mut owners)
                .map_err(|source| UidsError::Io { path: folder.to_owned(), source })?;
        }
        Ok(owners)
    }
}

fn collect(folder: &Path, depth: usize, owners: &mut BTreeSet<u32>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if lack_of(&error).is_some() => return Err(error),
        entries => entries,
    };
    for entry in entries.into_iter().flatten() {
        let entry = entry?;
        // Of the entry itself, and not of where a link leads.
        let Ok(found) = entry.metadata() else { continue };
        owners.insert(found.uid());
        if depth > 1 && found.is_dir() {
            collect(&entry.path(), depth - 1, owners)?;
        }
    }
    Ok(())
}

/// A number of this state directory's own, the same at each start.
fn choice_of(state: &Path) -> u32 {
    let path = fs::canonicalize(state).unwrap_or_else(|_| state.to_owned());
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Whose processes run on this machine: those of another service may have an id of our range.
fn users_of_processes() -> io::Result<BTreeSet<u32>> {
    let pids = procfs::pids()?.filter_map(|pid| Pid::from_raw(pid.cast_signed()));
    pids.filter_map(|pid| real_uid(pid).transpose()).collect()
}

/// Whether the system knows somebody with this id.
///
/// # Errors
/// When the machine has nothing left to look with.
fn is_account(uid: u32) -> io::Result<bool> {
    match User::from_uid(Uid::from_raw(uid)).map_err(io::Error::from) {
        Err(error) if lack_of(&error).is_some() => Err(error),
        found => Ok(found.is_ok_and(|user| user.is_some())),
    }
}

/// No file is an empty table. One that cannot be read is set aside: what lies on the disk tells most of it again.
fn read(path: &Path) -> Result<Table, UidsError> {
    let io = |source| UidsError::Io { path: path.to_owned(), source };
    let Some(text) = files::if_there(private::read(path)).map_err(io)? else { return Ok(Table::default()) };
    serde_json::from_slice(&text).or_else(|error| {
        let aside = path.with_extension("damaged");
        files::rename(path, &aside).map_err(io)?;
        tracing::error!(%error, aside = %aside.display(), "who has which user id cannot be read; set aside");
        Ok(Table::default())
    })
}

fn write(path: &Path, table: &Table) -> io::Result<()> {
    files::write(path, &serde_json::to_vec_pretty(table)?)
}

#[cfg(test)]
mod tests;
