//! Replays and streams over a real port, with a real journal behind them.

use std::net::SocketAddr;
use std::time::Duration;

use colmeia::config::ServiceConfig;
use colmeia::protocol::{Event, OtherNames};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::super::server::{Rules, accept_all};
use super::stage::{Cast, Stage, nobody};
use colmeia_control::server_control::control;
use colmeia_events::journal::testing::{incoming, user};

/// For one condition; the machine may be busy.
const LIMIT: Duration = Duration::from_secs(60);

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

struct Served {
    stage: Stage,
    address: SocketAddr,
    stop: CancellationToken,
}

impl Served {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stage = Cast::new(nobody).on_stage();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (_, controlled) = control(stage.shutdown.clone());
        tokio::spawn(accept_all(
            listener,
            stage.router.clone(),
            Rules::of(&ServiceConfig::default()),
            controlled,
        ));
        let stop = stage.shutdown.clone();
        Self { stage, address, stop }
    }

    async fn append(&self, of: &str, ids: &[&str]) {
        let events = ids.iter().map(|id| incoming(id)).collect();
        self.stage.journal.append(&user(of), events).await.expect("written");
    }

    async fn replay(&self, query: &str) -> Value {
        let answer = self.stage.get(&format!("/api/events?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Follows the stream and hands back each event's id and message.
    async fn stream(&self, query: &str, last: Option<&str>) -> Stream {
        let mut request =
            reqwest::Client::new().get(format!("http://{}/api/events/stream?{query}", self.address));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = within("the stream", request.send()).await.expect("an answer");
        assert_eq!(response.status(), 200);
        Stream {
            body: Box::pin(response.bytes_stream().map(|chunk| chunk.expect("bytes").to_vec())),
            rest: Vec::new(),
        }
    }
}

struct Stream {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = Vec<u8>>>>,
    rest: Vec<u8>,
}

impl Stream {
    /// The next event's id and the id of its message.
    async fn next(&mut self) -> (String, String) {
        within("an event", async {
            loop {
                while let Some(end) = self.rest.windows(2).position(|window| window == b"\n\n") {
                    let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                    let block = String::from_utf8(block).expect("text");
                    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                    if let (Some(id), Some(data)) = (field("id: "), field("data: ")) {
                        let data: Value = serde_json::from_str(data).expect("JSON");
                        assert_eq!(data["id"], id);
                        return (id.into(), message(&data));
                    }
                }
                self.rest.extend(self.body.next().await.expect("more"));
            }
        })
        .await
    }
}

fn message(event: &Value) -> String {
    event["payload"]["id"].as_str().expect("text").into()
}

fn messages(page: &Value) -> Vec<String> {
    page["events"].as_array().expect("a list").iter().map(message).collect()
}

#[tokio::test]
async fn replays_are_filtered_and_paged() {
    let served = Served::start().await;
    served.append("1", &["a", "b", "c"]).await;
    served.append("2", &["x"]).await;
    assert_eq!(messages(&served.replay("events=message").await), ["a", "b", "c", "x"]);
    assert_eq!(messages(&served.replay("session=2&events=message.any").await), ["x"]);
    let page = served.replay("session=1&events=message&limit=2").await;
    assert_eq!(messages(&page), ["a", "b"]);
    let next = page["next"].as_str().expect("an id");
    let page = served.replay(&format!("session=1&events=message&limit=2&after={next}")).await;
    assert_eq!((messages(&page), &page["next"]), (vec!["c".to_owned()], &Value::Null));
    for (query, field) in [("session=a%20b", "session"), ("after=x", "after"), ("limit=-1", "limit")] {
        let answer = served.stage.get(&format!("/api/events?{query}")).await;
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(
            (answer.status.as_u16(), &body["field"], &body["statusCode"]),
            (400, &field.into(), &400.into())
        );
    }
    served.stop.cancel();
}

#[tokio::test]
async fn a_stream_goes_on_after_the_event_that_was_seen_last_without_a_gap() {
    let served = Served::start().await;
    served.append("1", &["before"]).await;
    let mut live = served.stream("events=message", None).await;
    // The reader's journal look and these appends interleave as they will.
    for id in ["a", "b", "c"] {
        served.append("1", &[id]).await;
    }
    served.append("2", &["x"]).await;
    let first = live.next().await;
    assert_eq!(first.1, "a", "it begins with what comes after it began");
    let mut again = served.stream("session=1&events=message", Some(&first.0)).await;
    assert_eq!((again.next().await.1, again.next().await.1), ("b".into(), "c".into()));
    served.append("2", &["y"]).await;
    served.append("1", &["d"]).await;
    assert_eq!(again.next().await.1, "d");
    for id in ["b", "c", "x", "y", "d"] {
        assert_eq!(live.next().await.1, id);
    }
    served.stop.cancel();
    within("the end", async { while live.body.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn every_event_reaches_a_reader_once_while_many_write() {
    let served = Served::start().await;
    let mut live = served.stream("events=message", None).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let journal = served.stage.journal.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let event = incoming(&format!("{writer}-{round}"));
                    journal.append(&user(&writer.to_string()), vec![event]).await.expect("written");
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen.push(live.next().await);
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0), "ids only grow");
    seen.sort_by(|a, b| a.1.cmp(&b.1));
    seen.dedup_by(|a, b| a.1 == b.1);
    assert_eq!(seen.len(), 200);
    served.stop.cancel();
}

#[tokio::test]
async fn a_web_socket_ends_when_its_key_is_taken_away() {
    use async_tungstenite::tokio::connect_async;
    use async_tungstenite::tungstenite::Message;
    let served = Served::start().await;
    let grants: colmeia_store::NewKey = serde_json::from_value(serde_json::json!({
        "active": true, "admin": false, "sessions": ["1"], "actions": {"read": true},
    }))
    .expect("grants");
    let (key, secret) = served.stage.store.add_key(None, grants.clone()).await.expect("made");
    for narrowed in [true, false] {
        let url = format!("ws://{}/ws?session=1&x-api-key={}", served.address, secret.expose());
        let (mut socket, _) = within("the socket", connect_async(url)).await.expect("open");
        if narrowed {
            let less =
                colmeia_store::NewKey { sessions: ["2".parse().expect("valid")].into(), ..grants.clone() };
            served.stage.store.update_key(&key.id, less).await.expect("narrowed");
        } else {
            served.stage.store.remove_key(&key.id).await.expect("removed");
        }
        let closed = within("the end", async {
            loop {
                match socket.next().await.expect("a word first").expect("a message") {
                    Message::Close(frame) => return frame.expect("with a reason"),
                    _ => continue,
                }
            }
        });
        assert_eq!(u16::from(closed.await.code), 1008);
    }
    served.stop.cancel();
}

#[tokio::test]
async fn a_web_socket_tells_what_was_asked_for_until_the_service_ends() {
    use async_tungstenite::tokio::connect_async;
    use async_tungstenite::tungstenite::Message;
    let served = Served::start().await;
    let url = format!("ws://{}/ws?session=1&events=message&events=session.status", served.address);
    let (mut socket, _) = within("the socket", connect_async(url)).await.expect("open");
    served.append("2", &["x"]).await;
    served.append("1", &["a", "b"]).await;
    served
        .stage
        .journal
        .append(
            &user("1"),
            vec![(1, Event::Ack { message: "m".into(), ack: 1, other_names: OtherNames::default() })],
        )
        .await
        .expect("written");
    served.append("1", &["c"]).await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        if let Message::Text(text) =
            within("an event", socket.next()).await.expect("open").expect("a message")
        {
            seen.push(message(&serde_json::from_str(&text).expect("JSON")));
        }
    }
    assert_eq!(seen, ["a", "b", "c"]);
    served.stop.cancel();
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(!message.is_text())
        }
    };
    within("the end", ended).await;
    let wrong = format!("ws://{}/ws?events=nonsense", served.address);
    assert!(connect_async(wrong).await.is_err());
}
