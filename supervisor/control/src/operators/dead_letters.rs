//! Events on their way out: how much waits for whom, what was given up, having either tried again, and giving up what
//! stands in others' way. Shows no payload: only which event, whose, and what went wrong.

use colmeia::UserId;
use colmeia::admin::{
    DeadLetter, DeadLetters, Discarded, EventQueue, EventQueues, QueueHead, Replayed, Retried,
};

use super::{Asker, OperationError, Operators};
use colmeia_events::delivery::shown;
use colmeia_events::journal::{EventId, Head, Queues, Which, now_ms};

/// The most dead letters that are shown at once.
const MOST: u32 = 10_000;

/// Which dead letters are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letters {
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
    pub async fn event_queues(&self) -> Result<EventQueues, OperationError> {
        let now = now_ms();
        let queues = self.0.journal.loads().await?.into_iter().map(|load| EventQueue {
            id: load.queue.id,
            user: load.queue.user,
            receiver: shown(&load.queue.address),
            pending: load.pending.unsigned_abs(),
            dead: load.dead.unsigned_abs(),
            head: load.head.map(|head| queue_head(head, now)),
        });
        Ok(EventQueues { queues: queues.collect() })
    }

    /// Has the event whose turn it is tried now, in each of these queues, and says in how many there was one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn retry(&self, queues: Queues, asker: Asker) -> Result<Retried, OperationError> {
        let retried = self.0.journal.urge(queues).await?;
        tracing::info!(retried, %asker, "events that wait are tried now, asked by an operator");
        Ok(Retried { retried: retried as u64 })
    }

    /// Makes a dead letter of the event whose turn it is in this queue, so that the next one has its turn. Where it is
    /// named, of no other.
    ///
    /// # Errors
    /// [`OperationError::NotItsTurn`] when nothing waits there, or another event does; or the journal's.
    pub async fn discard(
        &self,
        queue: i64,
        event: Option<EventId>,
        asker: Asker,
    ) -> Result<Discarded, OperationError> {
        let journal = &self.0.journal;
        let head = journal.pending(queue, 1).await?.pop().ok_or(OperationError::NotItsTurn)?.event;
        if event.is_some_and(|event| event != head.id) {
            return Err(OperationError::NotItsTurn);
        }
        let load = journal.loads().await?.into_iter().find(|load| load.queue.id == queue);
        let last = load.and_then(|load| load.head?.error).map(|last| format!("; before: {last}"));
        let error = format!("discarded by an operator{}", last.unwrap_or_default());
        if !journal.discard(head.row, queue, error).await? {
            return Err(OperationError::NotItsTurn);
        }
        tracing::info!(user = %head.user, event = %head.id, %asker, "an event that waited is discarded, asked by an operator");
        Ok(Discarded { discarded: head.id.to_string() })
    }

    /// What was given up, the newest first; of one user or of all.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn dead_letters(
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
    pub async fn replay(&self, letters: Letters, asker: Asker) -> Result<Replayed, OperationError> {
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

fn queue_head(head: Head, now_ms: i64) -> QueueHead {
    QueueHead {
        id: head.id.to_string(),
        since_ms: head.since_ms.unsigned_abs(),
        attempts: head.attempts,
        error: head.error,
        next_ms: (head.next_ms > now_ms).then_some(head.next_ms.unsigned_abs()),
    }
}
