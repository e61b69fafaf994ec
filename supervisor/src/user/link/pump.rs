//! The two directions of a connection. Owns the rules for what a worker may say after its Hello.

use colmeia::protocol::{Frame, FrameError, FromWorker};
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::events::{Allowance, Kept};
use super::outbox::Waiting;
use super::pace::{MAX_WORD, Pace};
use super::{FromLink, LinkEnd};

/// Writes what waits. Ends with the connection; the reader notices it and tells.
pub(super) async fn write(
    mut frames: impl Sink<Frame, Error = FrameError> + Unpin,
    mut queue: mpsc::Receiver<Waiting>,
) {
    while let Some(waiting) = queue.recv().await {
        if frames.send(waiting.frame).await.is_err() {
            return;
        }
    }
}

/// Reads until the connection ends, and tells why it did.
pub(super) async fn read(
    mut frames: impl Stream<Item = Result<Frame, FrameError>> + Unpin,
    events: Kept,
    allowance: Allowance,
    generation: u64,
    inbox: mpsc::Sender<(u64, FromLink)>,
) {
    let (begun, mut pace) = (Instant::now(), Pace::new());
    let mut last_event = None;
    // Once an event had to be dropped, none after it may be acknowledged: the worker has to begin there again.
    let mut behind = false;
    let end = loop {
        let frame = match frames.next().await {
            Some(Ok(frame)) => frame,
            Some(Err(FrameError::Io(_))) | None => break LinkEnd::Lost,
            Some(Err(error)) => break LinkEnd::Violation(error.to_string()),
        };
        let told = match understand(&frame) {
            Ok(Told::Inbox(told)) => told,
            Ok(Told::Event(seq, event)) => {
                if last_event.is_some_and(|last| seq <= last) {
                    break LinkEnd::Violation("an event's number does not grow".into());
                }
                if !allowance.keeps(frame.head.len()) {
                    break LinkEnd::Violation("more events than a session has to tell".into());
                }
                last_event = Some(seq);
                behind = behind || !events.put(seq, event, frame.head.len());
                continue;
            }
            Err(end) => break end,
        };
        if !pace.keeps(begun.elapsed()) {
            break LinkEnd::Violation("more frames than a worker has to send".into());
        }
        if inbox.send((generation, told)).await.is_err() {
            return;
        }
        if behind && events.is_drained() {
            break LinkEnd::Resync;
        }
    };
    let _ = inbox.send((generation, FromLink::Closed(end))).await;
}

enum Told {
    Inbox(FromLink),
    Event(u64, colmeia::protocol::Event),
}

fn understand(frame: &Frame) -> Result<Told, LinkEnd> {
    // What is wrong is told by its place and kind only: serde's message repeats what it found.
    let message = frame.message().map_err(|_| LinkEnd::Violation("a frame that is no message".into()))?;
    let told = match message {
        FromWorker::Response { id, result } => {
            return Ok(Told::Inbox(FromLink::Response { id, result, body: frame.body.clone() }));
        }
        _ if !frame.body.is_empty() => {
            return Err(LinkEnd::Violation("a body where none belongs".into()));
        }
        FromWorker::Report(_) | FromWorker::Pong { .. } if frame.head.len() > MAX_WORD => {
            return Err(LinkEnd::Violation("a report that is too long".into()));
        }
        FromWorker::Hello(_) => return Err(LinkEnd::Violation("a second Hello".into())),
        FromWorker::Report(report) => Told::Inbox(FromLink::Report(report)),
        FromWorker::Event { seq, event } => Told::Event(seq, event),
        FromWorker::Pong { id } => Told::Inbox(FromLink::Pong { id }),
    };
    Ok(told)
}
