//! What a dead worker leaves behind: [`sweep`] ends it, [`Children`] reaps what was handed to us.
//!
//! Owns the recognition of a worker's processes: by their session, or by a folder of their user's in
//! their environment (a crash handler makes a session of its own), or by the user id of their own, or by a parent that is
//! recognised. Never touches any other process.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use colmeia::errors::lack_of;
use colmeia_base::procfs::{self, Stat};
use parking_lot::{Mutex, RwLock};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, pidfd_send_signal, waitid,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{hears_signals, pidfd};
use crate::blocking;

/// How long killed processes may take to disappear. Only a process in the middle of a disk access needs any.
const SWEEP: Duration = Duration::from_secs(5);
/// When it is looked again where nothing could be seen.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The process id as a plain number.
pub fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Processes that belong together.
pub type Family = HashSet<Pid>;

/// All processes at one moment.
#[derive(Debug, Default)]
pub struct Table(HashMap<Pid, Stat>);

impl Table {
    /// Reads them. Blocks.
    ///
    /// # Errors
    /// When the machine has nothing left to look with.
    pub fn read() -> io::Result<Self> {
        processes().map(Self)
    }

    /// The living processes of the worker with this process id.
    pub fn family(&self, worker: Pid) -> Family {
        recognise(&self.0, Some(worker), |pid| pid == worker)
    }
}

/// By what a worker's processes are recognised.
#[derive(Debug, Clone)]
pub struct Traces {
    /// The worker's process id, which is the number of its session.
    pub session: Option<Pid>,
    /// What it and whatever it starts have in common.
    pub marks: Marks,
}

/// What all processes of a user have in common.
#[derive(Debug, Clone)]
pub struct Marks {
    /// The user's runtime folder: the worker's `TMPDIR`.
    pub user_dir: PathBuf,
    /// The worker's folder in the auth directory: the browser's `TMPDIR` is in it.
    pub own_dir: PathBuf,
    /// The user id that nobody else has, where there is one.
    pub uid: Option<u32>,
}

/// Our own children that are workers: their end is waited for by their owner. All other
/// children of ours were handed to us when their parent died, and are reaped here.
#[derive(Debug, Clone, Default)]
pub struct Children(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    workers: Mutex<HashSet<Pid>>,
    /// Held by all who are just starting one, which takes as long as the disk takes to hand out the program, and by who
    /// reaps the others. Nobody waits for it who must not wait for the disk.
    starting: RwLock<()>,
}

impl Children {
    /// Starts it, and counts it before anyone can reap it. Its handle stands for the process, whatever becomes of the id.
    ///
    /// # Errors
    /// Those of the system; then no process is left.
    pub fn spawn(&self, command: &mut Command) -> io::Result<(Child, Pid, OwnedFd)> {
        let _starting = self.0.starting.read();
        hears_signals(command);
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => {
                self.0.workers.lock().insert(pid);
                Ok((child, pid, handle))
            }
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// Counts a child that an earlier image of this program started: it is ours, though this image never
    /// spawned it. `false` for anyone else's.
    pub fn recover(&self, pid: Pid) -> bool {
        let mut workers = self.0.workers.lock();
        let ours = stat(pid).ok().flatten().is_some_and(|stat| stat.parent == number(getpid()));
        ours && workers.insert(pid)
    }

    /// The child is reaped.
    pub fn forget(&self, pid: Pid) {
        self.0.workers.lock().remove(&pid);
    }

    /// Reaps every dead child that is no worker. `false` when this is not the moment: a worker is just being started, or
    /// the machine has no descriptors to look with.
    pub fn reap_strangers(&self) -> bool {
        let Some(_nobody_starts) = self.0.starting.try_write() else { return false };
        let Ok(all) = processes() else { return false };
        let workers = self.0.workers.lock();
        let own = number(getpid());
        for (pid, stat) in all {
            if stat.zombie && stat.parent == own && !workers.contains(&pid) {
                reap(pid);
            }
        }
        true
    }
}

/// Kills what a dead worker left behind and waits until it is gone, within bounds.
pub async fn sweep(traces: Traces) {
    let mut deadline = None;
    loop {
        let of = traces.clone();
        let found = match blocking::looking(move || find_and_kill(&of)).await {
            Ok(Ok(found)) => found,
            // It cannot be seen what there is. Whatever is left would be in the way of the next worker.
            Ok(Err(_)) => {
                sleep(LOOK_AGAIN).await;
                continue;
            }
            Err(_) => return,
        };
        if found.is_empty() {
            return;
        }
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + SWEEP);
        for (pid, handle) in found {
            if timeout_at(deadline, pidfd::ended(handle.as_fd())).await.is_err() {
                tracing::error!(pid = pid.as_raw_nonzero().get(), "a killed process does not go away");
                return;
            }
            reap(pid);
        }
    }
}

/// # Errors
/// When the machine has nothing left to look with. That nothing was found would be no answer.
fn find_and_kill(traces: &Traces) -> io::Result<Vec<(Pid, OwnedFd)>> {
    let all = processes()?;
    let mut lacking = None;
    let mut found = recognise(&all, traces.session, |pid| {
        traces.marks.are_of(pid).unwrap_or_else(|error| {
            lacking = Some(error);
            false
        })
    });
    if let Some(error) = lacking {
        return Err(error);
    }
    if let Some(leader) = traces.session {
        found.remove(&leader); // dead already, and reaped by its owner
    }
    let mut handles = Vec::new();
    for pid in found {
        let opened = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from);
        let Some(handle) = unless_lacking(opened)? else { continue };
        // Between the listing and the handle the number may have gone to another process.
        let same =
            stat(pid)?.is_some_and(|now| all.get(&pid).is_some_and(|then| now.session == then.session));
        if same && pidfd_send_signal(&handle, Signal::KILL).is_ok() {
            handles.push((pid, handle));
        }
    }
    Ok(handles)
}

/// The living processes that belong to the worker.
fn recognise(
    all: &HashMap<Pid, Stat>,
    session: Option<Pid>,
    mut has_mark: impl FnMut(Pid) -> bool,
) -> HashSet<Pid> {
    let own = getpid();
    let session = session.map(number);
    let mut found: HashSet<Pid> = all
        .iter()
        .filter(|(pid, stat)| **pid != own && !stat.zombie)
        .filter(|(pid, stat)| session == Some(stat.session) || has_mark(**pid))
        .map(|(pid, _)| *pid)
        .collect();
    loop {
        let parents: HashSet<u32> = found.iter().map(|pid| number(*pid)).collect();
        let before = found.len();
        found.extend(
            all.iter()
                .filter(|(pid, stat)| **pid != own && !stat.zombie && parents.contains(&stat.parent))
                .map(|(pid, _)| *pid),
        );
        if found.len() == before {
            return found;
        }
    }
}

/// # Errors
/// When the machine has nothing left to look with; a process that is gone is none.
fn processes() -> io::Result<HashMap<Pid, Stat>> {
    let pids = procfs::pids()?.filter_map(|pid| Pid::from_raw(pid.cast_signed()));
    pids.filter_map(|pid| Some(stat(pid).transpose()?.map(|stat| (pid, stat)))).collect()
}

fn stat(pid: Pid) -> io::Result<Option<Stat>> {
    unless_lacking(Stat::of(number(pid)))
}

/// Of a process that cannot be asked nothing is known. A machine that has nothing left to ask with is an error.
fn unless_lacking<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Err(error) if lack_of(&error).is_some() => Err(error),
        answer => Ok(answer.ok()),
    }
}

impl Marks {
    fn are_of(&self, pid: Pid) -> io::Result<bool> {
        let own = match self.uid {
            Some(uid) => real_uid(pid)? == Some(uid),
            None => false,
        };
        Ok(own || has_mark(pid, &[self.user_dir.as_path(), self.own_dir.as_path()])?)
    }
}

/// The user id that the process runs as, also one that cannot be looked into otherwise.
///
/// # Errors
/// When the machine has nothing left to look with.
pub fn real_uid(pid: Pid) -> io::Result<Option<u32>> {
    let Some(status) = unless_lacking(procfs::read(number(pid), "status"))? else { return Ok(None) };
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Ok(line.and_then(|line| line.split_whitespace().next()?.parse().ok()))
}

/// Whether the process was started with one of these folders, or one in them, as its `TMPDIR`. Not every process can be
/// asked.
fn has_mark(pid: Pid, folders: &[&Path]) -> io::Result<bool> {
    let read = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    let Some(environment) = unless_lacking(read)? else { return Ok(false) };
    Ok(environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| entry.strip_prefix(b"TMPDIR="))
        .any(|dir| folders.iter().any(|folder| Path::new(OsStr::from_bytes(dir)).starts_with(folder))))
}

/// Reaps a dead process if it is our child; others have other parents.
fn reap(pid: Pid) {
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_mark_and_descent_are_recognised_and_nothing_else() {
        let pid = |raw| Pid::from_raw(raw).expect("positive");
        let all: HashMap<Pid, Stat> = [
            (10, 1, 10, false), // the worker's session
            (11, 10, 10, false),
            (12, 1, 12, false),  // has the mark
            (13, 12, 13, false), // its child
            (14, 1, 10, true),   // dead already
            (20, 1, 20, false),  // a stranger
            (21, 20, 20, false),
        ]
        .into_iter()
        .map(|(raw, parent, session, zombie)| (pid(raw), Stat { zombie, parent, session, ..Stat::default() }))
        .collect();
        let found = recognise(&all, Some(pid(10)), |candidate| candidate == pid(12));
        assert_eq!(found, HashSet::from([10, 11, 12, 13].map(pid)));
    }

    #[test]
    fn a_process_tells_its_user_id() {
        assert_eq!(real_uid(getpid()).expect("known"), Some(rustix::process::getuid().as_raw()));
    }

    #[tokio::test]
    async fn what_carries_the_mark_is_killed() {
        let folder = tempfile::tempdir().expect("folder");
        let mut child = Command::new("sleep")
            .arg("1000")
            .env("TMPDIR", folder.path().join("tmp"))
            .spawn()
            .expect("sleep runs");
        // Right after the fork the environment is still ours: exec is over when the name has changed.
        let comm = format!("/proc/{}/comm", child.id());
        while fs::read_to_string(&comm).expect("alive").trim() != "sleep" {
            tokio::task::yield_now().await;
        }
        let marks = Marks { user_dir: "/nowhere".into(), own_dir: folder.path().to_owned(), uid: None };
        sweep(Traces { session: None, marks }).await;
        assert!(!Path::new(&format!("/proc/{}", child.id())).exists());
        assert!(child.wait().is_err(), "it is reaped already");
    }
}
