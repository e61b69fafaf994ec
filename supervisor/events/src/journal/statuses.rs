//! `session.status` on its way to disk: what a user's task says of its session, and the task that keeps saying it to
//! the journal until it is written.
//!
//! Owns the queue between the two, so that a user's task waits for no disk. Never decides what a status is; that
//! the same one is not told twice, also over a restart, is the journal's business.

use std::time::Duration;

use colmeia::UserId;
use colmeia_base::tasks;
use tokio::sync::{mpsc, oneshot};

use super::status::StatusChange;
use super::{Journal, JournalError};
use colmeia::errors::chain;

/// How many changes are written at once.
const BATCH: usize = 256;
/// The first and the longest pause after the disk refused.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

enum StatusMessage {
    Change(UserId, StatusChange),
    Flush(oneshot::Sender<()>),
}

/// Where users' tasks put what they say; cheap to clone.
#[derive(Debug, Clone)]
pub struct Statuses(mpsc::UnboundedSender<StatusMessage>);

impl std::fmt::Debug for StatusMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StatusMessage")
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
        let _ = self.0.send(StatusMessage::Change(user.clone(), change)); // the task ends with the journal
    }

    /// Waits until what was said before is on disk, or the journal is closed.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.0.send(StatusMessage::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }
}

async fn keep(journal: Journal, mut said: mpsc::UnboundedReceiver<StatusMessage>) {
    let mut batch = Vec::new();
    while said.recv_many(&mut batch, BATCH).await > 0 {
        let (mut changes, mut flushes) = (Vec::new(), Vec::new());
        for said in batch.drain(..) {
            match said {
                StatusMessage::Change(user, change) => changes.push((user, change)),
                StatusMessage::Flush(done) => flushes.push(done),
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
