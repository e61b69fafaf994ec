//! [`ServerControl`]: how the rest of the supervisor holds the HTTP server: it stops it, asks whether it turns, and waits
//! for a moment in which it works on nothing.
//!
//! Owns the counting of requests under way. Knows no request.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How often a quiet moment is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// The outside; cheap to clone.
#[derive(Debug, Clone)]
pub struct ServerControl {
    stop: CancellationToken,
    busy: TaskTracker,
    beats: mpsc::Sender<oneshot::Sender<()>>,
}

/// The server's side.
#[derive(Debug)]
pub struct Controlled {
    /// Cancelled when no more is to be accepted.
    pub stop: CancellationToken,
    /// One token per request whose answer is not there yet.
    pub busy: TaskTracker,
    /// Each is answered by the accept loop.
    pub beats: mpsc::Receiver<oneshot::Sender<()>>,
}

/// Both sides. Cancelling `stop` stops the server as [`ServerControl::stop`] does.
pub fn control(stop: CancellationToken) -> (ServerControl, Controlled) {
    let (asking, beats) = mpsc::channel(1);
    let busy = TaskTracker::new();
    (
        ServerControl { stop: stop.clone(), busy: busy.clone(), beats: asking },
        Controlled { stop, busy, beats },
    )
}

impl ServerControl {
    /// Accept no more, and finish what has begun.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether it was stopped.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Goes once through the accept loop. Waits as long as that does not turn; one that was stopped has ended, and
    /// then there is nothing to wait for.
    pub async fn beat(&self) {
        let (answer, answered) = oneshot::channel();
        let through = async { self.beats.send(answer).await.is_ok() && answered.await.is_ok() };
        if !through.await && !self.is_stopping() {
            std::future::pending::<()>().await;
        }
    }

    /// Something of someone else's that is not to be cut short: as long as this is kept, no moment is quiet.
    pub fn busy(&self) -> TaskTrackerToken {
        self.busy.token()
    }

    /// Waits for a moment in which no request is being worked on. Streams that only follow do not count.
    pub async fn quiet(&self) {
        while !self.busy.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
