//! [`Connection`]: the connection to one worker, from the Hello on.
//!
//! Owns the socket, the order of what is said, and the acknowledgement of events. Believes nothing: who is at the
//! other end is asked of the kernel, every frame is bounded and parsed, and a worker that says something else
//! than a worker says, or more, is cut off. Never blocks its user's task: both directions have bounded queues.

mod duplex;
mod events;
mod handshake;
mod quota;
mod send_queue;

use colmeia::protocol::{CallError, Reply};
use colmeia::{SessionReport, UserId};
use colmeia_base::tasks;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use colmeia_host::uploads::{Downloads, Fetched, NotFetched};
use colmeia_metrics::Metrics;
pub use events::{Allowance, EventSink, SinkError};
pub use handshake::{Handshake, HandshakeError, greet, open};
pub use send_queue::{Refused, SendQueue};

/// How long a connection that has failed is not followed by another.
const AGAIN: Duration = Duration::from_secs(1);

/// What comes from a worker.
#[derive(Debug)]
#[expect(missing_docs, reason = "each variant says what its fields are for")]
pub enum FromConnection {
    /// Where the session is.
    Report(SessionReport),
    /// An answer, with its body or why that could not be taken.
    Response { id: u64, result: Result<Reply, CallError>, body: Result<Fetched, NotFetched> },
    /// It is there.
    Pong { id: u64 },
    /// A large answer is coming in, and everything else behind it.
    Answering,
    /// Nothing more comes.
    Closed(LinkEnd),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkEnd {
    /// The other side closed it, or it broke.
    #[error("the connection ended")]
    Lost,
    /// A task of the connection has failed, which is a bug of ours.
    #[error("a task of the connection has failed")]
    Failed,
    /// The worker said something that no worker says.
    #[error("the worker broke the protocol: {0}")]
    Violation(String),
    /// We could not keep up with its events and need them again, from the first that is not acknowledged.
    #[error("events have to be sent again")]
    Resync,
}

/// Where what comes is kept.
#[derive(Debug)]
pub struct Sinks {
    /// Events.
    pub events: Arc<dyn EventSink>,
    /// Large answers, until they were handed on.
    pub downloads: Downloads,
}

/// An open connection. Dropping it closes it.
#[derive(Debug)]
pub struct Connection {
    send_queue: SendQueue,
    /// How many events have come.
    events: Arc<AtomicU64>,
    tasks: [JoinHandle<()>; 3],
}

impl Connection {
    /// Starts to talk. Everything that comes goes to `inbox`, marked with `generation`.
    pub fn start(
        greeted: Handshake,
        user: &UserId,
        keeping: Sinks,
        allowance: Allowance,
        metrics: Metrics,
        generation: u64,
        inbox: mpsc::Sender<(u64, FromConnection)>,
    ) -> Self {
        use futures::StreamExt as _;
        let (writer, reader) = greeted.frames.split();
        let (send_queue, queue) = send_queue::channel();
        let (events, kept) = events::channel();
        let count = events.count();
        allowance.connected();
        Self {
            events: count,
            tasks: [
                owned("link's writer", duplex::write(writer, queue), generation, inbox.clone()),
                owned(
                    "link's reader",
                    duplex::read(
                        reader,
                        events,
                        (keeping.downloads, user.clone()),
                        allowance.clone(),
                        generation,
                        inbox.clone(),
                    ),
                    generation,
                    inbox.clone(),
                ),
                owned(
                    "link's keeper",
                    events::keep(kept, user.clone(), keeping.events, allowance, send_queue.clone(), metrics),
                    generation,
                    inbox,
                ),
            ],
            send_queue,
        }
    }

    /// How many events have come: whether something happens in the session.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Where to say something.
    pub fn send_queue(&self) -> &SendQueue {
        &self.send_queue
    }
}

/// A connection of which one task has failed is none: its user's task is told, and makes another.
fn owned(
    name: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
    generation: u64,
    inbox: mpsc::Sender<(u64, FromConnection)>,
) -> JoinHandle<()> {
    tasks::passing(name, async move {
        if tasks::caught(name, work).await.is_err() {
            // The next one may fail at the same.
            tokio::time::sleep(AGAIN).await;
            // Nobody hears it any more only when the user's task is gone.
            let _ = inbox.send((generation, FromConnection::Closed(LinkEnd::Failed))).await;
        }
    })
}

impl Drop for Connection {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
