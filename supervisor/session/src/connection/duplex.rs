//! The two directions of a connection. Owns the rules for what a worker may say after its Hello.

use std::time::Duration;

use colmeia::UserId;
use colmeia::protocol::{CallError, FrameError, FromWorker, Part, Reply};
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::events::{Allowance, JournalQueue};
use super::quota::{MAX_WORD, Pace};
use super::send_queue::Waiting;
use super::{FromConnection, LinkEnd};
use colmeia::errors::chain;
use colmeia_host::uploads::{Downloads, Fetched, NotFetched, Upload};

/// How often it is told that an answer is coming in: several times in what a pong usually has.
const NOW_AND_THEN: Duration = Duration::from_millis(500);

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

/// Reads until the connection ends, and tells why it did. Large bodies go to `downloads`, as this user's.
pub(super) async fn read(
    mut frames: impl Stream<Item = Result<Part, FrameError>> + Unpin,
    events: JournalQueue,
    (downloads, user): (Downloads, UserId),
    allowance: Allowance,
    generation: u64,
    inbox: mpsc::Sender<(u64, FromConnection)>,
) {
    let (begun, mut pace) = (Instant::now(), Pace::new());
    let mut last_event = None;
    // Once an event had to be dropped, none after it may be acknowledged: the worker has to begin there again.
    let mut behind = false;
    let end = loop {
        let (head, body) = match next(&mut frames).await {
            Ok(Part::Begin { head, body }) => (head, body),
            // Each body is read to its end, so none begins here.
            Ok(Part::Body(_)) => break LinkEnd::Violation("a body where none belongs".into()),
            Err(end) => break end,
        };
        let told = match understand(&head, body) {
            Ok(Incoming::Inbox(told)) => told,
            Ok(Incoming::Response(id, result)) => {
                // Where the inbox is full there is more to hear than this.
                let come = || drop(inbox.try_send((generation, FromConnection::Answering)));
                match take(&mut frames, body, &downloads, &user, come).await {
                    Ok(body) => FromConnection::Response { id, result, body },
                    Err(end) => break end,
                }
            }
            Ok(Incoming::Event(seq, event)) => {
                if last_event.is_some_and(|last| seq <= last) {
                    break LinkEnd::Violation("an event's number does not grow".into());
                }
                if !allowance.keeps(head.len()) {
                    break LinkEnd::Violation("more events than a session has to tell".into());
                }
                last_event = Some(seq);
                behind = behind || !events.put(seq, event, head.len());
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

async fn next(frames: &mut (impl Stream<Item = Result<Part, FrameError>> + Unpin)) -> Result<Part, LinkEnd> {
    match frames.next().await {
        Some(Ok(part)) => Ok(part),
        Some(Err(FrameError::Io(_))) | None => Err(LinkEnd::Lost),
        Some(Err(error)) => Err(LinkEnd::Violation(error.to_string())),
    }
}

/// The body of an answer, piece by piece. One that cannot be kept is read to its end: the worker's next word follows it.
/// `come` is told now and then that some of it has come, and while our disk takes it.
async fn take(
    frames: &mut (impl Stream<Item = Result<Part, FrameError>> + Unpin),
    length: usize,
    downloads: &Downloads,
    user: &UserId,
    come: impl Fn(),
) -> Result<Result<Fetched, NotFetched>, LinkEnd> {
    let (mut read, mut arriving, mut told) = (0, downloads.expect(user, length).await, Instant::now());
    while read < length {
        let Part::Body(piece) = next(frames).await? else {
            return Err(LinkEnd::Violation("a body that ends before its length".into()));
        };
        read += piece.len();
        if told.elapsed() >= NOW_AND_THEN {
            come();
            told = Instant::now();
        }
        let taken = arriving.take(&piece);
        tokio::pin!(taken);
        while timeout(NOW_AND_THEN, &mut taken).await.is_err() {
            come();
            told = Instant::now();
        }
    }
    let taken = arriving.finish().await;
    if let Err(error) = &taken {
        tracing::warn!(%user, error = chain(error), "an answer's file cannot be taken");
    }
    Ok(taken)
}

enum Incoming {
    Inbox(FromConnection),
    Response(u64, Result<Reply, CallError>),
    Event(u64, colmeia::protocol::Event),
}

/// What is said, of which so many bytes of a body have still to come.
fn understand(head: &[u8], body: usize) -> Result<Incoming, LinkEnd> {
    // What is wrong is told by its place and kind only: serde's message repeats what it found.
    let message =
        serde_json::from_slice(head).map_err(|_| LinkEnd::Violation("a frame that is no message".into()))?;
    // Only what is read comes with a file, so that one which cannot be kept leaves nothing in doubt.
    let has_file = matches!(message, FromWorker::Response { result: Ok(Reply::Media { .. }), .. });
    let told = match message {
        _ if body > 0 && !has_file => return Err(LinkEnd::Violation("a body where none belongs".into())),
        FromWorker::Report(_) | FromWorker::Pong { .. } if head.len() > MAX_WORD => {
            return Err(LinkEnd::Violation("a report that is too long".into()));
        }
        FromWorker::Response { id, result } => Incoming::Response(id, result),
        FromWorker::Hello(_) => return Err(LinkEnd::Violation("a second Hello".into())),
        FromWorker::Report(report) => Incoming::Inbox(FromConnection::Report(report)),
        FromWorker::Event { seq, event } => Incoming::Event(seq, event),
        FromWorker::Pong { id } => Incoming::Inbox(FromConnection::Pong { id }),
    };
    Ok(told)
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use colmeia::protocol::{Frame, FrameCodec, MAX_BODY, PartCodec, ToWorker};
    use futures::TryStreamExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio_util::codec::{Encoder as _, FramedRead, FramedWrite};

    use super::super::send_queue;
    use super::*;
    use colmeia_host::uploads::Uploads;
    use colmeia_host::uploads::testing::upload;

    #[tokio::test]
    async fn a_file_is_one_frames_body_and_what_is_said_after_it_comes_after_it() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        let content: Vec<u8> = (0..3_000_017_u32).map(|n| (n % 253) as u8).collect();
        let (ours, theirs) = tokio::io::duplex(4096);
        let (send_queue, queue) = send_queue::channel();
        let file = upload(&uploads, &content);
        send_queue.put(&ToWorker::Ping { id: 1 }, Some(file)).expect("room");
        send_queue.put(&ToWorker::Ping { id: 2 }, None).expect("room");
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
        drop(send_queue);
        writing.await.expect("ends");
    }

    /// Says this to the reader, and returns what it told beside that an answer comes in.
    async fn told(downloads: &Downloads, said: Vec<Frame>, cut: usize) -> Vec<FromConnection> {
        let mut wire = BytesMut::new();
        for frame in said {
            FrameCodec.encode(frame, &mut wire).expect("fits");
        }
        wire.truncate(wire.len() - cut);
        let mut told = heard(downloads, &[&wire]).await;
        told.retain(|word| !matches!(word, FromConnection::Answering));
        told
    }

    /// Everything that the reader told of this, with a pause between the parts.
    async fn heard(downloads: &Downloads, parts: &[&[u8]]) -> Vec<FromConnection> {
        let (ours, mut theirs) = tokio::io::duplex(1000);
        let (inbox, mut heard) = mpsc::channel(64);
        let (events, _kept) = super::super::events::channel();
        let frames = FramedRead::new(ours, PartCodec::default());
        let whose = (downloads.clone(), "1".parse().expect("valid"));
        let reading = tokio::spawn(read(frames, events, whose, Allowance::default(), 1, inbox));
        for part in parts {
            theirs.write_all(part).await.expect("read");
            tokio::time::sleep(NOW_AND_THEN).await;
        }
        drop(theirs);
        reading.await.expect("ends");
        let mut told = Vec::new();
        while let Some((_, word)) = heard.recv().await {
            told.push(word);
        }
        told
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_takes_its_time_is_told_of_on_its_way() {
        let folder = tempfile::tempdir().expect("folder");
        let downloads = Downloads::open(folder.path().join("d")).expect("opened");
        let mut wire = BytesMut::new();
        FrameCodec.encode(answer(7, vec![1; 1 << 20]), &mut wire).expect("fits");
        let (first, rest) = wire.split_at(wire.len() / 2);
        let told = heard(&downloads, &[first, rest]).await;
        assert!(matches!(told[0], FromConnection::Answering), "{told:?}");
        assert!(told.iter().any(|word| matches!(word, FromConnection::Response { id: 7, body: Ok(_), .. })));
    }

    fn answer(id: u64, body: Vec<u8>) -> Frame {
        let media = Reply::Media { mimetype: "video/mp4".into(), filename: None };
        Frame::new(&FromWorker::Response { id, result: Ok(media) }, body.into()).expect("fits")
    }

    fn pong(id: u64, body: &'static [u8]) -> Frame {
        Frame::new(&FromWorker::Pong { id }, Bytes::from_static(body)).expect("fits")
    }

    #[tokio::test]
    async fn a_large_answer_lies_on_the_disk_and_what_is_said_after_it_comes_after_it() {
        let folder = tempfile::tempdir().expect("folder");
        let downloads = Downloads::open(folder.path().join("d")).expect("opened");
        let content: Vec<u8> = (0..3_000_017_u32).map(|n| (n % 253) as u8).collect();
        let told = told(&downloads, vec![answer(7, content.clone()), pong(8, b"")], 0).await;
        let [
            FromConnection::Response { id: 7, body: Ok(body), .. },
            FromConnection::Pong { id: 8 },
            FromConnection::Closed(_),
        ] = &told[..]
        else {
            panic!("{told:?}");
        };
        assert!(matches!(body, Fetched::File(_)));
        let pieces: Vec<Bytes> = body.clone().pieces().try_collect().await.expect("read");
        assert!(pieces.concat() == content);
        drop(told);
        assert_eq!(downloads.taken(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_the_disk_does_not_take_costs_nothing_but_itself() {
        let folder = tempfile::tempdir().expect("folder");
        let downloads = Downloads::on_a_full_disk(folder.path().join("d"));
        let told = told(&downloads, vec![answer(7, vec![1; 1 << 20]), answer(8, vec![2; 10])], 0).await;
        assert!(
            matches!(
                &told[..],
                [
                    FromConnection::Response { id: 7, body: Err(_), .. },
                    FromConnection::Response { id: 8, body: Ok(Fetched::Memory(_)), .. },
                    FromConnection::Closed(LinkEnd::Lost)
                ]
            ),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn half_an_answer_is_none_and_a_body_where_none_belongs_is_never_taken() {
        let folder = tempfile::tempdir().expect("folder");
        let downloads = Downloads::open(folder.path().join("d")).expect("opened");
        let half = told(&downloads, vec![answer(7, vec![1; 1 << 20])], 100).await;
        assert!(matches!(&half[..], [FromConnection::Closed(LinkEnd::Lost)]), "{half:?}");
        let done = Frame::new(&FromWorker::Response { id: 1, result: Ok(Reply::Done) }, vec![1; 9].into());
        for odd in [pong(1, b"a body"), done.expect("fits")] {
            let odd = told(&downloads, vec![odd], 0).await;
            assert!(matches!(&odd[..], [FromConnection::Closed(LinkEnd::Violation(_))]), "{odd:?}");
        }
        assert_eq!(downloads.taken(), 0);
    }

    #[test]
    fn the_largest_file_fits_into_a_frame() {
        assert!(colmeia_host::uploads::LARGEST <= MAX_BODY as u64);
    }
}
