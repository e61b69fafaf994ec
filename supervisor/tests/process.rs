//! The supervisor as a program: exit codes, locks, signals, and its own death. The example `fake-worker` plays
//! the worker.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod house;

use std::path::Path;
use std::process::Command;

use house::{House, alive, output, signal};
use rustix::process::Signal;

#[test]
fn a_session_on_disk_is_brought_back_and_an_end_leaves_no_process() {
    let house = House::new();
    let mut supervisor = house.start();
    let worker = house.worker();
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker));
    assert!(!house.path("run/http.addr").exists() && !house.path("run/v1/7").exists());
    assert!(house.path(".wwebjs_auth_user_7").exists());
}

/// What is still starting has no connection to be asked to end by: only the signal reaches it.
#[test]
fn a_worker_that_is_just_starting_is_asked_to_end_and_hears_it() {
    let house = House::new();
    let log = house.path("log");
    let mut command = house.command_of(Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor")), "deaf");
    let mut supervisor = house.start_by(command.stderr(std::fs::File::create(&log).expect("made")));
    let worker = house.worker();
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("it runs");
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).expect("on Linux");
    assert_eq!(blocked.trim(), "0000000000000000", "what we hold back is not held back in it");
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
    let said = std::fs::read_to_string(&log).expect("read");
    assert!(said.contains("crash(worker, signal 15)"), "not killed after a deadline: {said}");
    assert!(!alive(worker));
}

/// Its worker does not stop when it is asked, and would be waited for longer than a container's grace.
#[test]
fn an_end_that_takes_longer_than_it_may_waits_for_nobody() {
    let house = House::new();
    let log = house.path("log");
    let mut command = house.command_of(Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor")), "ignore-stop");
    command.env("COLMEIA_STOP_WITHIN_MS", "200").env("COLMEIA_STOP_DEADLINE_MS", "600000");
    let mut supervisor = house.start_by(command.stderr(std::fs::File::create(&log).expect("made")));
    let worker = house.worker();
    house::until("it is connected", || {
        let address = std::fs::read_to_string(house.path("run/http.addr")).expect("it listens");
        house::ask(&address, "/status?user_id=7").is_ok_and(|answer| answer.contains("\"ready\":true"))
    });
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
    let said = std::fs::read_to_string(&log).expect("read");
    assert!(said.contains("the end takes too long"), "{said}");
    assert!(!alive(worker));
}

#[test]
fn a_log_for_standard_output_leaves_standard_error_empty() {
    let house = House::new();
    let (out, err) = (house.path("out"), house.path("err"));
    let file = |path: &Path| std::fs::File::create(path).expect("made");
    let mut command = house.command();
    command.env("COLMEIA_LOG_TO", "stdout").stdout(file(&out)).stderr(file(&err));
    let mut supervisor = house.start_by(&mut command);
    house.worker();
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
    let said = std::fs::read_to_string(&out).expect("read");
    assert!(said.lines().count() > 3, "{said}");
    for line in said.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&err).expect("read"), "");
}

#[test]
fn what_keeps_users_apart_is_said_at_the_start() {
    let house = House::new();
    let log = house.path("log");
    let mut command = house.command();
    command.env("COLMEIA_BROWSER_SANDBOX", "off").stderr(std::fs::File::create(&log).expect("made"));
    let mut supervisor = house.start_by(&mut command);
    house::until("all of it is said", || {
        let said = std::fs::read_to_string(&log).expect("read");
        ["Landlock", "state volume", "all that the browser has"].iter().all(|word| said.contains(word))
    });
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
}

#[test]
fn workers_outlive_a_killed_supervisor_and_are_adopted_by_the_next() {
    let house = House::new();
    let mut first = house.start();
    let worker = house.worker();
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert!(alive(worker));
    let mut second = house.start();
    assert_eq!(house.worker(), worker);
    signal(second.id(), Signal::INT);
    assert_eq!(second.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker));
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_neither_the_service_nor_its_order() {
    let house = House::new();
    let mut supervisor = house.start_by(house.command().stderr(std::process::Stdio::piped()));
    drop(supervisor.stderr.take());
    let worker = house.worker();
    signal(worker, Signal::KILL);
    house::until("there is another", || !alive(worker) && house.worker() != worker);
    let worker = house.worker();
    signal(supervisor.id(), Signal::TERM);
    assert_eq!(supervisor.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker) && !house.path("run/http.addr").exists());
}

#[test]
fn a_second_supervisor_is_told_who_is_there() {
    let house = House::new();
    let mut first = house.start();
    let (code, _, stderr) = output(&mut house.command());
    assert_eq!(code, 75);
    assert!(stderr.contains(&format!("process {}", first.id())), "{stderr}");
    let elsewhere = house.path("other");
    let (code, _, stderr) = output(house.command().arg("--runtime-dir").arg(elsewhere));
    assert_eq!(code, 2, "a flag that is given twice: {stderr}");
    let mut same_state = house.command();
    same_state.env("COLMEIA_RUNTIME_DIR", "/unused");
    assert_eq!(output(&mut same_state).0, 75);
    signal(first.id(), Signal::TERM);
    first.wait().expect("ends");
}

#[test]
fn a_configuration_is_shown_or_refused() {
    let house = House::new();
    let (code, stdout, _) =
        output(house.command().arg("--check-config").env("COLMEIA_API_KEYS", "0123456789abcdef"));
    assert_eq!(code, 0);
    assert!(stdout.contains("page_url = \"http://fake/\"") && !stdout.contains("0123456789"), "{stdout}");
    let (code, _, stderr) = output(house.command().env("COLMEIA_NONSENSE", "1"));
    assert_eq!(code, 78);
    assert!(stderr.contains("COLMEIA_NONSENSE"), "{stderr}");
    assert!(!house.path("run").exists(), "nothing is made");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let house = House::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("known").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_colmeia-supervisor"));
    command
        .env_clear()
        .env("COLMEIA_LISTEN", &address)
        .env("COLMEIA_STATE_DIR", house.folder.path())
        .env("COLMEIA_RUNTIME_DIR", house.path("run"));
    let (code, _, stderr) = output(&mut command);
    assert_eq!(code, 1);
    assert!(stderr.contains(&address), "{stderr}");
}
