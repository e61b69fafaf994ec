//! The two directions of a connection. Owns the rules for what a worker may say after its Hello.

use colmeia::protocol::{Frame, FrameError, FromWorker, Part};
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::events::{Allowance, Kept};
use super::outbox::Waiting;
use super::quota::{MAX_WORD, Pace};
use super::{FromConnection, LinkEnd};
use crate::uploads::Upload;
use colmeia::errors::chain;

/// Writes what waits. Ends with the connection; the reader notices it and tells.
pub(super) async fn write(
    mut frames: impl Sink<Part, Error = FrameError> + Unpin,
    mut queue: mpsc::Receiver<Waiting>,
) {
    while let Some(Waiting { begin, file, room: _room }) = queue.recv().await {
        let mut written = frames.send(begin).await;
        if let (Ok(()), Some(file)) = (&written, file) {
            written = send_file(&mut frames, &file).await;
        }
        if let Err(error) = written {
            tracing::debug!(error = chain(&error), "a worker's connection ended while it was written to");
            // A frame that has no end makes no sense to the worker: it hears of the end.
            let _ = frames.close().await;
            return;
        }
    }
}

/// The body of a frame, piece by piece: never is more of it in memory, however slowly the worker reads.
async fn send_file(
    frames: &mut (impl Sink<Part, Error = FrameError> + Unpin),
    file: &Upload,
) -> Result<(), FrameError> {
    let mut sent = 0;
    while sent < file.length() {
        let piece = file.piece(sent).await?;
        sent += piece.len() as u64;
        frames.send(Part::Body(piece)).await?;
    }
    Ok(())
}

/// Reads until the connection ends, and tells why it did.
pub(super) async fn read(
    mut frames: impl Stream<Item = Result<Frame, FrameError>> + Unpin,
    events: Kept,
    allowance: Allowance,
    generation: u64,
    inbox: mpsc::Sender<(u64, FromConnection)>,
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
    let _ = inbox.send((generation, FromConnection::Closed(end))).await;
}

enum Told {
    Inbox(FromConnection),
    Event(u64, colmeia::protocol::Event),
}

fn understand(frame: &Frame) -> Result<Told, LinkEnd> {
    // What is wrong is told by its place and kind only: serde's message repeats what it found.
    let message = frame.message().map_err(|_| LinkEnd::Violation("a frame that is no message".into()))?;
    let told = match message {
        FromWorker::Response { id, result } => {
            return Ok(Told::Inbox(FromConnection::Response { id, result, body: frame.body.clone() }));
        }
        _ if !frame.body.is_empty() => {
            return Err(LinkEnd::Violation("a body where none belongs".into()));
        }
        FromWorker::Report(_) | FromWorker::Pong { .. } if frame.head.len() > MAX_WORD => {
            return Err(LinkEnd::Violation("a report that is too long".into()));
        }
        FromWorker::Hello(_) => return Err(LinkEnd::Violation("a second Hello".into())),
        FromWorker::Report(report) => Told::Inbox(FromConnection::Report(report)),
        FromWorker::Event { seq, event } => Told::Event(seq, event),
        FromWorker::Pong { id } => Told::Inbox(FromConnection::Pong { id }),
    };
    Ok(told)
}

#[cfg(test)]
mod tests {
    use colmeia::protocol::{FrameCodec, MAX_BODY, ToWorker};
    use tokio_util::codec::{FramedRead, FramedWrite};

    use super::super::outbox;
    use super::*;
    use crate::uploads::Uploads;
    use crate::uploads::testing::upload;

    #[tokio::test]
    async fn a_file_is_one_frames_body_and_what_is_said_after_it_comes_after_it() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        let content: Vec<u8> = (0..3_000_017_u32).map(|n| (n % 253) as u8).collect();
        let (ours, theirs) = tokio::io::duplex(4096);
        let (outbox, queue) = outbox::channel();
        let file = upload(&uploads, &content);
        outbox.put(&ToWorker::Ping { id: 1 }, Some(file)).expect("room");
        outbox.put(&ToWorker::Ping { id: 2 }, None).expect("room");
        let writing = tokio::spawn(write(FramedWrite::new(ours, FrameCodec), queue));
        let mut frames = FramedRead::new(theirs, FrameCodec);
        let mut next = async || frames.next().await.expect("a frame").expect("whole");
        let first = next().await;
        assert_eq!(first.message::<ToWorker>().expect("said"), ToWorker::Ping { id: 1 });
        assert!(first.body == content);
        let second = next().await;
        assert_eq!(second.message::<ToWorker>().expect("said"), ToWorker::Ping { id: 2 });
        assert!(second.body.is_empty());
        assert_eq!(uploads.taken(), 0, "the worker has it");
        drop(outbox);
        writing.await.expect("ends");
    }

    #[test]
    fn the_largest_file_fits_into_a_frame() {
        assert!(crate::uploads::LARGEST <= MAX_BODY as u64);
    }
}
