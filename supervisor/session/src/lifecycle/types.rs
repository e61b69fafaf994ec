//! The words of the policy: what happens ([`Event`]), what is to be done ([`Action`]), where a worker is
//! ([`State`]). Owns no rule.

use std::time::Duration;

use colmeia::config::ServiceConfig;
use colmeia::{ExitReason, SessionState};
use serde::{Deserialize, Serialize};

use super::Lifecycle;
use crate::admission::Wait;

/// The moment of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Time since some fixed beginning; never goes back.
    pub at: Duration,
    /// A random number in `0.0..1.0`.
    pub chance: f64,
}

/// The numbers of the configuration that decide here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub base: Duration,
    pub cap: Duration,
    pub stable: Duration,
    pub burst: usize,
    pub burst_window: Duration,
    pub idle: Duration,
    pub hello: Duration,
    pub settle: Duration,
    pub stop: Duration,
    pub disconnect: Duration,
}

/// Where the user's worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// No process and none wanted.
    Stopped { until: Duration },
    /// Waits for a place.
    Queued { wait: Wait },
    /// There is a process, and its Hello is awaited; `again` after a connection was lost.
    Starting { until: Duration, again: bool },
    /// Connected.
    Running { since: Duration, settled: bool },
    /// The phone is being told.
    LoggingOut { until: Duration },
    /// The process is asked to end, or killed.
    Stopping { until: Duration, ending: Ending },
    /// No process until then.
    BackingOff { until: Duration },
    /// No process until someone asks, and not before `until`.
    Parked { reason: ExitReason, until: Duration },
}

impl State {
    /// Its name in logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Queued { .. } => "queued",
            Self::Starting { .. } => "starting",
            Self::Running { .. } => "running",
            Self::LoggingOut { .. } => "logging_out",
            Self::Stopping { .. } => "stopping",
            Self::BackingOff { .. } => "backing_off",
            Self::Parked { .. } => "parked",
        }
    }
}

/// Why a process is being ended, and what comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Asked for: no failure.
    Asked,
    /// Another one is to take its place at once: no failure. With what its end is called.
    Replaced(ExitReason),
    /// Something is wrong with it.
    Failed(ExitReason),
}

/// What of a user's history passes from one image of the supervisor to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Carried {
    attempts: u32,
    restarts: u32,
    /// Failures within the burst window.
    failures: usize,
    last_exit: Option<ExitReason>,
    /// How long the next start was still to be put off, in milliseconds.
    backing_off_ms: Option<u64>,
}

/// What a worker's report means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The page is not there yet.
    Starting,
    /// It waits for a phone.
    Unlinked,
    /// A phone is just being linked.
    Pairing,
    /// A phone is linked.
    Linked,
    /// The session is about to end.
    Ending,
}

/// Whether a session can be replaced just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Nobody waits for an answer of it, and no phone is just being linked.
    pub quiet: bool,
    /// Every event that it has told is on disk, and there is room for more.
    pub saved: bool,
}

/// What becomes of the wish for another worker in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The worker is being replaced.
    Begun,
    /// Not just now; ask again.
    Later,
    /// There is no such worker.
    Needless,
}

/// Whether the phone learned that its device is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneNotified {
    /// WhatsApp has it from the page.
    Yes,
    /// Nobody could be told, or it is not known.
    No,
    /// There was no phone to tell.
    Nobody,
}

/// What happens to a user's worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Someone wants the session.
    Wake,
    /// Others wait for a place, and nobody is watching this session.
    GiveWay,
    /// The wish for a place is in the queue.
    Waiting { wait: Wait },
    /// There is a place.
    Admitted,
    /// The worker said Hello.
    Connected,
    /// The worker could not be reached or said something else than Hello.
    Unreachable { why: String },
    /// The connection ended.
    LinkLost,
    /// We closed the connection ourselves, to begin a new one.
    Resync,
    /// The worker said something that no worker says.
    Violation,
    /// The worker has not answered for too long.
    Hung,
    /// Its memory is above the hard limit.
    OverMemory,
    /// Its memory has been above the soft limit for long, and nobody would miss the session just now.
    Recycle,
    /// The worker told where its session is.
    Report(Standing),
    /// The process and everything that it left are gone.
    Exited(ExitReason),
    /// The phone was told, or could not be told.
    LogoutDone { told: PhoneNotified },
    /// The worker is to be replaced by one of our version.
    Renew,
    /// Log out, stop, delete.
    Disconnect,
    /// Stop, delete and forget, without a word to the phone: the operator's cure.
    Reset,
    /// Whoever owns the session wants it, and everything of it, gone.
    Delete,
    /// An operator wants no process until they say otherwise.
    Hold,
    /// An operator wants the session now, whatever held it back.
    Start,
    /// An operator wants a new process in the place of this one.
    Restart,
    /// The disk has room again.
    Room,
    /// The disk was full while this process ran.
    MetFullDisk,
    /// It is this session's turn to be replaced, if the disk was full under it.
    Mend(Moment),
    /// Another profile, of a session that was linked, is in the place of the one before.
    Replaced,
    /// Stop and keep: the supervisor ends.
    Shutdown,
    /// As `Shutdown`, at once.
    Hurry,
    /// No process could be started, because the machine has nothing left for one; with what that is called.
    NoMeans(ExitReason),
    /// What we do about the start takes us longer than it should: a slow disk, a machine without descriptors. That is
    /// not held against the worker.
    Delayed,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask for a place to start in.
    RequestPlace,
    /// The start is over: let the next one start.
    Settle,
    /// Keep the place, but nothing runs in it.
    RestPlace,
    /// Give the place back, or leave the queue.
    ReleasePlace,
    /// Whether somebody would miss the session, if another needs the place.
    Watch { watched: bool },
    /// Start the process and connect to it.
    Spawn,
    /// Connect again.
    Connect,
    /// Ask the process to end.
    Stop,
    /// End the process.
    Kill,
    /// Ask the session to log the phone out.
    Logout,
    /// Keep on disk whether this user is worth being brought back at boot.
    Remember { linked: bool },
    /// Keep on disk whether an operator holds the user back.
    KeepHold { held: bool },
    /// Keep on disk whether the user is parked, and why.
    KeepParked { parked: bool },
    /// Delete the auth directory; who asked for the deletion learns of the phone too.
    DeleteAuth { told: PhoneNotified },
    /// Answer those who asked for the disconnect.
    AnswerDisconnect { told: PhoneNotified },
    /// The task is not needed any more.
    Finish,
}

impl Rules {
    pub(crate) fn of(config: &ServiceConfig) -> Self {
        let restart = &config.restart;
        Self {
            base: Duration::from_millis(restart.base_ms),
            cap: Duration::from_millis(restart.cap_ms),
            stable: Duration::from_secs(restart.stable_secs),
            burst: restart.burst as usize,
            burst_window: Duration::from_secs(restart.burst_window_secs),
            idle: Duration::from_secs(config.unlinked_idle_secs),
            hello: Duration::from_millis(config.hello_deadline_ms),
            settle: Duration::from_millis(config.deadlines.launch_ms + config.deadlines.load_ms),
            stop: Duration::from_millis(config.stop_deadline_ms),
            disconnect: Duration::from_millis(config.disconnect_deadline_ms),
        }
    }
}

impl Carried {
    /// At this time.
    pub(super) fn of(policy: &Lifecycle, at: Duration) -> Self {
        let window = policy.rules.burst_window;
        Self {
            attempts: policy.attempts,
            restarts: policy.restarts,
            failures: policy.failures.iter().filter(|failed| **failed + window >= at).count(),
            last_exit: policy.last_exit.clone(),
            backing_off_ms: match policy.state {
                State::BackingOff { until } => {
                    Some(u64::try_from(until.saturating_sub(at).as_millis()).unwrap_or(u64::MAX))
                }
                _ => None,
            },
        }
    }

    /// Goes on with this. The failures count as if they had just happened, and a delay is not longer than any.
    pub(super) fn take_up(self, policy: &mut Lifecycle, at: Duration) {
        policy.attempts = self.attempts;
        policy.restarts = self.restarts;
        policy.last_exit = self.last_exit;
        policy.failures = std::iter::repeat_n(at, self.failures.min(policy.rules.burst)).collect();
        if let (Some(ms), State::Stopped { .. }) = (self.backing_off_ms, &policy.state) {
            policy.state = State::BackingOff { until: at + Duration::from_millis(ms).min(policy.rules.cap) };
        }
    }
}

impl From<&SessionState> for Standing {
    fn from(state: &SessionState) -> Self {
        match state {
            SessionState::Launching | SessionState::Loading => Self::Starting,
            SessionState::AwaitingScan { .. } | SessionState::LoggedOut { .. } => Self::Unlinked,
            SessionState::Pairing
            | SessionState::Passkey { me: None, .. }
            | SessionState::PasskeyConfirm { .. } => Self::Pairing,
            SessionState::Passkey { me: Some(_), .. } => Self::Linked,
            SessionState::Syncing { .. } | SessionState::Ready { .. } | SessionState::Reconnecting { .. } => {
                Self::Linked
            }
            SessionState::Stopping | SessionState::Failed { .. } => Self::Ending,
        }
    }
}
