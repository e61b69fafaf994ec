//! What `make run` starts beside our own programs, as a person meets it: `scripts/run` where a port is taken, and the
//! receiver that shows what comes in.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// The output of `scripts/run` in this mode, while somebody else listens on the port that this variable names.
fn run_beside(mode: &str, variable: &str) -> (Option<i32>, String, u16) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/run")).arg(mode);
    for other in ["PORT", "SIMULATOR_PORT", "FLASK_PORT"] {
        // Nobody can listen on port 1 unasked, and nobody does.
        command.env(other, if other == variable { port.to_string() } else { "1".into() });
    }
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), port)
}

#[test]
fn a_port_that_is_taken_is_named_with_how_to_choose_another() {
    for (mode, target, variable) in [
        ("simulator", "run", "PORT"),
        ("simulator", "run", "SIMULATOR_PORT"),
        ("flask", "flask", "FLASK_PORT"),
    ] {
        let (code, said, port) = run_beside(mode, variable);
        assert_eq!(code, Some(1), "{variable}: {said}");
        let (named, way) = (format!("port {port}"), format!("make {target} {variable}="));
        assert!(said.contains(&named) && said.contains(&way), "{variable}: {said}");
    }
}

fn post(port: u16, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn the_receiver_shows_messages_and_events_and_obeys_none() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/receiver.mjs");
    let mut node = Command::new("node");
    let mut receiver =
        node.arg(script).arg(port.to_string()).stdout(Stdio::piped()).spawn().expect("node is there");
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < limit, "it never listens");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let lines = BufReader::new(receiver.stdout.take().expect("piped")).lines();
    let bodies = [
        (r#"{"user_id":"1","phone":"55","body":"oi 👨‍👩‍👧 \u001b[31m"}"#, "user 1, from 55: oi 👨‍👩‍👧  [31m"),
        (r#"{"user_id":"1","phone":"55","body":""}"#, "user 1, from 55: (no text)"),
        (
            r#"{"event":"message","session":"1","payload":{"from":"55@c.us","body":"oi"}}"#,
            "message, session 1, from 55@c.us: oi",
        ),
        (
            r#"{"event":"session.status","session":"1","payload":{"status":"WORKING"}}"#,
            "session.status, session 1: WORKING",
        ),
    ];
    for (body, _) in bodies {
        assert!(post(port, body).starts_with("HTTP/1.1 200"), "{body}");
    }
    assert!(post(port, "no JSON").starts_with("HTTP/1.1 400"));
    let shown: Vec<String> = lines.take(bodies.len()).map(|line| line.expect("text")).collect();
    receiver.kill().and_then(|()| receiver.wait()).expect("ended");
    for (shown, (_, expected)) in shown.iter().zip(bodies) {
        assert_eq!(shown.trim_start().strip_prefix("received").map(str::trim_start), Some(expected));
    }
}
