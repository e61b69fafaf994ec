//! [`ProfileHandle`]: what the session and the launcher say to the task of the profile. Owns the bounds of every wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use colmeia::SessionState;
use colmeia::session::Recovery;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::snapshots::NoSnapshot;

/// What a start waits for the snapshot before it; the launch has a deadline of its own.
const BEFORE_LAUNCH: Duration = Duration::from_secs(20);
/// What an end waits for its snapshot: the supervisor's patience is short.
const AT_THE_END: Duration = Duration::from_secs(2);
/// What an end waits for a repair: renames.
const REPAIR: Duration = Duration::from_secs(5);

/// What others may know of the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// When the newest snapshot was taken.
    pub(crate) snapshot_ms: Option<u64>,
    /// What was last done about a damaged profile.
    pub(crate) recovery: Option<Recovery>,
}

/// A snapshot that was asked for.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// When it was taken: its name.
    pub(crate) taken_ms: u64,
    /// The version of the browser whose it is.
    pub(crate) browser: Option<String>,
}

/// What the session shows of its registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Ready,
    /// The link was ended.
    LoggedOut,
    /// There is no link.
    Unlinked,
}

/// What the task is told.
#[derive(Debug)]
pub(super) enum Wish {
    Launching { browser: Option<String>, done: oneshot::Sender<()> },
    Seen(Seen),
    Crashed { often: oneshot::Sender<bool> },
    Snapshot { taken: oneshot::Sender<Result<Snapshot, NoSnapshot>> },
    Ended { damage: Option<String>, flushed: bool, done: oneshot::Sender<()> },
}

/// The task's other end; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ProfileHandle {
    pub(super) wishes: mpsc::UnboundedSender<Wish>,
    pub(super) known: watch::Receiver<Known>,
    /// Set when a snapshot under way is to give way.
    pub(super) hurry: Arc<AtomicBool>,
    pub(super) expects_link: bool,
}

impl ProfileHandle {
    /// Whether the profile should hold a registration: a page that asks for a scan is a sign of damage.
    pub(crate) fn expects_link(&self) -> bool {
        self.expects_link
    }

    /// What others may know.
    pub(crate) fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// A browser of this version is about to be started. Returns when it may.
    pub(crate) async fn launching(&self, browser: Option<String>) {
        let (done, waiting) = oneshot::channel();
        let _ = self.wishes.send(Wish::Launching { browser, done });
        if timeout(BEFORE_LAUNCH, waiting).await.is_err() {
            self.hurry.store(true, Ordering::Relaxed);
            tracing::warn!("the browser starts without a snapshot of the registration");
        }
    }

    /// The session has come to this state.
    pub(crate) fn session_is(&self, state: &SessionState) {
        let seen = match state {
            SessionState::Ready { .. } => Seen::Ready,
            SessionState::LoggedOut { .. } => Seen::LoggedOut,
            SessionState::AwaitingScan { qr: Some(_) } => Seen::Unlinked,
            _ => return,
        };
        let _ = self.wishes.send(Wish::Seen(seen));
    }

    /// The browser ended by itself before its page showed anything. Whether that happened so often in a row that its
    /// profile is to be suspected.
    pub(crate) async fn crashed(&self) -> bool {
        let (often, answered) = oneshot::channel();
        let _ = self.wishes.send(Wish::Crashed { often });
        matches!(timeout(REPAIR, answered).await, Ok(Ok(true)))
    }

    /// Takes a snapshot now. Its caller waits no longer than whoever asked for it.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, NoSnapshot> {
        let (taken, answered) = oneshot::channel();
        let _ = self.wishes.send(Wish::Snapshot { taken });
        answered.await.unwrap_or(Err(NoSnapshot::Ending))
    }

    /// The browser is gone: `damage` when its profile has to be replaced, `flushed` when it ended by itself and
    /// wrote everything. Returns when that is done, or after a short while.
    pub(crate) async fn ended(&self, damage: Option<String>, flushed: bool) {
        // A snapshot under a browser that is gone is not worth waiting for.
        self.hurry.store(true, Ordering::Relaxed);
        let patience = if damage.is_some() { REPAIR } else { AT_THE_END };
        let (done, waiting) = oneshot::channel();
        let _ = self.wishes.send(Wish::Ended { damage, flushed, done });
        if timeout(patience, waiting).await.is_err() {
            self.hurry.store(true, Ordering::Relaxed);
        }
    }
}
