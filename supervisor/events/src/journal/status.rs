//! `session.status` on its way to disk: what a user's task says of its session, and the task that keeps saying it to
//! the journal until it is written.
//!
//! Owns the queue between the two, so that a user's task waits for no disk. Never decides what a status is; that
//! the same one is not told twice, also over a restart, is the journal's business.

use std::time::Duration;

use colmeia::{ExitReason, Me, Restrictions, UserId};
use colmeia_base::tasks;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::{Journal, JournalError};
use colmeia::errors::chain;

/// How many changes are written at once.
const BATCH: usize = 256;
/// The first and the longest pause after the disk refused.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// What a user's task says of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The new status, such as `WORKING`.
    pub status: &'static str,
    /// The account, while there is one.
    pub me: Option<Me>,
    /// Why the last worker ended, where that is why the status changed.
    pub exit: Option<ExitReason>,
    /// It is told although the status is the same as before: there is another code to scan.
    pub again: bool,
    /// How many changes before it are not told one by one, because there were too many.
    pub joined: u32,
    /// What the account is restricted in, or no longer: only what there is to tell.
    pub restrictions: Box<Restrictions>,
}

/// It as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRecord {
    /// The status as WAHA names it.
    pub status: String,
    /// It and those before it, the newest last.
    pub statuses: Vec<StatusPoint>,
    /// Why the last worker ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<ExitReason>,
    /// How many changes before it are told with it alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub joined: u32,
    /// What the account is restricted in, or no longer.
    #[serde(default, skip_serializing_if = "Restrictions::is_unknown")]
    pub restrictions: Restrictions,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A status and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPoint {
    pub status: String,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}

enum Said {
    Change(UserId, StatusChange),
    Flush(oneshot::Sender<()>),
}

/// Where users' tasks put what they say; cheap to clone.
#[derive(Debug, Clone)]
pub struct Statuses(mpsc::UnboundedSender<Said>);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Said")
    }
}

impl Statuses {
    /// Starts the task.
    pub fn start(journal: Journal) -> Self {
        // Unbounded: a change is small, and what a session may tell has a quota.
        let (sender, said) = mpsc::unbounded_channel();
        tasks::vital("statuses", keep(journal, said));
        Self(sender)
    }

    /// Takes a change. Never waits.
    pub fn say(&self, user: &UserId, change: StatusChange) {
        let _ = self.0.send(Said::Change(user.clone(), change)); // the task ends with the journal
    }

    /// Waits until what was said before is on disk, or the journal is closed.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(Said::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }
}

async fn keep(journal: Journal, mut said: mpsc::UnboundedReceiver<Said>) {
    let mut batch = Vec::new();
    while said.recv_many(&mut batch, BATCH).await > 0 {
        let (mut changes, mut flushes) = (Vec::new(), Vec::new());
        for said in batch.drain(..) {
            match said {
                Said::Change(user, change) => changes.push((user, change)),
                Said::Flush(done) => flushes.push(done),
            }
        }
        let mut pause = PAUSES.0;
        while !changes.is_empty() {
            match journal.append_statuses(changes.clone()).await {
                Ok(()) => break,
                Err(JournalError::Closed) => return,
                Err(error) => {
                    tracing::error!(
                        error = chain(&error),
                        "changes of sessions wait until the disk takes them"
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
        for done in flushes {
            let _ = done.send(()); // who no longer waits has lost nothing
        }
    }
}
