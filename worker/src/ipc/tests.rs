//! The socket with a real supervisor's end, and a page that the test plays.

use std::time::Duration;

use bytes::Bytes;
use colmeia::ExitReason;
use colmeia::config::Deadlines;
use colmeia::operations::SentMessage;
use colmeia::protocol::{
    Call, CallError, CallErrorKind, Frame, FrameCodec, FromWorker, PROTOCOL_VERSION, Reply, SMALL_BODY,
    SupervisorHello, ToWorker,
};
use futures::{SinkExt, StreamExt};
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

use super::*;
use crate::engine::PagePhase;
use crate::fake::{Director, message, view};
use crate::session::SessionTask;
use crate::spool::{Outbox, Spool};

const TOKEN: &str = "a token";

struct Worker {
    page: Director,
    session: SessionHandle,
    socket: PathBuf,
    end: CancellationToken,
    ended: JoinHandle<ExitReason>,
    dir: tempfile::TempDir,
}

fn user() -> UserId {
    "2_1".parse().expect("valid")
}

fn worker() -> Worker {
    worker_with(Files::open)
}

fn worker_with(files: fn(PathBuf) -> Files) -> Worker {
    let dir = tempfile::tempdir().expect("temp dir");
    let socket = dir.path().join("worker.sock");
    let (outbox, events) = Outbox::new(Spool::open(&dir.path().join("spool")).expect("opens"));
    tokio::spawn(outbox.run());
    let page = Director::default();
    let layout = colmeia::layout::StateLayout::new(dir.path(), "ylada_bot");
    let profile = crate::profile::start(&layout, &user()).expect("looked at");
    let (task, session) = SessionTask::new(page.clone(), Deadlines::default(), events.clone(), profile);
    let end = CancellationToken::new();
    let server =
        Server::bind(&socket, user(), Secret::new(TOKEN), nix::unistd::geteuid().as_raw()).expect("binds");
    let files = files(dir.path().join("files"));
    tokio::spawn(server.run(session.clone(), events, files, end.clone()));
    Worker { page, session, socket, end, ended: tokio::spawn(task.run()), dir }
}

fn its_hello() -> ToWorker {
    ToWorker::Hello(SupervisorHello { protocol: PROTOCOL_VERSION, user: user(), token: Secret::new(TOKEN) })
}

/// The supervisor's end.
struct Supervisor(Framed<Stream, FrameCodec>);

impl Supervisor {
    async fn connect(worker: &Worker) -> Self {
        let name = worker.socket.as_path().to_fs_name::<GenericFilePath>().expect("a path");
        Self(Framed::new(Stream::connect(name).await.expect("connects"), FrameCodec))
    }

    async fn hello(worker: &Worker) -> Self {
        let mut supervisor = Self::connect(worker).await;
        supervisor.say(&its_hello()).await;
        let FromWorker::Hello(hello) = supervisor.next().await.0 else { panic!("no hello") };
        assert_eq!((hello.protocol, hello.pid), (PROTOCOL_VERSION, std::process::id()));
        supervisor
    }

    async fn say(&mut self, message: &ToWorker) {
        self.0.send(Frame::new(message, Bytes::new()).expect("small")).await.expect("sent");
    }

    /// The next frame, or `None` when the connection is closed.
    async fn frame(&mut self) -> Option<Frame> {
        tokio::time::timeout(Duration::from_secs(120), self.0.next())
            .await
            .expect("an answer")
            .and_then(Result::ok)
    }

    async fn next(&mut self) -> (FromWorker, Bytes) {
        let frame = self.frame().await.expect("the connection lives");
        (frame.message().expect("valid"), frame.body)
    }

    /// The next frame that is what the test looks for; reports come in between at any time.
    async fn find<T>(&mut self, mut want: impl FnMut(FromWorker, Bytes) -> Option<T>) -> T {
        loop {
            let (message, body) = self.next().await;
            if let Some(found) = want(message, body) {
                return found;
            }
        }
    }

    async fn event(&mut self) -> u64 {
        self.find(|message, _| match message {
            FromWorker::Event { seq, .. } => Some(seq),
            _ => None,
        })
        .await
    }

    async fn until(&mut self, state: &str) {
        self.find(|message, _| match message {
            FromWorker::Report(report) if report.state.name() == state => Some(()),
            _ => None,
        })
        .await;
    }
}

#[tokio::test]
async fn only_its_owner_may_use_the_socket() {
    use std::os::unix::fs::PermissionsExt;
    let worker = worker();
    let mode = std::fs::metadata(&worker.socket).expect("exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn media_comes_back_as_the_frames_body() {
    let worker = worker();
    let mut supervisor = Supervisor::hello(&worker).await;
    supervisor.until("loading").await;
    worker.page.show(view(PagePhase::Main));
    supervisor.until("ready").await;
    let call = Call::DownloadMedia { message: "false_x_1".into(), most: None };
    supervisor.say(&ToWorker::Request { id: 9, deadline_ms: 5_000, call }).await;
    let (result, body) = supervisor
        .find(|message, body| match message {
            FromWorker::Response { id: 9, result } => Some((result, body)),
            _ => None,
        })
        .await;
    assert!(matches!(result, Ok(Reply::Media { .. })), "{result:?}");
    assert_eq!(&body[..], b"\x89PNG");
}

impl Supervisor {
    /// Sends a file of so many bytes in pieces; the answer to it.
    async fn send_file(&mut self, id: u64, length: usize) -> Result<Reply, CallError> {
        let call = Call::SendMedia {
            chat: colmeia::ChatId::normalise("5511988887777").expect("valid"),
            mimetype: "video/mp4".into(),
            filename: "a.mp4".into(),
            caption: None,
            as_document: false,
            style: None,
            options: colmeia::operations::SendOptions::default(),
        };
        let request = ToWorker::Request { id, deadline_ms: 5_000, call };
        let frame = Frame::new(&request, vec![7; length].into()).expect("fits");
        self.0.send(frame).await.expect("sent");
        self.find(|message, _| match message {
            FromWorker::Response { id: answered, result } if answered == id => Some(result),
            _ => None,
        })
        .await
    }
}

#[tokio::test]
async fn a_large_file_goes_to_the_disk_and_one_that_the_disk_does_not_take_is_refused_by_name() {
    let sent = |length: usize| Ok(Reply::Sent(SentMessage::new(format!("true_x_{length}"), 1)));
    let worker = worker();
    let mut supervisor = Supervisor::hello(&worker).await;
    supervisor.until("loading").await;
    worker.page.show(view(PagePhase::Main));
    supervisor.until("ready").await;
    for (id, length) in [(1, 0), (2, SMALL_BODY), (3, SMALL_BODY + 1), (4, 5_000_000)] {
        assert_eq!(supervisor.send_file(id, length).await, sent(length));
        let on_disk = worker.page.stage(|stage| stage.files.pop().expect("it was asked"));
        assert_eq!(on_disk, length > SMALL_BODY);
    }
    let left = std::fs::read_dir(worker.dir.path().join("files")).expect("there").count();
    assert_eq!(left, 0);

    let worker = worker_with(Files::on_a_full_disk);
    let mut supervisor = Supervisor::hello(&worker).await;
    supervisor.until("loading").await;
    worker.page.show(view(PagePhase::Main));
    supervisor.until("ready").await;
    let error = supervisor.send_file(1, 5_000_000).await.expect_err("no room");
    assert!(error.disk_full && error.kind == CallErrorKind::NotReady, "{error:?}");
    // It was read to its end, and small ones go on.
    assert_eq!(supervisor.send_file(2, 10).await, sent(10));
    assert_eq!(worker.page.stage(|stage| stage.calls.len()), 1, "the page was not asked");
}

#[tokio::test]
async fn unacknowledged_events_come_again_to_the_next_supervisor_and_no_longer_afterwards() {
    let worker = worker();
    let mut first = Supervisor::hello(&worker).await;
    first.until("loading").await;
    for n in 1..=3 {
        worker.page.tell(message(n));
    }
    assert_eq!([first.event().await, first.event().await, first.event().await], [1, 2, 3]);
    first.say(&ToWorker::Ack { seq: 2 }).await;
    first.say(&ToWorker::Ping { id: 1 }).await;
    first.find(|message, _| matches!(message, FromWorker::Pong { id: 1 }).then_some(())).await;
    drop(first);
    let mut second = Supervisor::hello(&worker).await;
    assert_eq!(second.event().await, 3);
    worker.page.tell(message(4));
    assert_eq!(second.event().await, 4);
}

#[tokio::test]
async fn the_newest_supervisor_takes_the_place_of_the_one_before() {
    let worker = worker();
    let mut first = Supervisor::hello(&worker).await;
    let mut second = Supervisor::hello(&worker).await;
    second.until("loading").await;
    while first.frame().await.is_some() {}
    second.say(&ToWorker::Ping { id: 5 }).await;
    second.find(|message, _| matches!(message, FromWorker::Pong { id: 5 }).then_some(())).await;
}

#[tokio::test]
async fn a_stranger_is_cut_off_and_disturbs_nobody() {
    let worker = worker();
    let mut owner = Supervisor::hello(&worker).await;
    // Who does not know the token is told nothing; who does, and is wrong otherwise, learns our version.
    let hello = |change: fn(&mut SupervisorHello)| {
        let ToWorker::Hello(mut hello) = its_hello() else { panic!("a hello") };
        change(&mut hello);
        ToWorker::Hello(hello)
    };
    let wrong = [
        (ToWorker::Ping { id: 1 }, 0),
        (hello(|hello| hello.token = Secret::new("another")), 0),
        (hello(|hello| hello.token = Secret::new("")), 0),
        (hello(|hello| hello.protocol += 1), 1),
        (hello(|hello| hello.user = UserId::for_port(1)), 1),
    ];
    for (first_word, told) in &wrong {
        let mut stranger = Supervisor::connect(&worker).await;
        stranger.say(first_word).await;
        let mut heard = 0;
        while let Some(frame) = stranger.frame().await {
            let message: FromWorker = frame.message().expect("valid");
            assert!(matches!(message, FromWorker::Hello(_)), "a stranger is told nothing else");
            heard += 1;
        }
        assert_eq!(heard, *told, "{first_word:?}");
    }
    owner.say(&ToWorker::Ping { id: 2 }).await;
    owner.find(|message, _| matches!(message, FromWorker::Pong { id: 2 }).then_some(())).await;
}

#[tokio::test]
async fn the_last_report_says_why_it_ends() {
    let worker = worker();
    let mut supervisor = Supervisor::hello(&worker).await;
    supervisor.until("loading").await;
    worker.page.tell(crate::engine::PageEvent::BrowserGone { signal: Some(11) });
    let reason = worker.ended.await.expect("no panic");
    worker.end.cancel();
    supervisor.until("failed").await;
    assert_eq!(reason, ExitReason::Crash { process: "browser".into(), signal: Some(11) });
    drop(worker.session);
}
