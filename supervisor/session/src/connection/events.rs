//! Events on their way to disk: taken from the worker, given to the [`EventSink`], then acknowledged.
//!
//! Owns the order of these three, and the user's [`Allowance`] of events. A disk that is full holds up the events and
//! nothing else: what does not fit here is dropped and, since it was not acknowledged, asked for again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use colmeia::UserId;
use colmeia::protocol::{Event, ToWorker};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

use super::SendQueue;
use super::quota::Quota;
use colmeia_events::journal::StatusChange;
use colmeia_metrics::Metrics;

/// How many events may wait for the disk.
const EVENTS: usize = 4096;
/// How many bytes of events may wait; one event is at most half of it.
const BYTES: usize = 32 * 1024 * 1024;
/// How many events are written at once.
const BATCH: usize = 256;
/// The first and the longest pause after the disk refused.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Where events are kept. It returns after they are on disk, and takes the same event twice without harm.
pub trait EventSink: std::fmt::Debug + Send + Sync {
    /// Keeps events.
    fn append<'a>(
        &'a self,
        user: &'a UserId,
        events: Vec<(u64, Event)>,
    ) -> BoxFuture<'a, Result<(), SinkError>>;

    /// Keeps that a session has another status. Never waits, and is never refused.
    fn keep_status(&self, user: &UserId, change: StatusChange);
}

/// Events could not be kept. They were not acknowledged and will be given again.
#[derive(Debug, thiserror::Error)]
#[error("events cannot be written to disk")]
pub struct SinkError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// How much of the disk a user's events may still take; kept by the user's task and lent to each connection.
#[derive(Debug, Clone)]
pub struct Allowance {
    begun: Instant,
    quota: Arc<Mutex<Quota>>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { begun: Instant::now(), quota: Arc::new(Mutex::new(Quota::new())) }
    }
}

impl Allowance {
    /// A new connection begins, the one before having ended.
    pub(super) fn connected(&self) {
        self.quota.lock().connected();
    }

    /// An event of this many bytes has come; `false` when it was one too many.
    pub(super) fn keeps(&self, bytes: usize) -> bool {
        self.quota.lock().keeps(bytes, self.begun.elapsed())
    }
}

/// The reader's end.
#[derive(Debug)]
pub(super) struct JournalQueue {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    count: Arc<AtomicU64>,
}

/// An event, and the room that it takes until it is on disk.
#[derive(Debug)]
pub(super) struct Waiting {
    seq: u64,
    event: Event,
    size: usize,
    came: Instant,
    _room: OwnedSemaphorePermit,
}

pub(super) fn channel() -> (JournalQueue, mpsc::Receiver<Waiting>) {
    let (queue, waiting) = mpsc::channel(EVENTS);
    (JournalQueue { queue, room: Arc::new(Semaphore::new(BYTES)), count: Arc::default() }, waiting)
}

impl JournalQueue {
    /// Takes an event of this many bytes; `false` when there is no room.
    pub(super) fn put(&self, seq: u64, event: Event, size: usize) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        let takes = u32::try_from(size.max(1)).unwrap_or(u32::MAX);
        Arc::clone(&self.room).try_acquire_many_owned(takes).is_ok_and(|room| {
            self.queue.try_send(Waiting { seq, event, size, came: Instant::now(), _room: room }).is_ok()
        })
    }

    /// How many events came, whether there was room or not.
    pub(super) fn count(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.count)
    }

    /// Whether everything that was taken is on disk.
    pub(super) fn is_drained(&self) -> bool {
        self.room.available_permits() == BYTES
    }
}

/// Writes events to disk and acknowledges them, until the connection ends.
pub(super) async fn keep(
    mut queue: mpsc::Receiver<Waiting>,
    user: UserId,
    sink: Arc<dyn EventSink>,
    allowance: Allowance,
    send_queue: SendQueue,
    metrics: Metrics,
) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let events: Vec<(u64, Event)> = batch.iter().map(|kept| (kept.seq, kept.event.clone())).collect();
        let Some(seq) = events.last().map(|(seq, _)| *seq) else { continue };
        // Before and not after: what is given to a disk may be written although nobody is there any more to hear it.
        batch.iter().for_each(|kept| allowance.quota.lock().spent(kept.size));
        let mut pause = PAUSES.0;
        while let Err(error) = sink.append(&user, events.clone()).await {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%user, %error, source, "events wait in the worker until the disk takes them");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
        batch.drain(..).for_each(|kept| metrics.event_committed(kept.came.elapsed()));
        // If it is not taken, the next one covers it, or the worker sends the events again: no harm.
        let _ = send_queue.put(&ToWorker::Ack { seq }, None);
    }
}
