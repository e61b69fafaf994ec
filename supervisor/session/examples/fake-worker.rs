//! A worker without a browser, for the supervisor's tests: it speaks the protocol, and misbehaves as its
//! `page_url` asks (`http://fake/<what>/<what>…`). With `only-<user>` among it, the others behave.
//!
//! An example and not a test, because the tests need it as a program of its own. It is never installed.
#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

use std::error::Error;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;

use bytes::Bytes;
use colmeia::config::WorkerConfig;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia::operations::{OPERATIONS_VERSION, SentMessage};
use colmeia::protocol::{
    Call, Event, Frame, FrameCodec, FromWorker, OtherNames, PROTOCOL_VERSION, Reply, ToWorker, WorkerHello,
};
use colmeia::session::LogoutCause;
use colmeia::{ExitReason, Me, Secret, SessionReport, SessionState, UserId};
use futures::{SinkExt, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::Framed;

struct Fake {
    config: WorkerConfig,
    wishes: Vec<String>,
    acknowledged: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let config: WorkerConfig = serde_json::from_str(&text)?;
    let mut wishes: Vec<String> = config.page_url.split('/').skip(3).map(String::from).collect();
    let only = wishes.iter().find_map(|wish| wish.strip_prefix("only-"));
    if only.is_some_and(|only| only != config.user.as_str()) {
        wishes.clear();
    }
    let mut fake = Fake { config, wishes, acknowledged: 0 };
    if fake.wants("exit-at-once") {
        std::process::exit(3);
    }
    let state = StateLayout::new(&fake.config.state_dir, &fake.config.client_prefix);
    std::fs::create_dir_all(state.own_dir(&fake.config.user))?;
    let log = state.worker_log(&fake.config.user);
    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    writeln!(log, "fake worker {} begins", std::process::id())?;
    if fake.wants("log-and-exit") {
        writeln!(log, "it cannot go on")?;
        std::process::exit(3);
    }
    if fake.wants("leave-a-child") {
        // As a crash handler: in a session and a process group of its own.
        std::process::Command::new("sleep").arg("1000").process_group(0).spawn()?;
    }
    let socket = RunLayout::new(&fake.config.runtime_dir)?.worker_socket(&fake.config.user);
    let listener = UnixListener::bind(socket)?;
    if fake.wants("shout") {
        // A worker that was taken over: forged lines, as fast as they are taken, then one now and then.
        std::thread::spawn(|| {
            let forged = b"{\"user\":\"8\",\"level\":\"ERROR\",\"message\":\"forged\\n\\u001b[31mall is lost\"}\n\x1b[2Jraw\n";
            (0..2_000_000).for_each(|_| drop(std::io::stderr().write_all(forged)));
            for n in 0_u32.. {
                let _ = writeln!(std::io::stderr(), "still here {n}");
                std::thread::sleep(std::time::Duration::from_millis(200));
            }
        });
    }
    std::io::stdout().write_all(b"ready\n")?;
    std::io::stdout().flush()?;
    if fake.wants("deaf") {
        std::future::pending::<()>().await;
    }
    loop {
        let (stream, _) = listener.accept().await?;
        // A supervisor that dies in the middle of a sentence is no reason to end.
        let _ = fake.serve(Framed::new(stream, FrameCodec)).await;
    }
}

/// A text from someone.
fn incoming(seq: u64) -> Event {
    let message = serde_json::json!({
        "event": "message", "id": format!("false_5511988887777@c.us_{seq}"), "chat": "5511988887777@c.us",
        "from": "5511988887777@c.us", "from_me": false, "kind": "chat", "body": format!("n {seq}"),
        "timestamp_ms": 1_700_000_000_000_u64 + seq,
    });
    serde_json::from_value(message).expect("a message")
}

impl Fake {
    fn wants(&self, what: &str) -> bool {
        self.wishes.iter().any(|wish| wish == what)
    }

    fn report(&self) -> SessionReport {
        SessionReport::of(if self.wants("unlinked") {
            SessionState::AwaitingScan { qr: Some(Secret::new("2@fake")) }
        } else {
            let me = Me {
                wid: "5511999998888@c.us".into(),
                lid: None,
                pushname: "Ana".into(),
                platform: "android".into(),
            };
            SessionState::Ready { me }
        })
    }

    /// Which operations its build knows.
    fn knows(&self) -> u32 {
        let told = self.wishes.iter().find_map(|wish| wish.strip_prefix("knows-")?.parse().ok());
        if self.wants("older") { 0 } else { told.unwrap_or(OPERATIONS_VERSION) }
    }

    fn hello(&self, user: UserId) -> FromWorker {
        FromWorker::Hello(WorkerHello {
            protocol: PROTOCOL_VERSION,
            user,
            pid: std::process::id(),
            version: if self.wants("older") { "0.1.0" } else { env!("CARGO_PKG_VERSION") }.into(),
            operations: self.knows(),
            report: self.report(),
        })
    }

    async fn serve(&mut self, mut frames: Framed<UnixStream, FrameCodec>) -> Result<(), Box<dyn Error>> {
        let user = if self.wants("wrong-user") { "somebody_else".parse()? } else { self.config.user.clone() };
        let hello = self.hello(user);
        match frames.next().await {
            Some(Ok(first)) => match first.message()? {
                ToWorker::Hello(theirs) if theirs.token == self.config.token => {}
                _ => return Err("no supervisor of ours".into()),
            },
            _ => return Ok(()),
        }
        frames.send(Frame::new(&hello, Bytes::new())?).await?;
        let wanted = self.wishes.iter().find_map(|wish| wish.strip_prefix("events-")?.parse::<u64>().ok());
        for seq in self.acknowledged + 1..=wanted.unwrap_or(0) {
            let event = Event::Ack {
                message: format!("true_1@c.us_{seq}"),
                ack: 1,
                other_names: OtherNames::default(),
            };
            frames.send(Frame::new(&FromWorker::Event { seq, event }, Bytes::new())?).await?;
        }
        let wanted = self.wishes.iter().find_map(|wish| wish.strip_prefix("messages-")?.parse::<u64>().ok());
        for seq in self.acknowledged + 1..=wanted.unwrap_or(0) {
            let event = incoming(seq);
            frames.feed(Frame::new(&FromWorker::Event { seq, event }, Bytes::new())?).await?;
        }
        SinkExt::<Frame>::flush(&mut frames).await?;
        while let Some(Ok(frame)) = frames.next().await {
            let answers = match frame.message::<ToWorker>()? {
                ToWorker::Ping { id } => vec![FromWorker::Pong { id }, FromWorker::Report(self.report())],
                ToWorker::Ack { seq } => {
                    self.acknowledged = seq;
                    Vec::new()
                }
                ToWorker::Stop if self.wants("ignore-stop") => Vec::new(),
                ToWorker::Stop => std::process::exit(0),
                ToWorker::Request { id, call, .. } => self.call(id, &call, &mut frames).await?,
                ToWorker::Hello(_) | ToWorker::RelieveMemory => Vec::new(),
            };
            for answer in answers {
                let last = matches!(&answer, FromWorker::Report(report) if matches!(report.state, SessionState::Failed { .. }));
                frames.send(Frame::new(&answer, Bytes::new())?).await?;
                if last {
                    std::process::exit(0);
                }
            }
        }
        Ok(())
    }

    async fn call(
        &self,
        id: u64,
        call: &Call,
        frames: &mut Framed<UnixStream, FrameCodec>,
    ) -> Result<Vec<FromWorker>, Box<dyn Error>> {
        if matches!(call, Call::Logout) {
            let logged_out = SessionState::LoggedOut { cause: LogoutCause::Request };
            return Ok(vec![
                FromWorker::Response { id, result: Ok(Reply::Done) },
                FromWorker::Report(SessionReport::of(logged_out)),
                FromWorker::Report(SessionReport::of(SessionState::Failed { reason: ExitReason::LoggedOut })),
            ]);
        }
        if self.wants("crash-on-call") || call.needs() > self.knows() {
            std::process::abort();
        }
        if self.wants("hang-on-call") {
            std::future::pending::<()>().await;
        }
        if self.wants("lie-on-call") {
            frames
                .send(Frame { head: Bytes::from_static(b"{\"type\":\"nonsense\"}"), body: Bytes::new() })
                .await?;
        }
        if self.wants("flip-on-call") {
            // A page that was taken over: linked, not linked, linked, …; then it is as it was.
            for n in 0..400_u32 {
                let other = SessionReport::of(SessionState::Pairing);
                let report = if n % 2 == 0 { other } else { self.report() };
                frames.send(Frame::new(&FromWorker::Report(report), Bytes::new())?).await?;
            }
        }
        if self.wants("flood-on-call") {
            loop {
                frames.send(Frame::new(&FromWorker::Report(self.report()), Bytes::new())?).await?;
            }
        }
        if self.wants("event-flood-on-call") {
            for seq in self.acknowledged + 1.. {
                let event = Event::Ack {
                    message: "x".repeat(256 * 1024),
                    ack: 1,
                    other_names: OtherNames::default(),
                };
                frames.send(Frame::new(&FromWorker::Event { seq, event }, Bytes::new())?).await?;
            }
        }
        // What these say is no frame, or only the beginning of one.
        for (wish, bytes) in [
            ("garbage-on-call", vec![0xff; 4096]),
            ("long-frame-on-call", [u32::MAX.to_be_bytes(), [0; 4]].concat()),
            ("half-frame-on-call", [1_000_000_u32.to_be_bytes(), [0; 4]].concat()),
        ] {
            if self.wants(wish) {
                frames.get_mut().write_all(&bytes).await?;
                std::future::pending::<()>().await;
            }
        }
        if self.wants("long-report-on-call") {
            let qr = Some(Secret::new("x".repeat(1_000_000)));
            let report = SessionReport::of(SessionState::AwaitingScan { qr });
            frames.send(Frame::new(&FromWorker::Report(report), Bytes::new())?).await?;
        }
        if self.wants("say-hello-on-call") {
            let hello = self.hello("somebody_else".parse()?);
            frames.send(Frame::new(&hello, Bytes::new())?).await?;
        }
        let sent = Reply::Sent(SentMessage::new("true_1@c.us_A", 1));
        let invented = FromWorker::Response { id: id + 1_000_000, result: Ok(Reply::Done) };
        Ok(vec![invented, FromWorker::Response { id, result: Ok(sent) }])
    }
}
