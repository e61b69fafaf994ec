//! [`Feed`]: the journal from a place on, without an end.
//!
//! Owns the place. What was and what comes are read in the same way, so there is no seam between them.

use std::collections::VecDeque;
use std::sync::Arc;

use colmeia::UserId;
use serde_json::Value;
use tokio::sync::watch;

use super::query::EventQuery;
use colmeia_events::envelope::{Envelope, Origin};
use colmeia_events::journal::{Cursor, EventId, Journal, JournalError, Page, Recorded};

/// How many events are read at once.
const BATCH: usize = 100;

/// Which sessions someone may see.
pub(super) type Scope = Arc<dyn Fn(&UserId) -> bool + Send + Sync>;

/// What goes with a status, as long as the session is there.
pub(super) type Data = Arc<dyn Fn(&UserId, &str) -> Option<Value> + Send + Sync>;

/// Events that go out, one after the other.
pub(super) struct Feed {
    source: Source,
    at: i64,
    last: watch::Receiver<i64>,
    ready: VecDeque<Recorded>,
}

/// Where events are read, and which.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) journal: Journal,
    pub(super) question: Arc<EventQuery>,
    pub(super) scope: Scope,
    pub(super) files: Origin,
    /// What goes with a session's status while it is so.
    pub(super) data: Data,
}

/// An event as it goes out.
pub(super) struct OutgoingEvent {
    pub(super) id: EventId,
    pub(super) json: String,
}

impl Source {
    /// The next events after a row.
    pub(super) async fn page(&self, after: i64, limit: usize) -> Result<Page, JournalError> {
        let (question, scope) = (Arc::clone(&self.question), Arc::clone(&self.scope));
        let wanted = move |user: &UserId, kind| question.wants(kind) && scope(user);
        self.journal.events(after, self.question.session.clone(), wanted, limit).await
    }

    /// An event as it goes out; `None` for one that cannot be read.
    pub(super) fn tell(&self, event: &Recorded) -> Option<OutgoingEvent> {
        let mut envelope = Envelope::of(event, self.journal.metadata(&event.user), &self.files)?;
        envelope.put_data(|user, status| (self.data)(user, status));
        Some(OutgoingEvent { id: event.id, json: envelope.to_json().ok()? })
    }
}

impl Feed {
    /// From this place on.
    pub(super) async fn start(source: Source, from: Cursor) -> Result<Self, JournalError> {
        let at = source.journal.place(from).await?;
        let last = source.journal.last();
        Ok(Self { source, at, last, ready: VecDeque::new() })
    }

    /// Waits for the next one. `None` when the journal is closed or cannot be read. Dropping the wait loses nothing.
    pub(super) async fn next(&mut self) -> Option<OutgoingEvent> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if let Some(told) = self.source.tell(&event) {
                    return Some(told);
                }
            }
            // Seen before the look, so that what comes during it is noticed after it.
            self.last.borrow_and_update();
            let page = self.source.page(self.at, BATCH).await.ok()?;
            self.at = page.reached;
            self.ready.extend(page.events);
            if self.ready.is_empty() && !page.more {
                self.last.changed().await.ok()?;
            }
        }
    }
}
