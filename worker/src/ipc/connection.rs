//! One supervisor's connection: Hello, then requests down, answers, reports and numbered events up.
//!
//! Owns the socket's two halves. Everything that goes up passes through one bounded queue, so that a
//! supervisor which stops reading stops this connection and nothing else.

use std::io;
use std::time::{Duration, Instant};

use colmeia::operations::OPERATIONS_VERSION;
use colmeia::protocol::{
    CallError, CallErrorKind, FrameError, FromWorker, PROTOCOL_VERSION, Part, PartCodec, Reply, ToWorker,
    WorkerHello,
};
use colmeia::{ExitReason, Secret, UserId};
use colmeia_base::tasks;
use futures::SinkExt as _;
use interprocess::local_socket::tokio::Stream;
use tokio::io::WriteHalf;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::codec::FramedWrite;
use tokio_util::sync::CancellationToken;

use super::incoming::{Incoming, Said};
use crate::files::{Body, Files};
use crate::session::SessionHandle;
use crate::spool::{OutboxHandle, SpoolError};

/// How long each side may take to say Hello.
const HELLO: Duration = Duration::from_secs(5);
/// How long a piece of a frame may take to be written: a supervisor that reads nothing for so long is gone.
const WRITE: Duration = Duration::from_secs(30);
/// Frames that wait to be written.
const QUEUE: usize = 64;
/// Events that are read from the spool at once.
const EVENTS: usize = 32;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// The peer said nothing in time.
    #[error("no hello within {} s", HELLO.as_secs())]
    NoHello,
    /// The peer's first word was something else.
    #[error("the first frame is no hello")]
    NotHello,
    /// The peer does not know the token.
    #[error("the peer is no supervisor of this worker")]
    Stranger,
    /// The peer is of another version.
    #[error("the supervisor speaks protocol {theirs}, this worker {PROTOCOL_VERSION}")]
    Version { theirs: u32 },
    /// The peer looks for someone else.
    #[error("the supervisor looks for another user")]
    WrongUser,
    /// A second Hello.
    #[error("a hello where none belongs")]
    Again,
    /// Nothing is read on the other side.
    #[error("the supervisor reads nothing")]
    NotReading,
    /// A frame is wrong, or the socket failed.
    #[error("a frame failed")]
    Frame(#[from] FrameError),
    /// A body ended before its frame did, so that nothing can be said after it.
    #[error("a file cannot be read")]
    File(#[source] io::Error),
    /// The events cannot be read from the disk.
    #[error("the events cannot be read")]
    Spool(#[from] SpoolError),
}

/// A connection.
pub(crate) struct Connection {
    up: FramedWrite<WriteHalf<Stream>, PartCodec>,
    down: Incoming,
    session: SessionHandle,
    outbox: OutboxHandle,
    files: Files,
}

/// A frame that waits to be written.
struct Outgoing {
    begin: Part,
    body: Body,
}

impl Outgoing {
    fn new(message: &FromWorker, body: Body) -> Result<Self, FrameError> {
        let length = usize::try_from(body.length()).unwrap_or(usize::MAX);
        Ok(Self { begin: Part::begin(message, length)?, body })
    }

    fn word(message: &FromWorker) -> Result<Self, FrameError> {
        Self::new(message, Body::NONE)
    }
}

impl Connection {
    /// A connection on which nothing was said yet.
    pub(crate) fn new(stream: Stream, session: SessionHandle, outbox: OutboxHandle, files: Files) -> Self {
        let (down, up) = tokio::io::split(stream);
        Self {
            up: FramedWrite::new(up, PartCodec::default()),
            down: Incoming::new(down),
            session,
            outbox,
            files,
        }
    }

    /// Exchanges Hellos. Ours says where the session is, its code among it, so the supervisor's comes first: who
    /// does not know the token learns nothing. One of another version learns ours.
    pub(crate) async fn hello(&mut self, user: &UserId, token: &Secret) -> Result<(), ConnectionError> {
        let exchange = async {
            // Who has said nothing yet has no body to send.
            let theirs = match self.down.message().await.transpose()? {
                Some(Said { message: ToWorker::Hello(theirs), length: 0 }) => theirs,
                _ => return Err(ConnectionError::NotHello),
            };
            if !theirs.token.matches(token) {
                return Err(ConnectionError::Stranger);
            }
            let report = self.session.report().borrow_and_update().clone();
            let ours = FromWorker::Hello(WorkerHello {
                protocol: PROTOCOL_VERSION,
                user: user.clone(),
                pid: std::process::id(),
                version: env!("CARGO_PKG_VERSION").into(),
                operations: OPERATIONS_VERSION,
                report,
            });
            self.up.send(Part::begin(&ours, 0)?).await?;
            Ok(theirs)
        };
        let theirs = timeout(HELLO, exchange).await.map_err(|_| ConnectionError::NoHello)??;
        if theirs.protocol != PROTOCOL_VERSION {
            return Err(ConnectionError::Version { theirs: theirs.protocol });
        }
        if theirs.user != *user {
            return Err(ConnectionError::WrongUser);
        }
        Ok(())
    }

    /// Serves the supervisor until it goes, misbehaves, or `end` is cancelled. What is queued by then is still
    /// written, the session's last report among it.
    pub(crate) async fn run(self, end: &CancellationToken) -> Result<(), ConnectionError> {
        let Self { mut up, mut down, session, outbox, files } = self;
        let (queue, mut queued) = mpsc::channel::<Outgoing>(QUEUE);
        let write = async {
            while let Some(frame) = queued.recv().await {
                write(&mut up, frame).await?;
            }
            Ok(())
        };
        let serve = async {
            let result = tokio::select! {
                result = read(&mut down, &session, &outbox, &files, &queue) => result,
                result = tell_reports(&session, &queue) => result,
                result = tell_events(&outbox, &queue) => result,
                () = end.cancelled() => Ok(()),
            };
            // The last report says why the session ends; a supervisor that does not read it is not waited for.
            let report = session.report().borrow().clone();
            let _ = queue.try_send(Outgoing::word(&FromWorker::Report(report))?);
            drop(queue);
            result
        };
        let (written, served) = tokio::join!(write, serve);
        served.and(written)
    }
}

/// Writes a frame, its body piece by piece: never is more of it in memory, however slowly the supervisor reads.
async fn write(
    up: &mut FramedWrite<WriteHalf<Stream>, PartCodec>,
    Outgoing { begin, body }: Outgoing,
) -> Result<(), ConnectionError> {
    let mut part = begin;
    let mut written = 0;
    loop {
        timeout(WRITE, up.send(part)).await.map_err(|_| ConnectionError::NotReading)??;
        if written >= body.length() {
            return Ok(());
        }
        let piece = body.piece(written).await.map_err(ConnectionError::File)?;
        written += piece.len() as u64;
        part = Part::Body(piece);
    }
}

async fn read(
    down: &mut Incoming,
    session: &SessionHandle,
    outbox: &OutboxHandle,
    files: &Files,
    queue: &mpsc::Sender<Outgoing>,
) -> Result<(), ConnectionError> {
    while let Some(Said { message, length }) = down.message().await.transpose()? {
        let body = down.body(length, files).await?;
        match message {
            ToWorker::Request { id, deadline_ms, call } => {
                let (session, queue) = (session.clone(), queue.clone());
                tasks::passing("request", async move {
                    let (name, begun) = (call.name(), Instant::now());
                    let asked = match body {
                        Ok(body) => session.call(call, body, deadline_ms).await,
                        Err(error) => {
                            tracing::warn!(call = name, %error, "a file cannot be put on the disk");
                            Err(CallError::no_file("the file cannot be kept for the browser", &error))
                        }
                    };
                    let (result, body) = match asked {
                        Ok((reply, body)) => (Ok(reply), body),
                        Err(error) => {
                            tracing::debug!(call = name, kind = ?error.kind, error = %error, "call failed");
                            (Err(error), Body::NONE)
                        }
                    };
                    colmeia_base::timing!("worker", begun, call = name);
                    // A supervisor that is gone hears nothing, and has told its client so.
                    let _ = queue.send(response(id, result, body)).await;
                });
            }
            ToWorker::Ack { seq } => outbox.acknowledge(seq),
            ToWorker::Ping { id } => {
                let _ = queue.send(Outgoing::word(&FromWorker::Pong { id })?).await;
            }
            ToWorker::RelieveMemory => session.relieve_memory(),
            ToWorker::Stop => {
                tracing::info!("asked to stop");
                session.stop(ExitReason::Stopped).await;
            }
            ToWorker::Hello(_) => return Err(ConnectionError::Again),
        }
    }
    Ok(())
}

/// The answer as a frame; an answer that fits into none becomes an error that says so.
fn response(id: u64, result: Result<Reply, CallError>, body: Body) -> Outgoing {
    Outgoing::new(&FromWorker::Response { id, result }, body).unwrap_or_else(|error| {
        let error = CallError::new(CallErrorKind::TooLarge, error.to_string());
        // A few dozen bytes always fit.
        let begin = Part::begin(&FromWorker::Response { id, result: Err(error) }, 0);
        let begin = begin.unwrap_or(Part::Begin { head: bytes::Bytes::new(), body: 0 });
        Outgoing { begin, body: Body::NONE }
    })
}

async fn tell_reports(
    session: &SessionHandle,
    queue: &mpsc::Sender<Outgoing>,
) -> Result<(), ConnectionError> {
    let mut reports = session.report();
    // Between Hello and now something may have changed.
    reports.mark_changed();
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        let _ = queue.send(Outgoing::word(&FromWorker::Report(report))?).await;
    }
    // The session is over, and its last report was sent; the connection ends with the worker.
    std::future::pending().await
}

async fn tell_events(outbox: &OutboxHandle, queue: &mpsc::Sender<Outgoing>) -> Result<(), ConnectionError> {
    let mut last = outbox.last();
    let mut sent = 0;
    loop {
        let events = outbox.read(sent, EVENTS).await?;
        if events.is_empty() {
            if last.changed().await.is_err() {
                return std::future::pending().await;
            }
            last.borrow_and_update();
        }
        for event in events {
            sent = event.seq;
            let message = FromWorker::Event { seq: event.seq, event: event.event };
            let _ = queue.send(Outgoing::word(&message)?).await;
        }
    }
}
