//! [`Groups`]: a control group (cgroup v2) for each user, below one that systemd has delegated to us.
//!
//! ```text
//! colmeia.slice/
//!   colmeia.service/           our own: stays a leaf, so that systemd can start us again beside living workers
//!   colmeia-sessions.service/  delegated; its attributes are systemd's and are never written, only handed down from
//!     users/<uid>/             memory.max, memory.high, memory.swap.max, pids.max, cpu.weight
//!       worker/                survives to report what happened
//!       browser/               memory.oom.group=1: dies as a whole
//! ```
//!
//! The kernel lets no process into a group that hands controllers down, and systemd 252 starts a service in its
//! unit's own group: with the users below our own it could not start us again while workers live. Where there is
//! no `-sessions` unit beside ours but our own group is delegated, `users/` lies in that one after all, and we move
//! into a leaf `supervisor/` of it.
//!
//! Owns these names and the order of the writes. A process enters its group between fork and exec, through a
//! file that was opened before. Nothing outside the delegated group is touched, and no path with `..` is used.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use colmeia::config::MemoryPolicy;
use colmeia::{UserId, layout};
use colmeia_base::files::if_there;

/// Our own, where users' groups lie below the same one as we.
const LEAF: &str = "supervisor";
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];
const HAND_DOWN: &str = "+memory +pids +cpu";
const MIB: u64 = 1024 * 1024;
/// How long killed processes may take to leave their group. Blocks a thread of its own.
const EMPTY: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// Why control groups cannot be used, or one of them not.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The old hierarchy, or none.
    #[error("cgroup v2 is not mounted at {}", .0.display())]
    NotUnified(PathBuf),
    /// We are in no group of our own.
    #[error("our own group is {0:?}, which nobody can have delegated to us")]
    NotOurs(String),
    /// Workers could not be moved: from our group into theirs leads a group that is not ours to use.
    #[error("workers cannot enter the groups of users: {} is closed to us", path.display())]
    NoWay {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not all that is needed is handed down to us.
    #[error("the controller {0} is not delegated (systemd: Delegate=yes)")]
    NotDelegated(&'static str),
    /// A file or folder of a group.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl CgroupError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}

/// The file operations on groups; a test stands a folder in for the kernel.
pub(crate) trait Files: std::fmt::Debug + Send + Sync {
    fn read(&self, path: &Path) -> io::Result<String> {
        fs::read_to_string(path)
    }
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        use io::Write as _;
        fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
    }
    fn may_write(&self, path: &Path) -> io::Result<()> {
        fs::OpenOptions::new().write(true).open(path).map(drop)
    }
    fn make(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
    fn children(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(fs::read_dir(path)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
    }
}

/// The kernel's own.
#[derive(Debug)]
pub(crate) struct Kernel;
impl Files for Kernel {}

/// All users' groups; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    files: Arc<dyn Files>,
    users: PathBuf,
    mount: PathBuf,
}

/// One user's group.
#[derive(Debug, Clone)]
pub struct Group {
    files: Arc<dyn Files>,
    path: PathBuf,
}

impl Groups {
    /// Finds the group that was delegated to us and hands its controllers down; where that is our own, after
    /// moving into a leaf of it. `own` is what `/proc/self/cgroup` says, `mount` where the hierarchy lies.
    ///
    /// # Errors
    /// [`CgroupError`] says what is missing.
    pub(crate) fn set_up(files: Arc<dyn Files>, own: &str, mount: &Path) -> Result<Self, CgroupError> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"));
        let path = path.ok_or_else(|| CgroupError::NotUnified(mount.to_owned()))?;
        let mut relative = Path::new(path.strip_prefix('/').unwrap_or(path));
        // After a re-execution we are in our leaf already.
        if relative.file_name().is_some_and(|name| name == LEAF) {
            relative = relative.parent().unwrap_or(relative);
        }
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || relative.as_os_str().is_empty() {
            return Err(CgroupError::NotOurs(path.to_owned()));
        }
        let own = mount.join(relative);
        let controllers = |group: &Path| files.read(&group.join("cgroup.controllers"));
        let beside = layout::sessions_group(&own).filter(|group| controllers(group).is_ok());
        let root = beside.clone().unwrap_or_else(|| own.clone());
        let there = controllers(&root).map_err(|_| CgroupError::NotUnified(mount.to_owned()))?;
        for needed in CONTROLLERS {
            if !there.split_whitespace().any(|controller| controller == needed) {
                return Err(CgroupError::NotDelegated(needed));
            }
        }
        let groups = Self { files, users: root.join("users"), mount: mount.to_owned() };
        if beside.is_some() {
            // The kernel asks for this of whoever moves a process from one of two groups into the other.
            let path = root.parent().unwrap_or(mount).join("cgroup.procs");
            let may = groups.files.may_write(&path);
            may.map_err(|source| CgroupError::NoWay { path, source })?;
        } else {
            groups.make(&root.join(LEAF))?;
            groups.write(&root.join(LEAF).join("cgroup.procs"), "0")?;
        }
        groups.hand_down()?;
        Ok(groups)
    }

    /// Makes the folder of all users, where controllers are at hand; does nothing where that has been done.
    fn hand_down(&self) -> Result<(), CgroupError> {
        let root = self.users.parent().unwrap_or(&self.users);
        self.write(&root.join("cgroup.subtree_control"), HAND_DOWN)?;
        self.make(&self.users)?;
        self.write(&self.users.join("cgroup.subtree_control"), HAND_DOWN)
    }

    /// An empty group for the user, with these caps in force before anything runs in it. What is left of an
    /// earlier one is ended.
    ///
    /// # Errors
    /// Those of the first file that cannot be written, named.
    pub(crate) fn create(&self, user: &UserId, policy: &MemoryPolicy) -> Result<Group, CgroupError> {
        let group = self.of(user);
        group.remove();
        // The group of all may be a new one: its unit can be restarted without us.
        self.hand_down()?;
        self.make(&group.path)?;
        self.limit(&group, policy)?;
        self.write(&group.path.join("cgroup.subtree_control"), "+memory +pids")?;
        self.make(&group.path.join("worker"))?;
        self.make(&group.path.join("browser"))?;
        self.write(&group.path.join("browser/memory.oom.group"), "1")?;
        Ok(group)
    }

    /// Writes the caps of a group; also while something runs in it.
    ///
    /// # Errors
    /// The first file that cannot be written, named.
    pub(super) fn limit(&self, group: &Group, policy: &MemoryPolicy) -> Result<(), CgroupError> {
        let max = policy.max_mb.saturating_mul(MIB);
        // The kernel's brake. Above it each allocation waits, longer and longer, so it stands just below the
        // cap: a page that is put to sleep at the soft limit would look hung before it could be replaced.
        let brake = max - max.saturating_sub(policy.high_mb.saturating_mul(MIB)) / 8;
        for (attribute, value) in [
            ("memory.max", max),
            ("memory.high", brake),
            ("memory.swap.max", policy.swap_max_mb.saturating_mul(MIB)),
            ("pids.max", policy.pids_max),
            ("cpu.weight", policy.cpu_weight),
        ] {
            match self.write(&group.path.join(attribute), &value.to_string()) {
                // A kernel without swap has no such file, and no need of it.
                Err(CgroupError::Io { source, .. })
                    if attribute == "memory.swap.max" && source.kind() == io::ErrorKind::NotFound => {}
                written => written?,
            }
        }
        Ok(())
    }

    /// The lowest cap of the groups above all users, if one has any: the unit's, the slice's. Read, never written.
    pub(crate) fn unit_limit(&self) -> Option<u64> {
        lowest_cap(&*self.files, self.users.parent()?, &self.mount).map(|(_, cap)| cap)
    }

    /// The user's group, if there is one: that of an adopted worker.
    pub(crate) fn find(&self, user: &UserId) -> Option<Group> {
        Some(self.of(user)).filter(|group| self.files.read(&group.path.join("memory.current")).is_ok())
    }

    /// Ends whatever runs in the groups of other users than these, and removes them. Blocks.
    pub(crate) fn clear_away_all_but(&self, kept: &[UserId]) {
        for path in self.files.children(&self.users).unwrap_or_default() {
            let known = kept.iter().any(|user| path.file_name().is_some_and(|name| name == user.as_str()));
            if !known {
                tracing::warn!(group = %path.display(), "a group that nobody uses is cleared away");
                Group { files: Arc::clone(&self.files), path }.remove();
            }
        }
    }

    /// A user's id has no `/` and is never `.` or `..`.
    fn of(&self, user: &UserId) -> Group {
        Group { files: Arc::clone(&self.files), path: self.users.join(user.as_str()) }
    }

    fn make(&self, path: &Path) -> Result<(), CgroupError> {
        match self.files.make(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(CgroupError::io("make", path)),
        }
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), CgroupError> {
        self.files.write(path, text).map_err(CgroupError::io("write", path))
    }
}

/// The lowest cap of the groups in which we are, where none was delegated to us: a container's, which sees its own group as
/// the root of all, or a unit's. `own` is what `/proc/self/cgroup` says, `mount` where the hierarchy lies. Read, never
/// written.
pub(crate) fn limit_around(files: &dyn Files, own: &str, mount: &Path) -> Option<u64> {
    capped_around(files, own, mount).map(|(_, cap)| cap)
}

/// The same, with the group that has it: whoever shows how much is in use asks that one.
pub(crate) fn capped_around(files: &dyn Files, own: &str, mount: &Path) -> Option<(PathBuf, u64)> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let relative = Path::new(path.strip_prefix('/').unwrap_or(path));
    // One that lies outside of what this container sees has `..` in it; its root is the container's own group then.
    let seen = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let group = if seen { mount.join(relative) } else { mount.to_owned() };
    // A container may see the whole path of its group and only the group itself below the mount.
    lowest_cap(files, &group, mount)
}

/// The lowest `memory.max` from this group up to the mount, and whose it is. The machine's own root has none.
fn lowest_cap(files: &dyn Files, group: &Path, mount: &Path) -> Option<(PathBuf, u64)> {
    let above = group.ancestors().take_while(|group| group.starts_with(mount));
    let cap = |group: &Path| files.read(&group.join("memory.max")).ok()?.trim().parse().ok();
    above.filter_map(|group| Some((group.to_owned(), cap(group)?))).min_by_key(|(_, cap)| *cap)
}

impl Group {
    /// The file through which a worker enters: opened before the fork, written before the exec.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn worker_entrance(&self) -> Result<File, CgroupError> {
        let path = self.path.join("worker/cgroup.procs");
        fs::OpenOptions::new().write(true).open(&path).map_err(CgroupError::io("open", &path))
    }

    /// The file through which the browser enters; the worker opens it.
    pub fn browser_entrance(&self) -> PathBuf {
        self.path.join("browser/cgroup.procs")
    }

    /// Lets a worker with this user id move its browser from one leaf into the other, and nowhere else: the kernel
    /// asks for the right to write to the leaf and to what both have above them.
    ///
    /// # Errors
    /// When a file cannot be given.
    pub fn give_to(&self, uid: u32) -> Result<(), CgroupError> {
        // Our umask closes the folders that we make. Who passes through sees no names.
        let browser = self.path.join("browser");
        let folders = [self.path.parent().unwrap_or(&self.path), self.path.as_path(), browser.as_path()];
        for path in folders {
            let opened = fs::set_permissions(path, Permissions::from_mode(0o711));
            opened.map_err(CgroupError::io("open", path))?;
        }
        for path in [self.path.join("cgroup.procs"), self.browser_entrance()] {
            let given = std::os::unix::fs::chown(&path, Some(uid), Some(uid));
            given.map_err(CgroupError::io("give", &path))?;
        }
        Ok(())
    }

    /// The bytes in use, without the files that the kernel keeps only while nobody needs the memory.
    pub fn used(&self) -> Option<u64> {
        let current: u64 = self.files.read(&self.path.join("memory.current")).ok()?.trim().parse().ok()?;
        Some(current.saturating_sub(self.value("memory.stat", "inactive_file").unwrap_or(0)))
    }

    /// Has the kernel move what nobody in here touches into swap, and says how many bytes that were. Blocks until it is
    /// done.
    ///
    /// # Errors
    /// When the kernel cannot (before Linux 5.19), or refuses.
    pub fn move_out(&self) -> Result<u64, CgroupError> {
        let path = self.path.join("memory.reclaim");
        let (before, wanted) = (self.swapped(), self.value("memory.stat", "anon").unwrap_or(0));
        // Since Linux 6.8 files can be left alone: the programs that all sessions share are among them.
        let told = match self.files.write(&path, &format!("{wanted} swappiness=200")) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.files.write(&path, &wanted.to_string())
            }
            told => told,
        };
        match told {
            // It was less than that, as expected: the rest is in use.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            told => told.map_err(CgroupError::io("write", &path))?,
        }
        Ok(self.swapped().saturating_sub(before))
    }

    /// The bytes in swap.
    fn swapped(&self) -> u64 {
        let text = self.files.read(&self.path.join("memory.swap.current")).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// How many processes in here the kernel has ended because of the cap.
    pub fn kills(&self) -> u64 {
        self.value("memory.events", "oom_kill").unwrap_or(0)
    }

    /// The most bytes that were ever in use; `None` before Linux 5.19.
    pub fn peak(&self) -> Option<u64> {
        self.files.read(&self.path.join("memory.peak")).ok()?.trim().parse().ok()
    }

    /// Ends everything in here and removes the group. Blocks, within bounds.
    pub fn remove(&self) {
        let deadline = Instant::now() + EMPTY;
        loop {
            let _ = self.files.write(&self.path.join("cgroup.kill"), "1");
            for leaf in self.files.children(&self.path).unwrap_or_default() {
                let _ = self.files.remove(&leaf);
            }
            match if_there(self.files.remove(&self.path)) {
                Ok(_) => return,
                Err(error) if Instant::now() >= deadline => {
                    tracing::error!(group = %self.path.display(), %error, "a group cannot be removed");
                    return;
                }
                Err(_) => std::thread::sleep(LOOK),
            }
        }
    }

    fn value(&self, file: &str, key: &str) -> Option<u64> {
        let text = self.files.read(&self.path.join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
    }
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
