//! [`UserView`]: what everyone else may know of a user, published through a `watch` channel.
//!
//! Owns only types: the user's task writes them, handlers read them. A status is answered from here and never
//! by asking a worker.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::{ExitReason, SessionReport, SessionState};

use crate::admission::Wait;

/// Why the last linking by passkey failed. It is shown with the next code, so that people learn why there is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// WhatsApp's request was good until then, and nobody had signed.
    Expired,
    /// The operator has switched passkeys off.
    Off,
    /// Somebody cancelled it, nothing signed was accepted, or the page was lost meanwhile.
    Ended,
}

/// A user as the supervisor sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    /// Where the worker process is.
    pub phase: Phase,
    /// When `phase` or the session's state last changed.
    pub since: SystemTime,
    /// What the worker last said. Present only while it is connected and answers its pings:
    /// the word of a worker that is gone or silent is no state.
    pub report: Option<SessionReport>,
    /// The worker's process id, while there is one.
    pub pid: Option<u32>,
    /// How often the worker was started again after it ended unasked.
    pub restarts: u32,
    /// Failures in a row without a stable uptime between them.
    pub attempts: u32,
    /// Why the last worker ended.
    pub last_exit: Option<ExitReason>,
    /// Whether this user was linked the last time we knew (so that a page can say "reconnecting").
    pub was_linked: bool,
    /// How the last linking ended that the account's passkey would have been for, until a phone scans again.
    pub passkey_over: Option<Over>,
    /// While the session is parked: the last lines of the worker that failed last. Empty otherwise.
    /// They hold no secret and no text of a message.
    pub last_lines: Arc<[String]>,
    /// What its processes take; absent until it was measured, and where nobody measures.
    pub memory: Option<MemoryUse>,
    /// The worker's last sign of life, while it is connected.
    pub pong: Option<Pong>,
}

/// The answer to "are you there?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pong {
    /// When it came.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
}

/// What a user's processes take together, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// At the last measurement.
    pub used: u64,
    /// The most that was ever measured of these processes.
    pub peak: u64,
    /// The hard limit.
    pub cap: u64,
}

/// Where a user's worker process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// No process, and none wanted.
    Stopped,
    /// No process, and none before an operator says so.
    Held,
    /// Waits for a place among the running or the starting workers.
    Queued {
        /// For what.
        wait: Wait,
    },
    /// The process is being started, or its Hello is awaited.
    Starting,
    /// The worker is connected.
    Running,
    /// The worker ended; the next start is scheduled.
    BackingOff {
        /// When.
        until: SystemTime,
    },
    /// The worker is being stopped.
    Stopping {
        /// Why, where another one takes its place; absent where nobody wants one.
        back: Option<ExitReason>,
    },
    /// It failed too often; someone has to say "again".
    Parked {
        /// Why.
        reason: ExitReason,
    },
}

impl UserView {
    /// Of a user of whom nothing more is known.
    pub fn new(phase: Phase, since: SystemTime) -> Self {
        Self {
            phase,
            since,
            report: None,
            pid: None,
            restarts: 0,
            attempts: 0,
            last_exit: None,
            was_linked: false,
            passkey_over: None,
            last_lines: Arc::default(),
            memory: None,
            pong: None,
        }
    }

    /// The session's state, if a worker vouches for it.
    pub fn state(&self) -> Option<&SessionState> {
        match self.phase {
            Phase::Running => self.report.as_ref().map(|report| &report.state),
            _ => None,
        }
    }
}
