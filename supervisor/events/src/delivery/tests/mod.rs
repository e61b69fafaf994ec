//! The delivery against real receivers on real sockets, which fail, hang and come back.

mod flask;
mod webhooks;

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use colmeia::UserId;
use colmeia::config::WebhookConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::journal::testing::{incoming, user, waiting};
use crate::journal::{Head, Which};
use colmeia_host::dns::Resolver;
use colmeia_host::shortage::Shortage;
use colmeia_metrics::Metrics;

/// What the receiver was told: event id (Flask's, or the envelope's) and body.
type Seen = Vec<(String, Value)>;
/// What it answers to each body, given how often it has been told anything.
type Behaviour = fn(usize, &Value) -> Answer;

enum Answer {
    Status(u16),
    /// With this header.
    With(u16, HeaderName, &'static str),
    /// Nothing before the receiver is released; then 200.
    Held,
}

#[derive(Clone)]
struct Receiver {
    seen: Arc<Mutex<Seen>>,
    behaviour: Behaviour,
    /// What is held waits here.
    gate: Arc<Semaphore>,
}

impl Receiver {
    fn new(behaviour: Behaviour) -> Self {
        Self { seen: Arc::default(), behaviour, gate: Arc::new(Semaphore::new(0)) }
    }

    /// Answers what is held, and holds nothing any more.
    fn release(&self) {
        self.gate.close();
    }

    async fn listen(&self, address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind(address).await.expect("bound");
        let address = listener.local_addr().expect("address");
        let app = Router::new()
            .route("/webhook", post(take))
            .route("/webhook/", post(take))
            .route("/slashed", post(slash))
            .with_state(self.clone());
        (address, tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") }))
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn texts(&self, of: &str) -> Vec<String> {
        let of_user = self.seen().into_iter().filter(|(_, body)| body["user_id"] == of);
        of_user.map(|(_, body)| body["body"].as_str().expect("text").to_owned()).collect()
    }

    /// The texts of the messages that came in envelopes.
    fn enveloped(&self, of: &str) -> Vec<String> {
        let of_session = self.seen().into_iter().filter(|(_, body)| body["session"] == of);
        of_session.map(|(_, body)| body["payload"]["body"].as_str().expect("text").to_owned()).collect()
    }

    /// It as a webhook for messages.
    fn webhook(address: SocketAddr, attempts: u32) -> WebhookConfig {
        serde_json::from_value(json!({
            "url": format!("http://{address}/webhook"),
            "events": ["message"],
            "retries": { "policy": "constant", "delaySeconds": 0.01, "attempts": attempts },
        }))
        .expect("a webhook")
    }
}

/// As Flask does with an address that has to end in a slash.
async fn slash() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [("location", "/webhook/")]).into_response()
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let id = headers
        .get("x-colmeia-event-id")
        .map_or_else(|| body["id"].clone(), |id| id.to_str().expect("text").into());
    let id = id.as_str().expect("text").to_owned();
    let times = {
        let mut seen = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((id, body.clone()));
        seen.len()
    };
    match (receiver.behaviour)(times, &body) {
        Answer::Status(status) => StatusCode::from_u16(status).expect("status").into_response(),
        Answer::With(status, name, value) => {
            (StatusCode::from_u16(status).expect("status"), [(name, value)]).into_response()
        }
        Answer::Held => {
            let _ = receiver.gate.acquire().await; // an error once it is released
            StatusCode::OK.into_response()
        }
    }
}

/// Our own address, at which nobody of these tests is.
pub(super) fn names() -> Resolver {
    Resolver::of_system().expect("names")
}

pub(super) fn nowhere() -> Home {
    Home::of(([127, 0, 0, 1], 1).into())
}

/// No files, no names but this machine's, and enough of everything.
fn means() -> DeliveryContext {
    DeliveryContext {
        names: names(),
        media: media(),
        metrics: Metrics::default(),
        shortage: Shortage::never(),
    }
}

fn media() -> Media {
    Media::new(crate::envelope::Origin::test("http://h:1"), Arc::new(media::tests::NoFiles))
}

struct Delivering {
    _folder: tempfile::TempDir,
    journal: Journal,
    metrics: Metrics,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn deliver_to(address: SocketAddr, patience: Duration) -> Delivering {
    deliver(address, &[], Arc::new(()), patience)
}

/// To Flask at this address, and to these webhooks.
fn deliver(
    flask: SocketAddr,
    global: &[WebhookConfig],
    sessions: Arc<dyn Sessions>,
    patience: Duration,
) -> Delivering {
    let folder = tempfile::tempdir().expect("folder");
    let recipients = Recipients::new(global, sessions);
    let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(recipients.clone()));
    let journal = journal.expect("opens");
    let (metrics, events) = (Metrics::default(), EventsConfig::default());
    let client = Client::new(nowhere(), names()).expect("a client");
    let means = DeliveryContext {
        names: names(),
        media: media(),
        metrics: metrics.clone(),
        shortage: Shortage::never(),
    };
    let delivery = Delivery::new(journal.clone(), recipients, client, at(flask, patience), events, means);
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Dispatcher::new(delivery, events, shutdown.clone()).run());
    Delivering { _folder: folder, journal, metrics, shutdown, task }
}

/// Flask there.
fn at(address: SocketAddr, patience: Duration) -> Flask {
    Flask { url: Url::parse(&format!("http://{address}/webhook")).expect("an address"), patience }
}

impl Delivering {
    async fn append(&self, of: &str, texts: &[&str]) {
        let events = texts.iter().map(|text| {
            let (seq, mut event) = incoming(text);
            if let colmeia::protocol::Event::Message(message) = &mut event {
                message.body = (*text).into();
            }
            (seq, event)
        });
        self.journal.append(&user(of), events.collect()).await.expect("written");
    }

    async fn settled(&self, of: &str) {
        eventually(async || waiting(&self.journal, &user(of)).await == 0).await;
    }

    /// What was given up, the oldest first: whose text, and why.
    async fn dead(&self) -> Vec<(String, String)> {
        let mut letters = self.journal.dead(Which::default(), 99).await.expect("read");
        letters.reverse();
        letters.into_iter().map(|letter| (letter.event.key, letter.error)).collect()
    }

    /// The head of the only queue that has one.
    async fn head(&self) -> Option<Head> {
        self.journal.loads().await.expect("read").into_iter().find_map(|load| load.head)
    }

    fn counted(&self, line: &str) -> bool {
        self.metrics.encode(&[], &[], None).lines().any(|counted| counted == line)
    }

    async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("ends").expect("no panic");
    }
}

/// Generous: the machine may be small and busy. No test is about time.
const PATIENCE: Duration = Duration::from_secs(60);

async fn eventually(condition: impl AsyncFn() -> bool) {
    eventually_within(PATIENCE, condition).await;
}

async fn eventually_within(patience: Duration, condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(patience, wait).await.expect("in time");
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}
