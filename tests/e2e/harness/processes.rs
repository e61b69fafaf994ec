//! The processes that a test caused: found by descent, and ended with it.

use std::sync::Once;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// A process as `/proc` shows it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    parent: i32,
    zombie: bool,
    /// Its command line, joined by spaces.
    pub(crate) command: String,
}

impl Process {
    /// Whether this is a worker: its program with no words. With some it converts a file, or tries something out.
    pub(crate) fn is_worker(&self) -> bool {
        self.command.ends_with("colmeia-worker") && !self.command.contains(' ')
    }

    /// Whether this is a user's browser (its main process).
    pub(crate) fn is_browser_of(&self, user: &str) -> bool {
        self.command.contains("--user-data-dir=")
            && self
                .command
                .split_whitespace()
                .any(|arg| arg.starts_with("--user-data-dir=") && arg.ends_with(&format!("_user_{user}")))
            && !self.command.contains("--type=")
    }

    /// Whether this is a renderer.
    pub(crate) fn is_renderer(&self) -> bool {
        self.command.contains("--type=renderer")
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.pid), signal);
    }
}

/// All living processes that descend from `root`; from the test itself when it is 0.
pub(crate) fn descendants(root: i32) -> Vec<Process> {
    let root = if root == 0 { i32::try_from(std::process::id()).expect("a pid") } else { root };
    let all: Vec<Process> = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            found.push(process.clone());
        }
    }
    found.retain(|process| !process.zombie);
    found
}

fn read(pid: i32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may contain any character.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let zombie = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
    Some(Process { pid, parent, zombie, command })
}

/// Ends whatever descends from this process when it ends: orphans come back to it.
struct Reaper;

impl Drop for Reaper {
    fn drop(&mut self) {
        end_all();
    }
}

/// Kills all descendants and waits for them.
pub(crate) fn end_all() {
    for _ in 0..200 {
        let left = descendants(0);
        if left.is_empty() {
            break;
        }
        for process in &left {
            process.signal(Signal::SIGKILL);
        }
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status.pid().is_some()) {}
        std::thread::yield_now();
    }
}

thread_local! {
    // A test's thread ends with its test, also when it panics.
    static REAPER: Reaper = const { Reaper };
}

/// Makes this process the one that orphans come back to. Called first.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        prctl::set_child_subreaper(true).expect("Linux");
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    REAPER.with(|_| ());
}
