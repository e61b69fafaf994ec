//! The delivery against a real receiver on a real socket, which fails, hangs and comes back.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::journal::tests::{incoming, user, waiting};

/// What the receiver was told: event id and body.
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
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let id = headers["x-colmeia-event-id"].to_str().expect("text").to_owned();
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
    let folder = tempfile::tempdir().expect("folder");
    let journal = Journal::open(&folder.path().join("colmeia.db")).expect("opens");
    let webhook = Webhook::new(&format!("http://{address}/webhook"), timeout).expect("client");
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(Queues::new(journal.clone(), webhook, shutdown.clone()).run());
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
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("in time");
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
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(waiting(&delivering.journal, &user("1")).await, 3);
    let (_, _server) = receiver.listen(address).await;
    delivering.settled("1").await;
    assert_eq!(receiver.texts("1"), ["a", "b", "c"]);
    delivering.end().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_for_one_user_delays_no_other() {
    let receiver = Receiver::new(|times, body| match body["user_id"].as_str() {
        Some("slow") if times < 10 => Answer::Hang,
        _ => Answer::Status(200),
    });
    let (address, _server) = receiver.listen(local()).await;
    let delivering = deliver_to(address, Duration::from_millis(700));
    delivering.append("slow", &["s"]).await;
    eventually(async || receiver.texts("slow").len() == 1).await;
    let begun = std::time::Instant::now();
    delivering.append("2", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]).await;
    delivering.settled("2").await;
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());
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
    assert_eq!(journal.next_due(&user("1")).await.expect("read").expect("b").key, "b");
}
