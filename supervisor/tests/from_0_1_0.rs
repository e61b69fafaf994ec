//! The upgrade from 0.1.0: this program opens what an installation of it left, and goes on with its worker.
//!
//! 0.1.0 was never tagged: each build before 0.2.0 called itself so. Its two ends are tried: the first, whose journal knew
//! Flask's webhook alone and which had no keys, and the last. `from_0_1_0/` has what the last one's own programs wrote
//! (stand-in workers, a receiver that refuses), and every key of its configuration file. Only times are made current.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod house;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use house::{House, alive, signal, until};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_colmeia-supervisor");
/// What the two keys are of which `settings.sql` has the digests.
const READS_AND_SENDS: &str = "colmeia_9a21f0d88458c3a22c98b122cdd22240d64d5940d25c37f75f8c7ae34531d19d";
const ADMIN: &str = "colmeia_d79078557b7a6b202bc8a7f0a857c2095cda0905443947635ba41c01b28c4aca";

/// The messages that it had told, by the ids under which callers know them.
const EVENTS: [(&str, &str); 2] =
    [("evt_01m8ppktcayppptyr00000000a", "n 1"), ("evt_01m8ppktcayppptyr00000000c", "n 2")];

/// An answer: its status, and head and body as they came.
struct Answer {
    status: u16,
    head: String,
    json: Value,
}

/// A request on a connection of its own, with a key or with none.
fn ask(house: &House, key: Option<&str>, request: &str, headers: &[&str], body: &str) -> Answer {
    let address = std::fs::read_to_string(house.path("run/http.addr")).expect("it listens");
    let mut stream = TcpStream::connect(address).expect("connected");
    let length = format!("Content-Length: {}", body.len());
    let first = format!("{request} HTTP/1.1");
    let key = key.map(|key| format!("X-Api-Key: {key}"));
    let mut head = vec![&*first, "Host: x", "Connection: close", "Content-Type: application/json", &length];
    head.extend(headers.iter().copied().chain(key.as_deref()));
    let head = head.join("\r\n");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), json: serde_json::from_str(body).unwrap_or_default() }
}

fn get(house: &House, key: Option<&str>, path: &str) -> Value {
    let answer = ask(house, key, &format!("GET {path}"), &[], "");
    assert_eq!(answer.status, 200, "{path}: {}", answer.json);
    answer.json
}

/// What operators are told.
fn operators(house: &House, path: &str) -> Value {
    let mut stream = UnixStream::connect(house.path("run/admin.sock")).expect("connected");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        .expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("a head").1).expect("JSON")
}

/// An app that takes Flask's webhooks: its address, and the bodies as they come.
fn app() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = format!("http://{}/webhook", listener.local_addr().expect("known"));
    let (taken, bodies) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a caller");
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            let body = loop {
                let length = stream.read(&mut buffer).expect("read");
                request.extend_from_slice(&buffer[..length]);
                let text = String::from_utf8_lossy(&request);
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(body) = body.and_then(|body| serde_json::from_str(body).ok()) {
                    break body;
                }
                assert!(length > 0, "half a request: {text}");
            };
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .expect("answered");
            // Nobody listens any more when the test has ended.
            let _ = taken.send(body);
        }
    });
    (address, bodies)
}

fn next(bodies: &mpsc::Receiver<Value>) -> Value {
    bodies.recv_timeout(Duration::from_secs(120)).expect("a message")
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("fits")
}

/// What an installation of 0.1.0 left in the house, but for its journal: user 7 has a worker that still lives, 8 is held by an
/// operator, 9 was given up, and 6 was never linked. Returns the worker.
fn installation(house: &House) -> u32 {
    let mut before = house.start_by(&mut house.command_of(Path::new(PROGRAM), "older"));
    let worker = house.worker();
    until("its session is ready", || {
        let address = std::fs::read_to_string(house.path("run/http.addr")).expect("it listens");
        house::ask(&address, "/status?user_id=7").is_ok_and(|answer| answer.contains(r#""ready":true"#))
    });
    signal(before.id(), Signal::KILL);
    before.wait().expect("killed");
    assert!(alive(worker));
    for entry in std::fs::read_dir(house.folder.path()).expect("the folder").flatten() {
        if entry.file_name().to_string_lossy().contains(".db") {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
    for folder in ["colmeia-held", "colmeia-parked", "colmeia_limits"] {
        std::fs::create_dir_all(house.path(folder)).expect("made");
    }
    for user in ["6", "8", "9"] {
        let folder = format!(".wwebjs_auth_user_{user}");
        std::fs::create_dir_all(house.path(&format!("{folder}/session-ylada_bot_user_{user}")))
            .expect("made");
        std::fs::create_dir_all(house.path(&format!("{folder}/colmeia"))).expect("made");
    }
    for (file, text) in [
        ("colmeia-held/8", ""),
        ("colmeia-parked/9", r#"{"reason":"launch_failed","why":"no browser"}"#),
        ("colmeia_limits/8", r#"{"high_mb":600,"max_mb":900}"#),
        (".wwebjs_auth_user_6/colmeia/unlinked", ""),
        ("colmeia.toml", include_str!("from_0_1_0/colmeia.toml")),
    ] {
        std::fs::write(house.path(file), text).expect("written");
    }
    worker
}

fn database(house: &House, name: &str, sql: &str) -> Connection {
    let database = Connection::open(house.path(name)).expect("made");
    // A row may name one that comes after it.
    database.pragma_update(None, "foreign_keys", "off").expect("set");
    database.execute_batch(sql).expect("filled");
    database
}

/// This version in the place of the older one, with its configuration file.
fn upgraded(house: &House, app: &str) -> Child {
    let mut command = house.command();
    command.arg("--config").arg(house.path("colmeia.toml")).args(["--webhook-url", app]);
    let child = house.start_by(command.stderr(File::create(house.path("log")).expect("made")));
    // After callers, and a socket of before may be there that nobody serves.
    until("operators are served", || UnixStream::connect(house.path("run/admin.sock")).is_ok());
    child
}

/// The worker that lived is taken over, and replaced by one of this version in a quiet moment.
fn its_worker_goes_on(house: &House, worker: u32) {
    let said = || std::fs::read_to_string(house.path("log")).expect("read");
    until("the worker is adopted", || said().contains("worker adopted"));
    assert!(said().contains(&format!(r#""pid":{worker}"#)), "it is that one: {}", said());
    until("it is replaced in a quiet moment", || !alive(worker));
    until("the next one is ready", || operators(house, "/v1/sessions/7")["ready"] == true);
    let session = operators(house, "/v1/sessions/7");
    assert_eq!((&session["attempts"], &session["restarts"]), (&0.into(), &0.into()), "no failure: {session}");
}

/// The marks of operators and of failures, and who is brought back.
fn everyone_is_where_they_were(house: &House) {
    assert_eq!(operators(house, "/v1/sessions/8")["phase"], "held");
    let limits = operators(house, "/v1/sessions/8/limits");
    assert!(limits.to_string().contains("900"), "{limits}");
    let parked = operators(house, "/v1/sessions/9");
    assert_eq!(parked["phase"], "parked");
    assert_eq!(parked["parked"]["reason"]["why"], "no browser", "{parked}");
    let unlinked = operators(house, "/v1/sessions/6");
    assert_eq!(
        (&unlinked["phase"], &unlinked["was_linked"]),
        (&"stopped".into(), &false.into()),
        "{unlinked}"
    );
}

fn end(house: &House, mut child: Child) {
    signal(child.id(), Signal::TERM);
    let status = child.wait().expect("ends");
    assert_eq!(status.code(), Some(0), "{}", std::fs::read_to_string(house.path("log")).expect("read"));
}

#[test]
fn what_the_last_build_left_is_all_there() {
    let house = House::new();
    let worker = installation(&house);
    drop(database(&house, "colmeia.db", include_str!("from_0_1_0/journal.sql")));
    let settings = database(&house, "colmeia-settings.db", include_str!("from_0_1_0/settings.sql"));
    // Answers are kept for a day.
    settings.execute("UPDATE answers SET created_ms = ?1", [now_ms()]).expect("moved");
    drop(settings);
    let (address, bodies) = app();
    let child = upgraded(&house, &address);

    // What waited for Flask comes, in its order, and nothing twice.
    for expected in ["n 1", "n 2"] {
        let body = next(&bodies);
        assert_eq!((&body["body"], &body["user_id"]), (&expected.into(), &"7".into()));
    }
    its_worker_goes_on(&house, worker);
    everyone_is_where_they_were(&house);

    // Events have the ids under which callers know them, and dead letters what was said of them.
    let events = get(&house, Some(ADMIN), "/api/events?session=7&events=message&limit=10");
    let told = events["events"].as_array().expect("a list");
    let told: Vec<_> = told.iter().map(|event| (&event["id"], &event["payload"]["body"])).collect();
    assert_eq!(
        told,
        EVENTS.map(|(id, body)| (id.into(), body.into())).iter().map(|(a, b)| (a, b)).collect::<Vec<_>>()
    );
    let after =
        get(&house, Some(ADMIN), &format!("/api/events?session=7&events=message&after={}", EVENTS[0].0));
    assert_eq!(after["events"].as_array().map(Vec::len), Some(1), "{after}");
    let dead = get(&house, Some(ADMIN), "/api/events/dead");
    let letters = dead["dead"].as_array().expect("a list");
    assert_eq!(letters.len(), 2, "{dead}");
    for letter in letters {
        assert!(letter.to_string().contains("answered 422"), "{letter}");
    }

    // Keys, and what each allows.
    let status = |key: &str, path: &str| ask(&house, Some(key), &format!("GET {path}"), &[], "").status;
    assert_eq!(status(READS_AND_SENDS, "/api/sessions/7"), 200);
    assert_eq!(status(READS_AND_SENDS, "/api/keys"), 403);
    assert_eq!(status(ADMIN, "/api/keys"), 200);
    assert_eq!(status("colmeia_0000000000000000", "/api/sessions/7"), 401);

    // The session's configuration.
    let config = get(&house, Some(ADMIN), "/api/sessions/7")["config"].clone();
    assert_eq!(config["metadata"]["shop"], "centro", "{config}");
    assert_eq!(config["proxy"]["server"], "proxy.example:3128", "{config}");
    assert_eq!(config["webhooks"][0]["hmac"]["key"], "um segredo", "{config}");
    assert_eq!(config["webhooks"][1]["retries"]["attempts"], 2, "{config}");

    // A request that is made once more gets the first answer.
    let body = r#"{"session":"7","chatId":"5511988887777@c.us","text":"oi"}"#;
    let send = |body: &str| {
        ask(&house, Some(READS_AND_SENDS), "POST /api/sendText", &["Idempotency-Key: order-17"], body)
    };
    let again = send(body);
    assert_eq!(again.status, 201, "{}", again.json);
    assert!(again.head.contains("idempotency-replayed: true"), "{}", again.head);
    assert_eq!(send(&body.replace("oi", "outra")).status, 422, "another request under its key");

    // The status of before is in the history that 0.1.0 did not keep.
    let journal = Connection::open(house.path("colmeia.db")).expect("opened");
    let known: i64 = journal
        .query_row("SELECT count(*) FROM history WHERE user = '7' AND status = 'WORKING'", [], |row| {
            row.get(0)
        })
        .expect("there");
    assert!(known >= 2, "{known}");
    drop(journal);
    end(&house, child);

    // It is the same after the next start, which finds everything up to date.
    let child = upgraded(&house, &address);
    everyone_of_before(&house);
    end(&house, child);
    assert!(bodies.try_recv().is_err(), "nothing is delivered twice");
}

/// A clean end lifts a parking, and nothing else.
fn everyone_of_before(house: &House) {
    assert_eq!(operators(house, "/v1/sessions/8")["phase"], "held");
    until("7 is ready", || operators(house, "/v1/sessions/7")["ready"] == true);
    assert_eq!(get(house, Some(ADMIN), "/api/sessions/7")["config"]["metadata"]["shop"], "centro");
    assert_eq!(get(house, Some(ADMIN), "/api/events/dead")["dead"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_the_first_build_left_is_all_there() {
    let house = House::new();
    let worker = installation(&house);
    drop(database(&house, "colmeia.db", include_str!("../events/src/journal/schema/first-release.sql")));
    let (address, bodies) = app();
    let child = upgraded(&house, &address);

    let came: Vec<_> = (0..2).map(|_| next(&bodies)).collect();
    for (user, body) in [("1", "tudo bem?"), ("2", "grupo")] {
        assert!(came.iter().any(|told| told["user_id"] == user && told["body"] == body), "{user}: {came:?}");
    }
    its_worker_goes_on(&house, worker);
    everyone_is_where_they_were(&house);
    let letters = operators(&house, "/v1/events/dead")["letters"].clone();
    assert_eq!(letters.as_array().map(Vec::len), Some(1), "{letters}");
    let letter = &letters[0];
    assert_eq!((&letter["user"], &letter["error"]), (&"1".into(), &"answered 422".into()), "{letter}");
    // It knew no keys, so callers on this machine need none.
    assert_eq!(
        get(&house, None, "/api/events?session=1&limit=10")["events"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(get(&house, None, "/api/keys"), Value::Array(Vec::new()));
    end(&house, child);
    assert!(bodies.try_recv().is_err(), "nothing is delivered twice");
}

#[test]
fn its_configuration_file_is_taken() {
    let house = House::new();
    std::fs::write(house.path("colmeia.toml"), include_str!("from_0_1_0/colmeia.toml")).expect("written");
    let mut command = Command::new(PROGRAM);
    command.env_clear().arg("--check-config").arg("--config").arg(house.path("colmeia.toml"));
    let (code, said, error) = house::output(&mut command);
    assert_eq!(code, 0, "{error}");
    for kept in ["sends_per_minute = 12", "keep_days = 36500", "max_mb = 900"] {
        assert!(said.contains(kept), "{kept}: {said}");
    }
}
