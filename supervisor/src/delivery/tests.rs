//! The delivery against real receivers on real sockets, which fail, hang and come back.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use colmeia::UserId;
use colmeia::config::WebhookConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::journal::Which;
use crate::journal::tests::{incoming, user, waiting};

/// What the receiver was told: event id (Flask's, or the envelope's) and body.
type Seen = Vec<(String, Value)>;
/// What it answers to each body, given how often it has been told anything.
type Behaviour = fn(usize, &Value) -> Answer;

enum Answer {
    Status(u16),
    Hang,
}

#[derive(Clone)]
struct Receiver {
    seen: Arc<Mutex<Seen>>,
    behaviour: Behaviour,
}

impl Receiver {
    fn new(behaviour: Behaviour) -> Self {
        Self { seen: Arc::default(), behaviour }
    }

    async fn listen(&self, address: SocketAddr) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind(address).await.expect("bound");
        let address = listener.local_addr().expect("address");
        let app = Router::new().route("/webhook", post(take)).with_state(self.clone());
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
        Answer::Hang => std::future::pending().await,
    }
}

struct Delivering {
    _folder: tempfile::TempDir,
    journal: Journal,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

fn deliver_to(address: SocketAddr, timeout: Duration) -> Delivering {
    deliver(address, &[], Arc::new(()), timeout)
}

/// To Flask at this address, and to these webhooks.
fn deliver(
    flask: SocketAddr,
    global: &[WebhookConfig],
    sessions: Arc<dyn Sessions>,
    timeout: Duration,
) -> Delivering {
    let folder = tempfile::tempdir().expect("folder");
    let recipients = Recipients::new(global, sessions);
    let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(recipients.clone()));
    let journal = journal.expect("opens");
    let client = Client::new(timeout).expect("client");
    let (flask, events) = (format!("http://{flask}/webhook"), EventsConfig::default());
    let delivery = Delivery::new(journal.clone(), recipients, client, &flask, events, Metrics::default());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Dispatcher::new(delivery, events, shutdown.clone()).run());
    Delivering { _folder: folder, journal, shutdown, task }
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

    async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(12), self.task).await.expect("ends").expect("no panic");
    }
}

async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("in time");
}

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test]
async fn each_user_is_served_in_order_and_each_message_once() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, TIMEOUT);
    delivering.append("1", &["a", "b"]).await;
    delivering.append("2", &["x"]).await;
    delivering.append("1", &["b", "c"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!(receiver.texts("1"), ["a", "b", "c"]);
    assert_eq!(receiver.texts("2"), ["x"]);
    delivering.end().await;
}

#[tokio::test]
async fn a_failing_receiver_gets_the_same_event_again_before_the_next() {
    let receiver = Receiver::new(|times, _| Answer::Status(if times <= 2 { 503 } else { 204 }));
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, TIMEOUT);
    delivering.append("1", &["a", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "a", "a", "b"]);
    let ids: Vec<_> = receiver.seen().into_iter().map(|(id, _)| id).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
    delivering.end().await;
}

#[tokio::test]
async fn a_receiver_that_was_down_loses_nothing() {
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let address = TcpListener::bind(local()).await.expect("bound").local_addr().expect("address");
    let delivering = deliver_to(address, TIMEOUT);
    delivering.append("1", &["a", "b", "c"]).await;
    let failed = async || {
        let queue = delivering.journal.waiting().await.expect("read").pop().expect("a queue").id;
        delivering.journal.pending(queue, 1).await.expect("read")[0].attempts > 0
    };
    eventually(failed).await;
    assert_eq!(waiting(&delivering.journal, &user("1")).await, 3);
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "b", "c"]);
    delivering.end().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_for_one_user_delays_no_other() {
    let receiver = Receiver::new(|times, body| match body["user_id"].as_str() {
        Some("slow") if times < 2 => Answer::Hang,
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, Duration::from_secs(5));
    delivering.append("slow", &["s"]).await;
    eventually(async || receiver.texts("slow").len() == 1).await;
    delivering.append("2", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    delivering.settled("2").await;
    assert_eq!(waiting(&delivering.journal, &user("slow")).await, 1, "that one still hangs");
    delivering.settled("slow").await;
    delivering.end().await;
}

#[tokio::test]
async fn what_is_being_posted_at_the_end_is_finished_and_written_down() {
    let receiver = Receiver::new(|_, _| {
        std::thread::sleep(Duration::from_millis(300));
        Answer::Status(200)
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, TIMEOUT);
    delivering.append("1", &["a", "b"]).await;
    let journal = delivering.journal.clone();
    eventually(async || receiver.seen().len() == 1).await;
    delivering.end().await;
    assert_eq!(receiver.texts("1"), ["a"]);
    assert_eq!(waiting(&journal, &user("1")).await, 1, "b comes at the next start");
}

/// One session's own webhooks.
#[derive(Debug)]
struct Own(&'static str, WebhookConfig);

impl Sessions for Own {
    fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig> {
        if user.as_str() == self.0 { vec![self.1.clone()] } else { Vec::new() }
    }

    fn metadata(&self, user: &UserId) -> Option<Value> {
        (user.as_str() == self.0).then(|| json!({ "team": "blue" }))
    }
}

#[tokio::test]
async fn global_and_own_webhooks_are_told_in_order_and_once_where_both_name_one() {
    let (flask, both, only_own) = (
        Receiver::new(|_, _| Answer::Status(200)),
        Receiver::new(|times, _| Answer::Status(if times == 2 { 500 } else { 200 })),
        Receiver::new(|_, _| Answer::Status(200)),
    );
    let (flask_at, _a) = flask.listen(local()).await;
    let (both_at, _b) = both.listen(local()).await;
    let (own_at, _c) = only_own.listen(local()).await;
    let global = [Receiver::webhook(both_at, 5)];
    let own = Own("1", Receiver::webhook(both_at, 5));
    let delivering = deliver(flask_at, &global, Arc::new(own), TIMEOUT);
    delivering.append("1", &["a", "b", "c"]).await;
    delivering.append("2", &["x"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!(flask.texts("1"), ["a", "b", "c"]);
    let told = |of| {
        let mut told = both.enveloped(of);
        told.dedup();
        told
    };
    assert_eq!((told("1"), told("2")), (vec!["a".into(), "b".into(), "c".into()], vec!["x".to_owned()]));
    assert_eq!(both.seen().len(), 5, "one of four was offered twice");
    assert!(both.seen().iter().all(|(id, _)| id.starts_with("evt_01")));
    let metadata: Vec<_> = both.seen().into_iter().map(|(_, body)| body["metadata"].clone()).collect();
    assert!(metadata.contains(&json!({ "team": "blue" })) && metadata.contains(&Value::Null));
    delivering.end().await;
    let delivering = deliver(flask_at, &[], Arc::new(Own("1", Receiver::webhook(own_at, 5))), TIMEOUT);
    delivering.append("1", &["d"]).await;
    delivering.append("2", &["y"]).await;
    delivering.settled("1").await;
    delivering.settled("2").await;
    assert_eq!((only_own.enveloped("1"), only_own.enveloped("2").len()), (vec!["d".to_owned()], 0));
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_neither_flask_nor_another_one() {
    let (flask, slow, quick) = (
        Receiver::new(|_, _| Answer::Status(200)),
        Receiver::new(|_, _| Answer::Hang),
        Receiver::new(|_, _| Answer::Status(200)),
    );
    let (flask_at, _a) = flask.listen(local()).await;
    let (slow_at, _b) = slow.listen(local()).await;
    let (quick_at, _c) = quick.listen(local()).await;
    let global = [Receiver::webhook(slow_at, 5), Receiver::webhook(quick_at, 5)];
    let delivering = deliver(flask_at, &global, Arc::new(()), Duration::from_secs(8));
    delivering.append("1", &["a", "b", "c"]).await;
    eventually(async || quick.seen().len() == 3 && flask.seen().len() == 3).await;
    assert_eq!(slow.seen().len(), 1, "it still hangs at the first one");
    delivering.end().await;
}

#[tokio::test]
async fn after_the_last_attempt_an_event_gives_way_and_can_be_replayed() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let picky = Receiver::new(|times, body| {
        let poison = body["payload"]["body"] == "poison" && times <= 3;
        Answer::Status(if poison { 422 } else { 200 })
    });
    let (flask_at, _a) = flask.listen(local()).await;
    let (picky_at, _b) = picky.listen(local()).await;
    let delivering = deliver(flask_at, &[Receiver::webhook(picky_at, 3)], Arc::new(()), TIMEOUT);
    delivering.append("1", &["poison", "b"]).await;
    delivering.settled("1").await;
    assert_eq!(picky.enveloped("1"), ["poison", "poison", "poison", "b"]);
    let dead = delivering.journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].attempts, dead[0].error.as_str()), (1, 3, "answered 422"));
    assert_eq!(delivering.journal.replay(Which::default()).await.expect("written"), 1);
    delivering.settled("1").await;
    assert_eq!(picky.enveloped("1"), ["poison", "poison", "poison", "b", "poison"]);
    assert!(delivering.journal.dead(Which::default(), 9).await.expect("read").is_empty());
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_down_uses_up_no_attempts_and_gets_all_in_order_when_it_is_back() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let (flask_at, _a) = flask.listen(local()).await;
    let receiver = Receiver::new(|_, _| Answer::Status(200));
    let address = TcpListener::bind(local()).await.expect("bound").local_addr().expect("address");
    // More attempts than the breaker lets pass; far fewer than the pauses would take.
    let delivering = deliver(flask_at, &[Receiver::webhook(address, 7)], Arc::new(()), TIMEOUT);
    let texts: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    delivering.append("1", &texts).await;
    let attempts = async || {
        let queues = delivering.journal.waiting().await.expect("read");
        let queue = queues.into_iter().find(|queue| queue.address.starts_with("http")).expect("a queue");
        delivering.journal.pending(queue.id, 1).await.expect("read")[0].attempts
    };
    eventually(async || attempts().await == 5).await;
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.enveloped("1"), texts);
    assert!(delivering.journal.dead(Which::default(), 9).await.expect("read").is_empty());
    delivering.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_not_configured_any_more_is_not_told() {
    let flask = Receiver::new(|_, _| Answer::Status(200));
    let (flask_at, _a) = flask.listen(local()).await;
    let recipients = Recipients::new(&[Receiver::webhook(flask_at, 3)], Arc::new(()));
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(recipients)).expect("opens");
    journal.append(&user("1"), vec![incoming("a")]).await.expect("written");
    let client = Client::new(TIMEOUT).expect("client");
    let nobody = Recipients::new(&[], Arc::new(()));
    let events = EventsConfig::default();
    let url = format!("http://{flask_at}/webhook");
    let delivery = Delivery::new(journal.clone(), nobody, client, &url, events, Metrics::default());
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Dispatcher::new(delivery, events, shutdown.clone()).run());
    eventually(async || waiting(&journal, &user("1")).await == 0).await;
    let dead = journal.dead(Which::default(), 9).await.expect("read");
    assert_eq!((dead.len(), dead[0].error.as_str()), (1, "this webhook is not configured any more"));
    shutdown.cancel();
    task.await.expect("no panic");
}
