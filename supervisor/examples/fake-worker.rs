//! A worker without a browser, for the supervisor's tests: it speaks the protocol, and misbehaves as its
//! `page_url` asks (`http://fake/<what>/<what>…`).
//!
//! An example and not a test, because the tests need it as a program of its own. It is never installed.

use std::error::Error;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;

use bytes::Bytes;
use colmeia::config::WorkerConfig;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia::protocol::{
    Call, Event, Frame, FrameCodec, FromWorker, PROTOCOL_VERSION, Reply, ToWorker, WorkerHello,
};
use colmeia::session::LogoutCause;
use colmeia::{Me, Secret, SessionReport, SessionState};
use futures::{SinkExt as _, StreamExt as _};
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
    let wishes = config.page_url.split('/').skip(3).map(String::from).collect();
    let mut fake = Fake { config, wishes, acknowledged: 0 };
    if fake.wants("exit-at-once") {
        std::process::exit(3);
    }
    let state = StateLayout::new(&fake.config.state_dir, &fake.config.client_prefix);
    std::fs::create_dir_all(state.own_dir(&fake.config.user))?;
    let log = state.worker_log(&fake.config.user);
    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    writeln!(log, "fake worker {} begins", std::process::id())?;
    if fake.wants("leave-a-child") {
        // As a crash handler: in a session and a process group of its own.
        std::process::Command::new("sleep").arg("1000").process_group(0).spawn()?;
    }
    let socket = RunLayout::new(&fake.config.runtime_dir)?.worker_socket(&fake.config.user);
    let listener = UnixListener::bind(socket)?;
    std::io::stdout().write_all(b"ready\n")?;
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A supervisor that dies in the middle of a sentence is no reason to end.
        let _ = fake.serve(Framed::new(stream, FrameCodec)).await;
    }
}

impl Fake {
    fn wants(&self, what: &str) -> bool {
        self.wishes.iter().any(|wish| wish == what)
    }

    fn report(&self) -> SessionReport {
        SessionReport::of(if self.wants("unlinked") {
            SessionState::AwaitingScan { qr: Some(Secret::new("2@fake")) }
        } else {
            let me =
                Me { wid: "5511999998888@c.us".into(), pushname: "Ana".into(), platform: "android".into() };
            SessionState::Ready { me }
        })
    }

    async fn serve(&mut self, mut frames: Framed<UnixStream, FrameCodec>) -> Result<(), Box<dyn Error>> {
        let user = if self.wants("wrong-user") { "somebody_else".parse()? } else { self.config.user.clone() };
        let hello = FromWorker::Hello(WorkerHello {
            protocol: PROTOCOL_VERSION,
            user,
            pid: std::process::id(),
            version: "fake".into(),
            report: self.report(),
        });
        let _ = frames.next().await;
        frames.send(Frame::new(&hello, Bytes::new())?).await?;
        let wanted = self.wishes.iter().find_map(|wish| wish.strip_prefix("events-")?.parse::<u64>().ok());
        for seq in self.acknowledged + 1..=wanted.unwrap_or(0) {
            let event = Event::Ack { message: format!("true_1@c.us_{seq}"), ack: 1 };
            frames.send(Frame::new(&FromWorker::Event { seq, event }, Bytes::new())?).await?;
        }
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
                ToWorker::Hello(_) => Vec::new(),
            };
            for answer in answers {
                frames.send(Frame::new(&answer, Bytes::new())?).await?;
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
            ]);
        }
        if self.wants("crash-on-call") {
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
        let sent = Reply::Sent { message: "true_1@c.us_A".into(), timestamp_ms: 1 };
        let invented = FromWorker::Response { id: id + 1_000_000, result: Ok(Reply::Done) };
        Ok(vec![invented, FromWorker::Response { id, result: Ok(sent) }])
    }
}
