//! A supervisor that has no descriptors or ports left: who lives goes on, who died comes back when there are some, and nobody
//! at the other end is blamed.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod house;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use house::{House, alive, signal, until};
use nix::sched::{CloneFlags, unshare};
use rustix::process::Signal;

/// A connection that was there before.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn open(house: &House) -> Self {
        let address = std::fs::read_to_string(house.path("run/http.addr")).expect("address");
        Self(BufReader::new(TcpStream::connect(address).expect("connected")))
    }

    fn status(&mut self, user: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(&format!("/status?user_id={user}"))).expect("JSON")
    }

    fn get(&mut self, path: &str) -> Vec<u8> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).1
    }

    /// The status and the body.
    fn post(&mut self, path: &str, body: &serde_json::Value) -> (u16, String) {
        let body = body.to_string();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}", body.len());
        let (status, body) = self.ask(&format!("{head}\r\nContent-Type: application/json\r\n\r\n{body}"));
        (status, String::from_utf8(body).expect("text"))
    }

    fn ask(&mut self, request: &str) -> (u16, Vec<u8>) {
        self.0.get_mut().write_all(request.as_bytes()).expect("sent");
        let (mut length, mut line, mut status) = (0, String::new(), 0);
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("answered");
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().expect("a status");
            }
            let (name, value) = line.split_once(": ").unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("whole");
        (status, body)
    }

    /// How often events were offered to webhooks with this outcome.
    fn deliveries(&mut self, outcome: &str) -> u64 {
        self.figure(&["receiver=\"webhook\"", &format!("outcome=\"{outcome}\"")])
    }

    /// How many wait for it.
    fn waiting(&mut self) -> u64 {
        self.figure(&["colmeia_receiver_queue_events{", "receiver=\"webhook\""])
    }

    /// The first of the metrics in which all of this stands.
    fn figure(&mut self, words: &[&str]) -> u64 {
        let all = String::from_utf8(self.get("/metrics")).expect("text");
        let line = all.lines().find(|line| words.iter().all(|word| line.contains(word)));
        line.map_or(0, |line| line.rsplit(' ').next().expect("a value").parse().expect("a number"))
    }
}

/// Answers 200 to everybody, and tells how often it has.
fn receiver() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let answered = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&answered);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("connected"));
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                let (name, value) = line.split_once(": ").unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().expect("a length");
                }
                line.clear();
            }
            // One that asks for nothing only held a port.
            if length > 0 && stream.read_exact(&mut vec![0; length]).is_ok() {
                told.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.get_mut().write_all(answer); // who has gone comes again
            }
        }
    });
    (url, answered)
}

/// A network of this thread's own, and of whoever it starts: with nothing but itself, and as many ports as there are at first.
fn own_network() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network of its own takes root");
    let up = std::process::Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.expect("ip runs").success());
}

/// From here on connections to one place have these two ports alone. What has one keeps it.
fn two_ports() {
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "20000 20001").expect("set");
}

/// So many descriptors more than are open now, or as many as anyone wants. What is open stays open; new ones are below the
/// limit, so the free numbers there are what counts.
fn allow(pid: u32, more: Option<usize>) {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("read").flatten();
    let open: Vec<u64> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let soft = more.map_or(4096, |more| (0..).filter(|number| !open.contains(number)).nth(more).unwrap_or(0));
    let soft = if more == Some(0) { 0 } else { soft };
    let limit = format!("--nofile={soft}:");
    let set = std::process::Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(set.expect("prlimit runs").success());
}

/// Whether the supervisor has looked for a descriptor and found none.
fn count(log: &std::path::Path, words: &str) -> usize {
    std::fs::read_to_string(log).expect("read").matches(words).count()
}

#[test]
fn without_descriptors_nobody_is_parked_or_declared_dead_and_it_is_said_once() {
    let house = House::new();
    std::fs::create_dir_all(house.path(".wwebjs_auth_user_8/session-ylada_bot_user_8")).expect("made");
    let log = house.path("log");
    let mut command = house.command();
    command.stderr(std::fs::File::create(&log).expect("made"));
    let mut supervisor = house.start_by(&mut command);
    let (pid, living) = (supervisor.id(), house.worker_of("8"));
    let mut status = Kept::open(&house);
    let mut ready = |user: &str| status.status(user)["ready"] == true;
    until("both are ready", || ready("7") && ready("8"));

    // First none at all, then some, and fewer than a start takes.
    for more in [0, 4] {
        let (dead, said) = (house.worker(), count(&log, "the machine has none left"));
        allow(pid, Some(more));
        signal(dead, Signal::KILL);
        until("it is noticed", || count(&log, "the machine has none left") > said);
        // Long enough for the four failures that park a user.
        let begun = std::time::Instant::now();
        until("time passes", || {
            assert!(ready("8") && alive(living), "who lives is not touched");
            assert!(house.path("run/v1/8/worker.sock").exists());
            std::thread::sleep(std::time::Duration::from_millis(100));
            begun.elapsed() > std::time::Duration::from_secs(6)
        });
        assert_eq!(count(&log, "the machine has none left"), said + 1, "said once");
        allow(pid, None);
        until("it comes back", || ready("7"));
        assert_ne!(house.worker(), dead);
        until("that is said too", || count(&log, "the machine has enough again") > said);
    }
    assert_eq!((house.worker_of("8"), count(&log, "parked")), (living, 0));
    signal(pid, Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
}

/// More attempts than open a breaker.
const ENOUGH: u64 = 8;

/// Neither a receiver nor the name server is away for that.
#[test]
fn what_we_have_no_descriptors_for_is_not_held_against_the_receiver() {
    let house = House::new();
    let log = house.path("log");
    let mut command = house.command();
    command.stderr(std::fs::File::create(&log).expect("made"));
    command.env("COLMEIA_LOG", "info,colmeia_supervisor=debug");
    let mut supervisor = house.start_by(&mut command);
    let (pid, mut door) = (supervisor.id(), Kept::open(&house));
    until("it is ready", || door.status("7")["ready"] == true);
    let (url, answered) = receiver();
    // One by its number, and one whose name a server has to be asked for.
    let urls = [url.as_str(), "http://receiver.example.com/"];
    let webhooks = urls.map(|url| serde_json::json!({"url": url, "events": ["session.status"]}));
    let webhooks = serde_json::json!({"config": {"webhooks": webhooks}});
    let address = std::fs::read_to_string(house.path("run/http.addr")).expect("address");
    let set = house::send(&address, "PUT", "/api/sessions/7", &webhooks.to_string()).expect("answered");
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    until("it is ready again", || door.status("7")["ready"] == true);

    let worker = house.worker();
    allow(pid, Some(0));
    let file = serde_json::json!({"url": "http://files.example.com/a.png", "mimetype": "image/png"});
    let image = serde_json::json!({"session": "7", "chatId": "5511988887777@c.us", "file": file});
    let (status, told) = door.post("/api/sendImage", &image);
    assert!(status == 503 && told.contains("no descriptors left"), "{status} {told}");
    signal(worker, Signal::KILL);
    let before = answered.load(Ordering::SeqCst);
    until("it was not tried often enough to open a breaker", || door.deliveries("untried") >= 2 * ENOUGH);
    assert_eq!(door.deliveries("unreachable"), 0);
    assert_eq!(answered.load(Ordering::SeqCst), before, "there was nothing to reach it with");
    for words in ["a receiver is left alone", "does not take what it is sent"] {
        assert_eq!(count(&log, words), 0, "{words}");
    }
    assert_eq!(count(&log, "the machine has none left"), 1, "said once");
    allow(pid, None);
    until("it is told", || answered.load(Ordering::SeqCst) > before);
    until("it is ready again", || door.status("7")["ready"] == true);
    let (status, told) = door.post("/api/sendImage", &image);
    assert!(status == 400 && told.contains("cannot be fetched"), "as if nothing had been: {status} {told}");
    signal(pid, Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
}

#[test]
#[ignore = "a network of its own takes root; make test-host runs it"]
fn ports_that_are_used_up_are_not_held_against_the_receiver() {
    own_network();
    let house = House::new();
    let log = house.path("log");
    let mut command = house.command();
    command.stderr(std::fs::File::create(&log).expect("made"));
    let mut supervisor = house.start_by(&mut command);
    let mut door = Kept::open(&house);
    until("it is ready", || door.status("7")["ready"] == true);
    let (url, answered) = receiver();
    let webhooks = serde_json::json!([{"url": url, "events": ["session.status"]}]);
    let webhooks = serde_json::json!({"config": {"webhooks": webhooks}});
    let address = std::fs::read_to_string(house.path("run/http.addr")).expect("address");
    let set = house::send(&address, "PUT", "/api/sessions/7", &webhooks.to_string()).expect("answered");
    assert!(set.starts_with("HTTP/1.1 200"), "{set}");
    signal(house.worker(), Signal::KILL);
    until("it is told", || answered.load(Ordering::SeqCst) > 0);
    until("it is ready again", || door.status("7")["ready"] == true);
    until("nothing more is on its way", || door.waiting() == 0);

    two_ports();
    let receiver = url.trim_start_matches("http://").trim_end_matches('/');
    let mut taken = Vec::new();
    let none_left = loop {
        match TcpStream::connect(receiver) {
            Ok(stream) => taken.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!((none_left.kind(), taken.len()), (std::io::ErrorKind::AddrNotAvailable, 2));
    let before = answered.load(Ordering::SeqCst);
    signal(house.worker(), Signal::KILL);
    until("it was not tried often enough to open a breaker", || door.deliveries("untried") >= 2 * ENOUGH);
    assert_eq!(door.deliveries("unreachable"), 0);
    assert_eq!(answered.load(Ordering::SeqCst), before, "there was nothing to reach it with");
    until("sessions start all the same", || door.status("7")["ready"] == true);
    for words in ["a receiver is left alone", "does not take what it is sent"] {
        assert_eq!(count(&log, words), 0, "{words}");
    }
    assert_eq!(count(&log, "the machine has none left"), 1, "said once");
    assert_eq!(count(&log, "lack=\"ports\"") + count(&log, "\"lack\":\"ports\""), 1, "and of what");

    drop(taken);
    until("it is told", || answered.load(Ordering::SeqCst) > before);
    until("that is said too", || count(&log, "the machine has enough again") == 1);
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
}

#[test]
fn the_soft_limit_is_raised_at_the_start() {
    let house = House::new();
    let plain = house.command();
    let mut command = std::process::Command::new("prlimit");
    command.arg("--nofile=200:4000").arg(plain.get_program()).args(plain.get_args()).env_clear();
    for (key, value) in plain.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    let mut supervisor = house.start_by(command.env("PATH", "/usr/bin:/bin"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", supervisor.id())).expect("read");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("listed");
    assert_eq!(line.split_whitespace().nth(3), Some("4000"), "{line}");
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
}
