//! Events on their way out: how much waits for whom, what was given up, and having that tried again. Shows no payload:
//! only which event, whose, and what went wrong.

use colmeia::UserId;
use colmeia::admin::{DeadLetter, DeadLetters, EventQueue, EventQueues, Replayed};

use super::{Asker, OperationError, Operators};
use crate::delivery::shown;
use crate::journal::{EventId, Which};

/// The most dead letters that are shown at once.
const MOST: u32 = 10_000;

/// Which dead letters are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Letters {
    /// All of them.
    All,
    /// One user's.
    Of(UserId),
    /// Those of these events.
    Named(Vec<EventId>),
}

impl Operators {
    /// How much waits for whom, and how much was given up.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn event_queues(&self) -> Result<EventQueues, OperationError> {
        let queues = self.0.journal.loads().await?.into_iter().map(|load| EventQueue {
            user: load.queue.user,
            receiver: shown(&load.queue.address),
            pending: load.pending.unsigned_abs(),
            dead: load.dead.unsigned_abs(),
        });
        Ok(EventQueues { queues: queues.collect() })
    }

    /// What was given up, the newest first; of one user or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(crate) async fn dead_letters(
        &self,
        user: Option<UserId>,
        limit: u32,
    ) -> Result<DeadLetters, OperationError> {
        let letters = self.0.journal.dead(Which { user, rows: None }, limit.min(MOST)).await?;
        let letters = letters.into_iter().map(|letter| DeadLetter {
            id: letter.event.id.to_string(),
            event: letter.event.kind.name().into(),
            receiver: shown(&letter.address),
            created_ms: letter.event.created_ms.unsigned_abs(),
            died_ms: letter.died_ms.unsigned_abs(),
            attempts: letter.attempts,
            error: letter.error,
            user: letter.event.user,
        });
        Ok(DeadLetters { letters: letters.collect() })
    }

    /// Has dead letters tried again, and says how many. Ids that are no event's of this journal name none.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(crate) async fn replay(&self, letters: Letters, asker: Asker) -> Result<Replayed, OperationError> {
        let journal = &self.0.journal;
        let which = match letters {
            Letters::All => Which::default(),
            Letters::Of(user) => Which { user: Some(user), rows: None },
            Letters::Named(ids) => {
                Which { user: None, rows: Some(ids.into_iter().filter_map(|id| journal.row(id)).collect()) }
            }
        };
        let replayed = journal.replay(which).await?;
        tracing::info!(replayed, %asker, "dead letters are tried again, asked by an operator");
        Ok(Replayed { replayed: replayed as u64 })
    }
}
