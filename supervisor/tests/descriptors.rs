//! A supervisor that has no descriptors left: who lives goes on, who died comes back when there are some.

mod house;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use house::{House, alive, signal, until};
use rustix::process::Signal;

/// A connection that was there before.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn open(house: &House) -> Self {
        let address = std::fs::read_to_string(house.path("run/http.addr")).expect("address");
        Self(BufReader::new(TcpStream::connect(address).expect("connected")))
    }

    fn status(&mut self, user: &str) -> serde_json::Value {
        let request = format!("GET /status?user_id={user} HTTP/1.1\r\nHost: x\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).expect("sent");
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("answered");
            let (name, value) = line.split_once(": ").unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("whole");
        serde_json::from_slice(&body).expect("JSON")
    }
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
