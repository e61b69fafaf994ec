//! The phone's API without a browser: the page's side of the channel is played by the test.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail
#![allow(clippy::unwrap_used, reason = "what is unexpected here is a failed test")]

use std::{process::Stdio, time::Duration};

use futures::{SinkExt, StreamExt};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const ME: &str = "5511900000009";
const ANA: &str = "5511911110001";
const LIMIT: Duration = Duration::from_secs(60);

struct Simulator {
    child: Child,
    host: String,
    client: reqwest::Client,
}

impl Simulator {
    async fn start(flags: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut child = Command::new(env!("CARGO_BIN_EXE_colmeia-simulator"))
            .args(["--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let line =
            timeout(LIMIT, BufReader::new(stdout).lines().next_line()).await.unwrap().unwrap().unwrap();
        let host = line.strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, host, client: reqwest::Client::new() }
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("http://{}/phone/{path}", self.host);
        let response = self.client.post(url).body(body.to_string()).send().await.unwrap();
        (response.status(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}/phone/{path}", self.host);
        serde_json::from_slice(&self.client.get(url).send().await.unwrap().bytes().await.unwrap()).unwrap()
    }

    async fn message(&self, body: &str) -> (StatusCode, Value) {
        self.post("message", json!({ "to": ME, "from": ANA, "name": "Ana", "body": body })).await
    }

    /// Opens a page that shows this code and waits until the phone could see it.
    async fn page_with_qr(&self, qr: &str) -> Page {
        let mut page = Page::open(self).await;
        page.say(json!({ "op": "state", "state": "qr", "qr": qr })).await;
        page.ask(json!({ "ask": "exists", "number": "1" })).await;
        page
    }

    async fn linked_page(&self) -> Page {
        let mut page = self.page_with_qr("2@ref,a,b,c,1").await;
        let (status, _) = self.post("scan", json!({ "qr": "2@ref", "number": ME, "name": "Acme" })).await;
        assert_eq!(status, StatusCode::OK);
        page.hear("linked").await;
        page.say(json!({ "op": "state", "state": "main" })).await;
        page
    }
}

struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    async fn open(simulator: &Simulator) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/sim/channel", simulator.host)).await.unwrap();
        let mut page = Self(socket);
        page.hear("welcome").await;
        page
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let message = timeout(LIMIT, self.0.next()).await.unwrap().unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// The next message, which must be of this kind.
    async fn hear(&mut self, op: &str) -> Value {
        let message = self.next().await;
        assert_eq!(message["op"], op, "{message}");
        message
    }

    async fn ask(&mut self, mut question: Value) -> Value {
        question["op"] = json!("ask");
        question["rid"] = json!(1);
        self.say(question).await;
        self.hear("reply").await["answer"].clone()
    }

    async fn resume(simulator: &Simulator, device: u32) -> (Self, Value) {
        let mut page = Self::open(simulator).await;
        let identity = json!({ "number": ME, "device": device, "name": "Acme" });
        let answer = page.ask(json!({ "ask": "resume", "identity": identity })).await;
        (page, answer)
    }
}

#[tokio::test]
async fn a_code_links_once_and_only_the_page_that_shows_it() {
    let simulator = Simulator::start(&[]).await;
    let mut other = simulator.page_with_qr("2@other,a,b,c,1").await;
    let mut page = simulator.page_with_qr("2@mine,a,b,c,1").await;
    let scan = json!({ "qr": "2@mine,a,b,c,1", "number": ME, "name": "Acme", "contacts": [{ "number": ANA, "name": "Ana" }] });
    assert_eq!(simulator.post("scan", scan.clone()).await, (StatusCode::OK, json!({ "linked": true })));
    let linked = page.hear("linked").await;
    assert_eq!(linked["identity"], json!({ "number": ME, "device": 1, "name": "Acme" }));
    assert_eq!(linked["contacts"], json!([{ "number": ANA, "name": "Ana" }]));
    assert_eq!(simulator.post("scan", scan).await.0, StatusCode::NOT_FOUND);
    // The other page hears the answer to its own question next, so it heard nothing before.
    assert_eq!(
        other.ask(json!({ "ask": "exists", "number": ANA })).await,
        json!({ "exists": true, "number": ANA })
    );
}

#[tokio::test]
async fn what_a_page_has_not_stored_comes_again_and_in_order() {
    let simulator = Simulator::start(&[]).await;
    let mut page = simulator.linked_page().await;
    page.say(json!({ "op": "receive", "on": true })).await;
    page.hear("offline_end").await;
    page.ask(json!({ "ask": "exists", "number": ANA })).await;
    assert_eq!(simulator.message("one").await.1["queued"], false);
    assert_eq!(simulator.message("two").await.1["queued"], false);
    let first = page.hear("deliver").await;
    assert_eq!(first["event"]["body"], "one");
    assert_eq!(page.hear("deliver").await["event"]["body"], "two");
    page.say(json!({ "op": "stored", "seqs": [first["seq"]] })).await;
    page.ask(json!({ "ask": "exists", "number": ANA })).await;
    drop(page);

    let (mut page, answer) = Page::resume(&simulator, 1).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(simulator.message("three").await.1["queued"], true);
    page.say(json!({ "op": "receive", "on": true })).await;
    assert_eq!(page.hear("deliver").await["event"]["body"], "two");
    assert_eq!(page.hear("deliver").await["event"]["body"], "three");
    page.hear("offline_end").await;
}

#[tokio::test]
async fn a_send_is_kept_as_it_came_and_acknowledged() {
    let simulator = Simulator::start(&[]).await;
    let mut page = simulator.linked_page().await;
    let message = json!({ "id": "true_1@c.us_3EB0", "to": "1@c.us", "type": "chat", "body": "oi" });
    for _ in 0..2 {
        assert_eq!(page.ask(json!({ "ask": "send", "message": message })).await["ok"], true);
    }
    let sent = simulator.get(&format!("sent?number={ME}")).await;
    assert_eq!(sent["sent"].as_array().unwrap().len(), 2, "nothing is removed as a double");
    assert_eq!(sent["sent"][0]["body"], "oi");
    page.say(json!({ "op": "receive", "on": true })).await;
    // The acks come a moment after the sends, so the end of what had waited may come before, between or after them.
    let heard = [page.next().await, page.next().await, page.next().await];
    let acks: Vec<_> = heard.iter().filter(|message| message["op"] == "deliver").collect();
    assert!(acks.len() == 2 && heard.iter().any(|message| message["op"] == "offline_end"), "{heard:?}");
    for ack in acks {
        assert_eq!(ack["event"], json!({ "kind": "ack", "id": "true_1@c.us_3EB0", "ack": 2 }));
    }
    let read = simulator.post("read", json!({ "number": ME, "chat": "1@c.us" })).await;
    assert_eq!(read, (StatusCode::OK, json!({ "read": 2 })));
    assert_eq!(page.hear("deliver").await["event"]["ack"], 3);
}

#[tokio::test]
async fn faults_find_their_page_or_wait_for_it() {
    let simulator = Simulator::start(&[]).await;
    let slow = json!({ "number": ME, "fault": "slow_sync", "value": 4321 });
    assert_eq!(simulator.post("fault", slow).await, (StatusCode::OK, json!({ "applied": true })));
    let hang = json!({ "number": ME, "fault": "hang", "value": 1 });
    assert_eq!(simulator.post("fault", hang.clone()).await.0, StatusCode::NOT_FOUND);
    let nonsense = simulator.post("fault", json!({ "number": ME, "fault": "explode" })).await;
    assert_eq!(nonsense, (StatusCode::BAD_REQUEST, json!({ "error": "fault: is not known" })));

    let mut page = simulator.page_with_qr("2@ref,a,b,c,1").await;
    let fail = json!({ "qr": "2@ref", "fault": "send_failure", "value": 1 });
    assert_eq!(simulator.post("fault", fail).await.0, StatusCode::OK);
    simulator.post("scan", json!({ "qr": "2@ref", "number": ME })).await;
    assert_eq!(page.hear("linked").await["slow_sync"], 4321);
    let send = json!({ "ask": "send", "message": { "id": "x", "to": "1@c.us", "type": "chat" } });
    assert_eq!(page.ask(send.clone()).await, json!({ "ok": false, "error": "network" }));
    assert_eq!(page.ask(send).await["ok"], true);
    simulator.post("fault", hang).await;
    assert_eq!(page.hear("fault").await["fault"], "hang");
}

#[tokio::test]
async fn records_are_kept_and_those_concerned_are_told() {
    let simulator = Simulator::start(&[]).await;
    let mut page = simulator.linked_page().await;
    page.say(json!({ "op": "receive", "on": true })).await;
    page.hear("offline_end").await;
    let mine = format!("{ME}/1");
    let keep = |id: &str, value: Value| json!({ "ask": "keep", "kind": "label", "id": id, "value": value });
    page.ask(keep(&mine, json!({ "name": "Novo" }))).await;
    page.ask(keep("5511900000010/1", json!({ "name": "not mine" }))).await;
    let own = simulator.get(&format!("records/label?number={ME}")).await;
    assert_eq!(own, json!({ "records": { "1": { "name": "Novo" } } }));
    let found = page.ask(json!({ "ask": "find", "kind": "label", "id": mine })).await;
    assert_eq!(found, json!({ "value": { "name": "Novo" } }));
    page.ask(keep(&mine, Value::Null)).await;
    assert_eq!(simulator.get(&format!("records/label?number={ME}")).await, json!({ "records": {} }));
    page.ask(json!({ "ask": "did", "what": "presence", "details": { "state": "available" } })).await;
    let actions = simulator.get(&format!("actions?number={ME}")).await;
    assert_eq!(actions["actions"][0]["details"]["state"], "available");

    let members = json!([{ "id": format!("{ME}@c.us"), "role": "member" }, { "id": format!("{ANA}@c.us") }]);
    let set = json!({ "subject": "Time", "participants": members });
    let group = json!({ "id": "1-2@g.us", "by": ANA, "set": set, "change": { "subtype": "create" } });
    assert_eq!(simulator.post("group", group).await, (StatusCode::OK, json!({ "told": [ME] })));
    let event = page.hear("deliver").await["event"].clone();
    assert_eq!((&event["record"], &event["value"]["subject"]), (&json!("group"), &json!("Time")));
    assert_eq!(event["change"], json!({ "by": format!("{ANA}@c.us"), "what": { "subtype": "create" } }));
    // Whoever is out is told of it too.
    let out = json!({ "id": "1-2@g.us", "set": { "participants": [] } });
    assert_eq!(simulator.post("group", out).await.1, json!({ "told": [ME] }));
    let event = page.hear("deliver").await["event"].clone();
    assert_eq!((&event["value"]["subject"], &event["value"]["participants"]), (&json!("Time"), &json!([])));
}

#[tokio::test]
async fn presences_calls_votes_and_other_content_reach_the_page() {
    let simulator = Simulator::start(&[]).await;
    let mut page = simulator.linked_page().await;
    page.say(json!({ "op": "receive", "on": true })).await;
    page.hear("offline_end").await;
    let call = simulator.post("call", json!({ "number": ME, "from": ANA, "video": true })).await.1;
    let place = json!({ "type": "location", "lat": 1, "lng": 2 });
    for (path, body) in [
        ("presence", json!({ "number": ME, "chat": ANA, "state": "typing" })),
        ("vote", json!({ "number": ME, "id": "true_1@c.us_3EB0", "from": ANA, "choices": ["a"] })),
        ("message", json!({ "to": ME, "from": ANA, "content": place })),
    ] {
        assert_eq!(simulator.post(path, body).await.0, StatusCode::OK, "{path}");
    }
    let event = page.hear("deliver").await["event"].clone();
    assert_eq!(
        (&event["id"], &event["video"], &event["state"]),
        (&call["id"], &json!(true), &json!("ringing"))
    );
    let event = page.hear("deliver").await["event"].clone();
    assert_eq!((&event["kind"], &event["from"]), (&json!("presence"), &json!(format!("{ANA}@c.us"))));
    assert_eq!(page.hear("deliver").await["event"]["choices"], json!(["a"]));
    let event = page.hear("deliver").await["event"].clone();
    assert_eq!((&event["type"], &event["content"]), (&json!("location"), &place));
}

#[tokio::test]
async fn bad_input_is_refused_with_the_name_of_the_field() {
    let simulator = Simulator::start(&[]).await;
    let cases = [
        ("scan", json!({ "number": ME }), "qr: is missing"),
        ("scan", json!({ "qr": "2@x", "number": "abc" }), "number: must be 5 to 20 digits"),
        ("message", json!({ "to": ME, "body": "x" }), "from: is missing"),
        ("message", json!({ "to": ME, "from": ANA }), "body: is missing"),
        (
            "message",
            json!({ "to": ME, "from": "1-2@g.us", "body": "x" }),
            "author: is missing: a group has no voice",
        ),
        (
            "message",
            json!({ "to": ME, "from": ANA, "media": { "mimetype": "a/b" } }),
            "media.data: is missing",
        ),
        ("fault", json!({ "fault": "hang" }), "number: is missing: a number, a qr or a page"),
        (
            "fault",
            json!({ "number": ME, "fault": "hang", "value": -1 }),
            "value: must be a number that is not negative",
        ),
        (
            "presence",
            json!({ "number": ME, "chat": ANA, "state": "asleep" }),
            "state: must be available, unavailable, typing or recording_audio",
        ),
        ("group", json!({ "id": ANA, "set": {} }), "id: must be a group, …@g.us"),
        ("group", json!({ "id": "1-2@g.us" }), "set: must be an object with what changes"),
        ("vote", json!({ "number": ME, "id": "x", "from": ANA }), "choices: must be a list"),
        (
            "message",
            json!({ "to": ME, "from": ANA, "content": {} }),
            "content: must be an object with a type",
        ),
        ("logout", json!([]), "the body must be a JSON object"),
    ];
    for (path, body, error) in cases {
        assert_eq!(simulator.post(path, body).await, (StatusCode::BAD_REQUEST, json!({ "error": error })));
    }
    assert_eq!(simulator.message("anyone?").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_state_file_keeps_devices_queues_and_logouts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let flags = ["--state", file.to_str().unwrap()];
    let mut simulator = Simulator::start(&flags).await;
    drop(simulator.linked_page().await);
    simulator.message("kept").await;
    stop(&mut simulator).await;

    let mut simulator = Simulator::start(&flags).await;
    let (mut page, answer) = Page::resume(&simulator, 1).await;
    assert_eq!(answer["ok"], true);
    page.say(json!({ "op": "receive", "on": true })).await;
    assert_eq!(page.hear("deliver").await["event"]["body"], "kept");
    page.hear("offline_end").await;
    drop(page);
    simulator.post("logout", json!({ "number": ME })).await;
    stop(&mut simulator).await;

    let simulator = Simulator::start(&flags).await;
    let (_, answer) = Page::resume(&simulator, 1).await;
    assert_eq!(answer, json!({ "ok": false, "logged_out": true }));
    let (_, answer) = Page::resume(&simulator, 2).await;
    assert_eq!(answer["ok"], true, "a device it does not know may resume");
}

/// Ends it as an init system would; a channel is still open, and it ends all the same.
async fn stop(simulator: &mut Simulator) {
    let _open = Page::open(simulator).await;
    let pid = simulator.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(timeout(LIMIT, simulator.child.wait()).await.unwrap().unwrap().success());
}
