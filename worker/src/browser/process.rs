//! A running browser: its id, its end, its last words. Owns the guarantee that dropping it ends it.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::sync::watch;

use super::proc_table::{self, Entry};

const STDERR_LINES: usize = 20;
/// A longer line is cut: what a browser writes there is for people.
const STDERR_LINE: u64 = 2_000;
const KILL_DEADLINE: Duration = Duration::from_secs(5);

/// How a browser ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The code it returned.
    pub(crate) code: Option<i32>,
    /// The signal it died of.
    pub(crate) signal: Option<i32>,
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self { code: status.code(), signal: status.signal() }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "it ended with code {code}"),
            (None, Some(signal)) => write!(f, "it died of signal {signal}"),
            (None, None) => f.write_str("it ended"),
        }
    }
}

/// The last lines that a browser wrote to its standard error.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// Goes on reading until the browser closes its end.
    pub(super) async fn listen(self, stderr: pipe::Receiver) {
        let mut reader = BufReader::new(stderr);
        loop {
            let mut line = Vec::new();
            match (&mut reader).take(STDERR_LINE).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if line.is_empty() {
                continue;
            }
            tracing::debug!(target: "colmeia_worker::browser", "browser: {line}");
            let mut lines = self.0.lock();
            if lines.len() == STDERR_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock();
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// A browser. Dropping it kills it and everything below it.
#[derive(Debug)]
pub(crate) struct BrowserProcess {
    pid: u32,
    /// Absent where that could not be seen when it was started.
    started: Option<u64>,
    exit: watch::Receiver<Option<Exit>>,
    last_words: LastWords,
}

impl BrowserProcess {
    pub(super) fn new(pid: u32, exit: watch::Receiver<Option<Exit>>, last_words: LastWords) -> Self {
        let started = proc_table::entry(pid).ok().flatten().map(|e| e.started);
        Self { pid, started, exit, last_words }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn last_words(&self) -> &LastWords {
        &self.last_words
    }

    /// A receiver that sees the browser's end.
    pub(crate) fn watch_exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    /// Waits at most this long for the browser to end by itself, then kills it. Every process of it is gone
    /// when this returns. `true` when it ended by itself with success.
    pub(crate) async fn end(&self, patience: Duration) -> bool {
        let family = self.family();
        let mut exit = self.exit.clone();
        let ended = tokio::time::timeout(patience, exit.wait_for(Option::is_some)).await;
        let ended = ended.ok().map(|exit| exit.ok().and_then(|exit| *exit));
        if ended.is_none() {
            tracing::warn!(pid = self.pid, "the browser did not close in time and is killed");
        }
        self.finish(family).await;
        ended.flatten().is_some_and(|exit| exit.code == Some(0))
    }

    async fn finish(&self, mut family: Vec<Entry>) {
        family.extend(self.family());
        family.extend(orphans());
        let left = proc_table::kill_and_wait(family, KILL_DEADLINE).await;
        if !left.is_empty() {
            let pids: Vec<u32> = left.iter().map(|e| e.pid).collect();
            tracing::error!(?pids, "processes of the browser cannot be ended");
        }
        let mut exit = self.exit.clone();
        let _ = tokio::time::timeout(KILL_DEADLINE, exit.wait_for(Option::is_some)).await;
    }

    /// The browser, if it lives, and everything below it.
    fn family(&self) -> Vec<Entry> {
        let Ok(table) = proc_table::table() else { return self.unseen().into_iter().collect() };
        let same =
            |e: &&Entry| e.pid == self.pid && !e.zombie && self.started.is_none_or(|at| at == e.started);
        let Some(itself) = table.iter().find(same) else { return Vec::new() };
        let mut family = vec![itself.clone()];
        family.extend(proc_table::descendants(self.pid, &table));
        family
    }

    /// The browser alone, where nobody can look who else there is. Its number is its own until its end was waited for; who is
    /// below it loses its pipe, and falls to the worker's own end.
    fn unseen(&self) -> Option<Entry> {
        let started = self.started.filter(|_| self.exit.borrow().is_none())?;
        Some(Entry { pid: self.pid, parent: std::process::id(), started, zombie: false })
    }
}

impl Drop for BrowserProcess {
    fn drop(&mut self) {
        if self.exit.borrow().is_none() {
            // From the leaves to the root would let the browser start new ones.
            for member in self.family() {
                proc_table::signal(member.pid, Signal::SIGKILL);
            }
        }
    }
}

/// Children of browsers that are gone: they fall to this process if it is a subreaper. A browser itself has
/// no `--type`.
fn orphans() -> Vec<Entry> {
    let me = std::process::id();
    // Where nobody can look, they are found at the worker's end.
    let Ok(table) = proc_table::table() else { return Vec::new() };
    let typed =
        |pid| proc_table::arguments(pid).is_ok_and(|words| words.iter().any(|a| a.contains("--type=")));
    let roots: Vec<&Entry> = table.iter().filter(|e| e.parent == me && !e.zombie && typed(e.pid)).collect();
    let below: Vec<Entry> = roots.iter().flat_map(|root| proc_table::descendants(root.pid, &table)).collect();
    roots.into_iter().cloned().chain(below).collect()
}
