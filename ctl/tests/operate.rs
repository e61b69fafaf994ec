//! `colmeiactl` against a real supervisor; the example `fake-worker` plays the worker.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

struct Service {
    folder: TempDir,
    child: Child,
}

/// A program that the workspace builds; nextest builds all of them before the tests run.
fn program(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_colmeiactl")).with_file_name(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --examples`", path.display());
    path
}

impl Service {
    /// A supervisor in whose state directory users 1 and 2 have sessions.
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        for user in ["1", "2"] {
            let session = format!(".wwebjs_auth_user_{user}/session-ylada_bot_user_{user}");
            std::fs::create_dir_all(folder.path().join(session)).expect("made");
        }
        let run = folder.path().join("run");
        let child = Command::new(program("colmeia-supervisor"))
            .env_clear()
            // The fake worker stays who it is.
            .env("COLMEIA_WORKER_UIDS", "off")
            .args(["--listen", "127.0.0.1:0", "--page-url", "http://fake/"])
            .arg("--state-dir")
            .arg(folder.path())
            .arg("--runtime-dir")
            .arg(&run)
            .arg("--worker")
            .arg(program("examples/fake-worker"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let service = Self { folder, child };
        // A socket that is there may not listen yet.
        let listens = || std::os::unix::net::UnixStream::connect(service.socket()).is_ok();
        until("it listens", || run.join("http.addr").exists() && listens());
        service
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/admin.sock")
    }

    fn ctl(&self, arguments: &[&str]) -> Said {
        ctl(&self.socket(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.ctl(&[&["--json"], arguments].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.stderr);
        serde_json::from_str(&said.stdout).expect("JSON")
    }

    fn session(&self, user: &str) -> Value {
        self.json(&["show", user])
    }

    fn ready(&self, user: &str) -> Value {
        let mut session = Value::Null;
        until("it is ready", || {
            session = self.session(user);
            session["ready"] == true
        });
        session
    }

    /// As Flask asks.
    fn qr(&self, user: &str) -> String {
        use std::io::Write as _;
        let address = std::fs::read_to_string(self.folder.path().join("run/http.addr")).expect("address");
        let mut stream = std::net::TcpStream::connect(address).expect("connected");
        write!(stream, "GET /qr?user_id={user} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

fn ctl(socket: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colmeiactl"));
    command.arg("--socket").arg(socket).args(arguments).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said { code: status.code().expect("no signal"), stdout: text(stdout), stderr: text(stderr) }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_health_check_tells_a_service_that_answers_from_one_that_does_not() {
    let service = Service::start();
    let said = service.ctl(&["health"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", said.stdout);
    let socket = service.folder.path().join("nobody.sock");
    assert_eq!(ctl(&socket, &["health"]).code, 4);
}

#[test]
fn a_stop_that_the_disk_does_not_take_is_not_said_to_be_done() {
    let service = Service::start();
    service.ready("1");
    let holds = service.folder.path().join("colmeia-held");
    std::fs::write(&holds, "no folder").expect("written");
    let said = service.ctl(&["stop", "1"]);
    assert_ne!(said.code, 0, "{}", said.stdout);
    assert!(said.stderr.contains("a restart of the service undoes it"), "{}", said.stderr);
    until("it is held, as it says", || service.session("1")["phase"] == "held");
    std::fs::remove_file(&holds).expect("removed");
    assert_eq!(service.ctl(&["stop", "1"]).code, 0);
    assert!(holds.join("1").exists());
}

#[test]
fn a_session_is_listed_stopped_started_restarted_and_reset_and_the_other_goes_on() {
    let service = Service::start();
    let (first, other) = (service.ready("1"), service.ready("2"));
    let list = service.ctl(&["list"]);
    assert!(list.stdout.starts_with("USER") && list.stdout.contains("ready"), "{}", list.stdout);
    let shown = service.ctl(&["show", "1"]).stdout;
    assert!(shown.contains("*********8888") && !shown.contains("5511999998888"), "{shown}");
    assert!(first["memory"].as_u64().is_some_and(|bytes| bytes > 0) && first["cpu_seconds"].is_number());
    assert_eq!(service.json(&["show", "1", "--number"])["number"], "5511999998888");

    let stopped = service.ctl(&["stop", "1"]);
    assert_eq!((stopped.code, stopped.stdout.as_str()), (0, "1: held\n"), "{}", stopped.stderr);
    for _ in 0..3 {
        let answer = service.qr("1");
        assert!(answer.contains("failed") && answer.contains("parada por quem administra"), "{answer}");
    }
    assert_eq!(
        (&service.session("1")["phase"], &service.session("1")["pid"]),
        (&"held".into(), &Value::Null)
    );

    assert_eq!(service.ctl(&["start", "1"]).code, 0);
    let again = service.ready("1");
    assert_ne!(first["pid"], again["pid"]);
    assert_eq!(service.ctl(&["resume", "1"]).code, 1, "it waits for nobody");
    assert_eq!(service.ctl(&["restart", "1"]).code, 0);
    let restarted = service.ready("1");
    assert_ne!(again["pid"], restarted["pid"]);
    assert_eq!((&restarted["restarts"], &restarted["attempts"]), (&0.into(), &0.into()), "no failure");
    assert_eq!(restarted["last_exit"]["label"], "stopped");

    let refused = service.ctl(&["reset", "1"]);
    assert!(refused.code == 1 && refused.stderr.contains("--yes"), "{refused:?}");
    assert_eq!(service.ctl(&["reset", "1", "--yes"]).code, 0);
    assert!(!service.folder.path().join(".wwebjs_auth_user_1").exists());
    until("it is forgotten", || service.ctl(&["show", "1"]).code == 3);
    assert_eq!(service.session("2")["pid"], other["pid"], "the other session went on");
}

#[test]
fn a_drain_stops_everyone_and_its_undoing_brings_everyone_back() {
    let service = Service::start();
    let before = [service.ready("1"), service.ready("2")];
    assert_eq!(service.json(&["drain"])["draining"], true);
    until("nobody runs", || {
        let list = service.json(&["list"]);
        list["sessions"].as_array().expect("a list").iter().all(|session| session["pid"].is_null())
    });
    assert!(service.qr("1").contains(r#""ready":false"#));
    assert!(service.session("1")["pid"].is_null(), "polling starts nobody");
    assert_eq!(service.json(&["drain", "--undo"])["draining"], false);
    for (user, before) in ["1", "2"].into_iter().zip(before) {
        assert_ne!(service.ready(user)["pid"], before["pid"]);
    }
}

#[test]
fn logs_show_the_last_lines_and_follow_a_restart() {
    let service = Service::start();
    service.ready("1");
    let lines = service.ctl(&["logs", "1", "-n", "5"]);
    assert!(lines.stdout.contains("fake worker") && lines.stdout.contains("begins"), "{lines:?}");
    let mut follower = Command::new(env!("CARGO_BIN_EXE_colmeiactl"))
        .arg("--socket")
        .arg(service.socket())
        .args(["logs", "1", "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    assert_eq!(service.ctl(&["restart", "1"]).code, 0);
    let next = format!("fake worker {} begins", service.ready("1")["pid"]);
    let mut stdout = follower.stdout.take().expect("a pipe");
    let (mut text, mut chunk) = (String::new(), [0; 1024]);
    while !text.contains(&next) {
        let length = stdout.read(&mut chunk).expect("read");
        assert!(length > 0, "it ended: {text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..length]));
    }
    follower.kill().expect("killed");
    follower.wait().expect("ended");
}

#[test]
fn every_failure_has_its_exit_code() {
    let service = Service::start();
    assert_eq!(service.ctl(&["show", "nobody"]).code, 3);
    assert_eq!(service.ctl(&["start", "nobody"]).code, 3);
    assert_eq!(service.ctl(&["logs", "nobody", "-f"]).code, 3);
    assert_eq!(service.ctl(&["start", "nobody", "--new"]).code, 0);
    assert_eq!(service.ctl(&["nonsense"]).code, 2);
    assert_eq!(service.ctl(&["show", "../x"]).code, 2);
    assert_eq!(ctl(&service.folder.path().join("nowhere"), &["list"]).code, 4);
    let script = service.ctl(&["completions", "bash"]);
    assert!(script.code == 0 && script.stdout.contains("complete -F"), "{}", script.stderr);
}

#[test]
fn the_socket_is_for_the_group_and_the_doctor_looks_at_the_machine() {
    let service = Service::start();
    let mode = std::fs::metadata(service.socket()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let said = service.ctl(&["--json", "doctor"]);
    let diagnosis: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let findings = diagnosis["findings"].as_array().expect("a list");
    for check in ["service", "browser", "wa-js", "state directory", "Landlock", "clock"] {
        assert!(findings.iter().any(|finding| finding["check"] == check), "{check}: {said:?}");
    }
    let unwell = findings.iter().any(|finding| finding["verdict"] == "problem");
    assert_eq!(said.code, i32::from(unwell));
}

#[test]
fn top_draws_and_obeys_keys_in_a_terminal() {
    let service = Service::start();
    let before = service.ready("1");
    service.ready("2");
    let inner = format!(
        "stty cols 140 rows 20; {} --socket {} top",
        env!("CARGO_BIN_EXE_colmeiactl"),
        service.socket().display()
    );
    let mut terminal = Command::new("script")
        .args(["-qec", &inner, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    use std::io::Write as _;
    let mut keys = terminal.stdin.take().expect("a pipe");
    let screen = Arc::new(Mutex::new(Vec::new()));
    let mut output = terminal.stdout.take().expect("a pipe");
    let seen = Arc::clone(&screen);
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            seen.lock().expect("no panic").extend_from_slice(&piece[..length]);
        }
    });
    let shows = |text: &str| String::from_utf8_lossy(&screen.lock().expect("no panic")).contains(text);
    until("the screen lists the sessions", || shows("MEMORY/CAP") && shows("ready"));
    // Sorted by user: the first is 1, whatever the memory of the two.
    keys.write_all(b"ookkr").expect("pressed");
    let replaced = |user: &str, pid: &Value| {
        let session = service.session(user);
        session["ready"] == true && session["pid"] != *pid
    };
    until("the key restarts", || replaced("1", &before["pid"]));
    keys.write_all(b"q").expect("pressed");
    assert!(terminal.wait().expect("ended").success());
    reader.join().expect("no panic");
    let screen = String::from_utf8_lossy(&screen.lock().expect("no panic")).into_owned();
    assert!(screen.contains("colmeia:") && screen.contains("MEMORY/CAP"), "{screen}");
}

#[test]
fn a_key_is_shown_once_and_opens_what_it_names() {
    let service = Service::start();
    let made = service.ctl(&["keys", "add", "--name", "n8n", "--session", "1", "--read"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let key = made.stdout.trim().to_owned();
    let listed = service.ctl(&["keys", "list"]);
    assert!(listed.stdout.contains("n8n") && !listed.stdout.contains(&key), "{}", listed.stdout);
    let sessions = |key: &str| {
        use std::io::Write as _;
        let address = std::fs::read_to_string(service.folder.path().join("run/http.addr")).expect("address");
        let mut stream = std::net::TcpStream::connect(address).expect("connected");
        write!(
            stream,
            "GET /api/sessions?all=true HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nConnection: close\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    let seen = sessions(&key);
    assert!(seen.contains(r#""name":"1""#) && !seen.contains(r#""name":"2""#), "{seen}");
    let id = service.json(&["keys", "list"])["keys"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(service.ctl(&["keys", "remove", &id]).code, 0);
    assert_eq!(service.json(&["keys", "list"])["keys"], serde_json::json!([]));
    assert_ne!(service.ctl(&["keys", "remove", &id]).code, 0, "it is gone already");
    assert_eq!(service.ctl(&["keys", "add", "--name", "x"]).code, 1, "it may do nothing");
}

/// A request as `curl --unix-socket` makes it: status line and body.
fn put(service: &Service, path: &str, body: &str) -> (String, String) {
    use std::io::Write as _;
    let mut stream = std::os::unix::net::UnixStream::connect(service.socket()).expect("connected");
    let length = body.len();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn one_users_limits_are_set_shown_and_taken_back_and_a_wrong_field_is_named() {
    let service = Service::start();
    service.ready("1");
    let said = service.ctl(&["limits", "1", "--soft", "900", "--max", "1500"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stdout.contains("soft 900M*, hard 1500M*"), "{}", said.stdout);
    let again = service.json(&["limits", "1", "--max", "1600"]);
    assert_eq!(again["own"], serde_json::json!({"high_mb": 900, "max_mb": 1600}));
    assert_eq!(again["applied"]["max_mb"], "now", "{again}");
    let shown = service.session("1");
    assert_eq!(shown["limits"]["in_force"]["max_mb"], 1600);
    until("the cap is the new one", || service.session("1")["memory_cap"] == 1600u64 << 20);
    assert_eq!(service.session("2")["limits"]["own"], serde_json::json!({}), "nobody else's");
    assert!(service.ctl(&["show", "1"]).stdout.contains("hard 1600M*"));

    let path = "/v1/sessions/1/limits";
    for (body, named) in [
        (r#"{"max_mb": "much"}"#, "max_mb"),
        (r#"{"cap": 3}"#, "cap"),
        (r#"{"max_mb": 10}"#, "max_mb"),
        (r#"{"pids_max": 1}"#, "pids_max"),
        ("[]", "high_mb"),
        ("{", "JSON"),
    ] {
        let (status, said) = put(&service, path, body);
        assert!(status.contains("400") && said.contains(named), "{body}: {status} {said}");
    }
    assert!(put(&service, "/v1/sessions/nobody/limits", "{}").0.contains("404"));
    assert_eq!(service.json(&["limits", "1"])["own"]["max_mb"], 1600, "nothing has changed");
    assert_eq!(service.json(&["limits", "1", "--clear"])["own"], serde_json::json!({}));
    assert_eq!(service.ctl(&["limits", "1", "--clear", "--max", "3"]).code, 2);
    assert_eq!(service.ctl(&["limits", "nobody"]).code, 3);
}
