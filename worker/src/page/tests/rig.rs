//! What each test needs: a simulator of its own, a browser, and waiting on conditions.
//!
//! Everything ends with the test, however it ends: the simulator is killed by its handle, the browser by its
//! engine's, the folders by theirs.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use colmeia::config::{BrowserSandbox, Deadlines, Landlock, Ownership, PageConfig, Passkey, WorkerConfig};
use colmeia::layout::StateLayout;
use colmeia::operations::{Operate, Operation};
use colmeia::protocol::{Call, CallError, CallErrorKind, MessageRecord, Reply, SMALL_BODY, output};
use colmeia::{ChatId, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use crate::engine::{Engine, Launcher, PageEvent, PagePhase, PageView};
use crate::files::{Body, Files};
use crate::page::ChromiumLauncher;
use crate::page::engine::ChromiumEngine;
use crate::spool::Marks;

/// For one condition. Generous: the machine may be busy with other things.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
const CALL_MS: u64 = 30_000;
/// Browsers at the same time; each wants a core while it starts.
static BROWSERS: Semaphore = Semaphore::const_new(2);

pub(super) const ME: &str = "5511977776666";
pub(super) const FRIEND: &str = "5511988887777";

/// A simulator.
pub(super) struct Simulator {
    address: String,
    _child: Child,
}

impl Simulator {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(super) async fn start_with(arguments: &[&str]) -> Self {
        let program = simulator();
        let mut child = Command::new(&program)
            .args(["--listen", "127.0.0.1:0", "--sync-ms", "50"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; cargo build -p colmeia-simulator", program.display())
            });
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = within("the simulator's address", lines.next_line()).await.expect("read").expect("a line");
        let address = line.rsplit_once("http://").expect("an address").1.to_owned();
        Self { address, _child: child }
    }

    pub(super) fn url(&self, query: &str) -> String {
        format!("http://{}/{query}", self.address)
    }

    async fn http(&self, request: String) -> (u16, Vec<u8>) {
        let talk = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = within("the simulator's answer", talk).await.expect("HTTP");
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, answer[end + 4..].to_vec())
    }

    pub(super) async fn get(&self, path: &str) -> Vec<u8> {
        let request = format!("GET {path} HTTP/1.0\r\nhost: x\r\n\r\n");
        let (status, body) = self.http(request).await;
        assert_eq!(status, 200, "{path}");
        body
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_post(path, &body).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).expect("JSON")
    }

    async fn try_post(&self, path: &str, body: &Value) -> (u16, Vec<u8>) {
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.0\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.http(request).await
    }

    pub(super) async fn scan(&self, qr: &str, number: &str) {
        self.link("/phone/scan", &json!({ "qr": qr, "number": number, "name": "Ana" })).await;
    }

    pub(super) async fn pair(&self, code: &str, number: &str) {
        self.link("/phone/pair", &json!({ "code": code, "number": number, "name": "Ana" })).await;
    }

    /// The page shows a code a moment before its server knows of it.
    async fn link(&self, path: &str, body: &Value) {
        within("the link", async {
            while self.try_post(path, body).await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(super) async fn sent(&self) -> Vec<Value> {
        let body = self.get(&format!("/phone/sent?number={ME}")).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        answer["sent"].as_array().expect("a list").clone()
    }

    /// Until every page has stored what it was given.
    pub(super) async fn all_stored(&self) {
        let stored = async {
            loop {
                let answer: Value = serde_json::from_slice(&self.get("/phone/numbers").await).expect("JSON");
                let mut devices = answer["numbers"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .flat_map(|number| number["devices"].as_array().expect("a list").iter());
                if devices.all(|device| device["queued"] == 0) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, stored).await.expect("stored in time");
    }

    /// The newest of what pages sent.
    pub(super) async fn last_sent(&self) -> Value {
        self.sent().await.pop().expect("something was sent")
    }

    /// What the server knows of a kind; `own` for what belongs to this account.
    pub(super) async fn records(&self, kind: &str, own: bool) -> Value {
        let query = if own { format!("?number={ME}") } else { String::new() };
        let body = self.get(&format!("/phone/records/{kind}{query}")).await;
        let mut answer: Value = serde_json::from_slice(&body).expect("JSON");
        answer["records"].take()
    }

    /// The newest of what the page did that leaves no record.
    pub(super) async fn last_action(&self) -> Value {
        let body = self.get(&format!("/phone/actions?number={ME}")).await;
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        answer["actions"].as_array().and_then(|all| all.last()).cloned().unwrap_or(Value::Null)
    }

    /// Waits until the one open page says this of itself.
    pub(super) async fn until_page(&self, field: &str, value: &Value) {
        within(field, async {
            loop {
                let pages: Value = serde_json::from_slice(&self.get("/phone/pages").await).expect("JSON");
                if &pages["pages"][0][field] == value {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    /// Whether the phone lists a device of this number.
    pub(super) async fn is_listed(&self, number: &str) -> bool {
        let answer: Value = serde_json::from_slice(&self.get("/phone/numbers").await).expect("JSON");
        let mut numbers = answer["numbers"].as_array().expect("a list").iter();
        let own = numbers.find(|one| one["number"] == number).expect("a number");
        own["devices"].as_array().expect("a list").iter().any(|device| device["logged_out"] == false)
    }

    /// Waits until no page is open.
    pub(super) async fn until_no_page(&self) {
        within("the end of the page", async {
            loop {
                let pages: Value = serde_json::from_slice(&self.get("/phone/pages").await).expect("JSON");
                if pages["pages"].as_array().is_some_and(Vec::is_empty) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(super) async fn fault(&self, fault: &str, value: u64) {
        self.post("/phone/fault", json!({ "number": ME, "fault": fault, "value": value })).await;
    }
}

fn simulator() -> PathBuf {
    if let Some(path) = std::env::var_os("COLMEIA_SIMULATOR") {
        return path.into();
    }
    // <target>/debug/deps/<this test>
    let test = std::env::current_exe().expect("a path");
    test.ancestors().nth(2).expect("a target directory").join("colmeia-simulator")
}

pub(super) fn wa_js() -> PathBuf {
    let vendored = "../vendor-js/node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js";
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(vendored)
}

/// A browser with its page.
pub(super) struct Session {
    pub(super) engine: ChromiumEngine,
    pub(super) events: mpsc::UnboundedReceiver<PageEvent>,
    pub(super) dirs: TempDir,
    pub(super) page_url: String,
    pub(super) files: Files,
    /// What the page hears when it asks how far it was heard; none as of a session of which nothing was.
    pub(super) marks: Option<Marks>,
    _permit: SemaphorePermit<'static>,
}

impl Session {
    pub(super) async fn open(simulator: &Simulator, query: &str) -> Self {
        Self::open_in(tempfile::tempdir().expect("temporary directory"), simulator.url(query), Some(wa_js()))
            .await
    }

    pub(super) async fn open_in(dirs: TempDir, page_url: String, wa_js: Option<PathBuf>) -> Self {
        let config = config(&dirs, &page_url, wa_js);
        Self::open_with(dirs, config).await
    }

    /// Whose operator has switched passkeys off.
    pub(super) async fn open_without_passkeys(simulator: &Simulator) -> Self {
        let dirs = tempfile::tempdir().expect("temporary directory");
        let config =
            WorkerConfig { passkey: Passkey::Off, ..config(&dirs, &simulator.url(""), Some(wa_js())) };
        Self::open_with(dirs, config).await
    }

    /// Linked and ready, with so much of the page.
    pub(super) async fn linked_with(simulator: &Simulator, query: &str, page: PageConfig) -> Self {
        let dirs = tempfile::tempdir().expect("temporary directory");
        let config = WorkerConfig { page, ..config(&dirs, &simulator.url(query), Some(wa_js())) };
        let mut session = Self::open_with(dirs, config).await;
        session.link(simulator).await;
        session
    }

    async fn open_with(dirs: TempDir, config: WorkerConfig) -> Self {
        let page_url = config.page_url.clone();
        log();
        // The children of a killed browser fall to this process, as they do to a worker.
        nix::sys::prctl::set_child_subreaper(true).expect("a subreaper");
        let permit = BROWSERS.acquire().await.expect("never closed");
        let (sender, events) = mpsc::unbounded_channel();
        let files = Files::open(files_dir(&dirs, &page_url));
        let launcher = launcher_with(&config, files.clone());
        let engine = within("the browser", Box::pin(launcher.open(sender))).await.expect("it opens");
        Self { engine, events, dirs, page_url, files, marks: None, _permit: permit }
    }

    /// Linked and ready.
    pub(super) async fn linked(simulator: &Simulator, query: &str) -> Self {
        let mut session = Self::open(simulator, query).await;
        session.link(simulator).await;
        session
    }

    pub(super) async fn link(&mut self, simulator: &Simulator) {
        let qr = self.qr().await;
        simulator.scan(&qr, ME).await;
        self.phase(PagePhase::Main).await;
    }

    /// The next event that this takes; others are passed over.
    pub(super) async fn event<T>(&mut self, what: &str, mut take: impl FnMut(PageEvent) -> Option<T>) -> T {
        let mut seen = Vec::new();
        let (events, engine, marks) = (&mut self.events, &self.engine, &self.marks);
        let waiting = async {
            loop {
                let event = events.recv().await.expect("the engine lives");
                seen.push(format!("{event:?}"));
                if event == PageEvent::Behind {
                    // As a session does. A page that is gone asks no more.
                    let _ = engine.catch_up(marks.clone()).await;
                }
                if let Some(taken) = take(event) {
                    return taken;
                }
            }
        };
        match tokio::time::timeout(LIMIT, waiting).await {
            Ok(taken) => taken,
            Err(_) => panic!("no {what}; seen: {seen:#?}"),
        }
    }

    pub(super) async fn phase(&mut self, phase: PagePhase) -> PageView {
        self.event(&format!("{phase:?}"), |event| match event {
            PageEvent::View(view) if view.phase == phase => Some(view),
            _ => None,
        })
        .await
    }

    /// Each phase that is shown from now on, without repetitions, up to this one.
    pub(super) async fn phases_until(&mut self, last: PagePhase) -> Vec<PagePhase> {
        let mut phases = Vec::new();
        self.event(&format!("{last:?}"), |event| {
            let PageEvent::View(view) = event else { return None };
            if phases.last() != Some(&view.phase) {
                phases.push(view.phase);
            }
            (view.phase == last).then_some(())
        })
        .await;
        phases
    }

    /// Waits until the page's modules are there: then it knows whether it is linked.
    pub(super) async fn settled(&mut self) {
        within("the page's modules", async {
            while !self.engine.probe_page(3_000).await.is_ok_and(|view| view.unlinked) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(super) async fn qr(&mut self) -> String {
        self.event("QR", |event| match event {
            PageEvent::View(PageView { phase: PagePhase::Qr, qr: Some(qr), .. }) => {
                Some(qr.expose().to_owned())
            }
            _ => None,
        })
        .await
    }

    pub(super) async fn message(&mut self) -> MessageRecord {
        self.event("message", |event| match event {
            PageEvent::Message(message) if !message.from_me => Some(*message),
            _ => None,
        })
        .await
    }

    /// The next message that was sent here, as the page tells of it.
    pub(super) async fn own_message(&mut self) -> MessageRecord {
        self.event("an own message", |event| match event {
            PageEvent::Message(message) if message.from_me => Some(*message),
            _ => None,
        })
        .await
    }

    pub(super) async fn call(&self, call: Call) -> Result<Reply, CallError> {
        self.engine.call(call, Body::NONE, CALL_MS).await.map(|(reply, _)| reply)
    }

    pub(super) async fn with_body(&self, call: Call, body: Bytes) -> Result<(Reply, Bytes), CallError> {
        let body = if body.len() > SMALL_BODY { self.file(body).await } else { Body::Memory(body) };
        let (reply, body) = self.engine.call(call, body, CALL_MS).await?;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < body.length() {
            bytes.extend_from_slice(&body.piece(bytes.len() as u64).await.expect("read"));
        }
        Ok((reply, bytes.into()))
    }

    /// These bytes as a file that has come from a supervisor.
    pub(super) async fn file(&self, bytes: Bytes) -> Body {
        let draft = self.files.draft(bytes.len() as u64).await.expect("begun");
        draft.taking(bytes).await.expect("written").finish()
    }

    /// How many files there are between supervisor and page.
    pub(super) fn files_left(&self) -> usize {
        std::fs::read_dir(self.files_dir()).expect("there").count()
    }

    pub(super) fn files_dir(&self) -> PathBuf {
        files_dir(&self.dirs, &self.page_url)
    }

    /// Does an operation and reads its answer as its own type.
    pub(super) async fn operate<O: Operate>(&self, arguments: O) -> Result<O::Output, CallError> {
        self.operate_with(arguments, Bytes::new()).await
    }

    pub(super) async fn operate_with<O: Operate>(
        &self,
        arguments: O,
        body: Bytes,
    ) -> Result<O::Output, CallError> {
        let operation: Operation = arguments.into();
        let (name, effect) = (operation.name(), operation.effect());
        let (reply, _) = self.with_body(Call::Operate { operation }, body).await?;
        Ok(output::<O>(effect, reply).unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    /// The kind of failure of an operation that must fail.
    pub(super) async fn refusal<O: Operate>(&self, arguments: O) -> CallErrorKind {
        match self.operate(arguments).await {
            Err(error) => error.kind,
            Ok(_) => panic!("it must not be done"),
        }
    }

    pub(super) async fn send_text(&self, number: &str, text: &str) -> Result<String, CallError> {
        match self.call(Call::text(chat(number), text)).await? {
            Reply::Sent(sent) => {
                assert!(sent.timestamp_ms > 0);
                Ok(sent.message)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Closes it and gives its folders back.
    pub(super) async fn close(self) -> TempDir {
        self.engine.close(10_000).await;
        self.dirs
    }
}

pub(super) fn chat(number: &str) -> ChatId {
    ChatId::normalise(number).expect("a chat")
}

pub(super) fn config(dirs: &TempDir, page_url: &str, wa_js: Option<PathBuf>) -> WorkerConfig {
    WorkerConfig {
        user: "7".parse().expect("a user"),
        state_dir: dirs.path().join("state"),
        runtime_dir: dirs.path().join("run"),
        client_prefix: "ylada_bot".to_owned(),
        page_url: page_url.to_owned(),
        browser: browser(),
        wa_js,
        languages: vec!["pt-BR".to_owned(), "en".to_owned()],
        landlock: Landlock::Auto,
        browser_sandbox: BrowserSandbox::Auto,
        memory_merge: false,
        token: Secret::new("a token"),
        deadlines: Deadlines::default(),
        browser_group: None,
        proxy: None,
        debug: false,
        passkey: Passkey::On,
        page: PageConfig::default(),
        ownership: Ownership::Keep,
    }
}

/// A launcher as a worker has it.
pub(super) fn launcher(config: &WorkerConfig) -> ChromiumLauncher {
    let layout = StateLayout::new(&config.state_dir, &config.client_prefix);
    launcher_with(config, Files::open(layout.files_dir(&config.user)))
}

fn launcher_with(config: &WorkerConfig, files: Files) -> ChromiumLauncher {
    let layout = StateLayout::new(&config.state_dir, &config.client_prefix);
    ChromiumLauncher::new(config, files, crate::profile::start(&layout, &config.user).expect("looked at"))
}

fn files_dir(dirs: &TempDir, page_url: &str) -> PathBuf {
    let config = config(dirs, page_url, None);
    StateLayout::new(&config.state_dir, &config.client_prefix).files_dir(&config.user)
}

fn browser() -> PathBuf {
    std::env::var_os("COLMEIA_BROWSER")
        .map_or_else(|| "/usr/lib/chromium/chromium-headless-shell".into(), PathBuf::from)
}

pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

/// `RUST_LOG` shows what happens, without what must not be shown.
fn log() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let mut filter = tracing_subscriber::EnvFilter::from_default_env();
        for directive in crate::page::QUIET_LOGS {
            filter = filter.add_directive(directive.parse().expect("a directive"));
        }
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    });
}
