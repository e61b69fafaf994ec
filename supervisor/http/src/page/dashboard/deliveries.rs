//! A session's events on their way out: which receivers hold them up, and the forms that try again or give up.

use std::time::{Duration, SystemTime};

use axum::extract::Path;
use axum::response::Response;
use colmeia::UserId;
use colmeia::admin::{EventQueue, Replayed};

use super::super::super::names;
use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::told::{Outcome, Posted};
use super::words;
use colmeia_control::operators::{Asker, Letters, OperationError};
use colmeia_events::journal::Queues;

/// A receiver that does not take what it is to be told.
pub(super) struct Stuck {
    pub(super) queue: i64,
    pub(super) receiver: String,
    pub(super) waiting: u64,
    pub(super) since: String,
    /// How the last attempt ended.
    pub(super) error: String,
    /// When it is tried again.
    pub(super) next: String,
    /// The event whose turn it is.
    pub(super) event: String,
}

impl Stuck {
    /// Those of these queues in which an attempt has failed.
    pub(super) fn of<'a>(
        queues: impl Iterator<Item = &'a EventQueue>,
        now: SystemTime,
        language: Language,
    ) -> Vec<Self> {
        let at = |ms: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let stuck = |queue: &EventQueue| {
            let head = queue.head.as_ref()?;
            Some(Self {
                queue: queue.id,
                receiver: queue.receiver.clone(),
                waiting: queue.pending,
                since: words::ago(at(head.since_ms), now, language),
                error: names::delivery(head.error.as_deref()?, language),
                next: words::until(head.next_ms.map(at), now, language),
                event: head.id.clone(),
            })
        };
        queues.filter_map(stuck).collect()
    }
}

/// `POST /sessions/{user}/replay`: the session's dead letters are tried again.
pub(super) async fn replay(Path(name): Path<String>, posted: Posted) -> Response {
    act(&posted, &name, async |user| {
        let Replayed { replayed } = posted.http.operators.replay(Letters::Of(user), Asker::Dashboard).await?;
        Ok(match posted.language {
            Portuguese => format!("Eventos na fila de novo: {replayed}."),
            English => format!("Events in the queue again: {replayed}."),
        })
    })
    .await
}

/// `POST /sessions/{user}/retry`: what waits for a receiver is tried now.
pub(super) async fn retry(Path(name): Path<String>, posted: Posted) -> Response {
    act(&posted, &name, async |user| {
        let queue = own_queue(&posted, &user).await?;
        posted.http.operators.retry(Queues::Numbered(queue), Asker::Dashboard).await?;
        Ok(posted.language.pick("A entrega é tentada agora.", "The delivery is tried now.").into())
    })
    .await
}

/// `POST /sessions/{user}/discard`: the event that was seen to stand first becomes a dead letter.
pub(super) async fn discard(Path(name): Path<String>, posted: Posted) -> Response {
    act(&posted, &name, async |user| {
        let queue = own_queue(&posted, &user).await?;
        let event = posted.fields.event.parse().map_err(|_| OperationError::NotItsTurn)?;
        posted.http.operators.discard(queue, Some(event), Asker::Dashboard).await?;
        let message = posted.language.pick(
            "O evento foi descartado e está entre os não entregues. O próximo é entregue.",
            "The event was discarded and is among those that were given up. The next one is delivered.",
        );
        Ok(message.into())
    })
    .await
}

/// Does this for a session if the form is ours, and answers with a sentence.
async fn act(
    posted: &Posted,
    name: &str,
    what: impl AsyncFnOnce(UserId) -> Result<String, OperationError>,
) -> Response {
    let done = async |user| match what(user).await {
        Ok(message) => Ok(Outcome::done(message)),
        Err(error) => Err(Outcome::failed(&error, posted.language)),
    };
    posted.act(name, done).await
}

/// The queue that the form names, if it is this session's.
async fn own_queue(posted: &Posted, user: &UserId) -> Result<i64, OperationError> {
    let named: i64 = posted.fields.queue.parse().map_err(|_| OperationError::NotItsTurn)?;
    let queues = posted.http.operators.event_queues().await?.queues;
    let own = queues.iter().any(|queue| queue.id == named && queue.user == *user);
    if own { Ok(named) } else { Err(OperationError::NotItsTurn) }
}
