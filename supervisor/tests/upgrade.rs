//! The program replaces itself (SIGHUP), takes a port from systemd, and tells systemd what it does. The example
//! `fake-worker` plays the worker.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod house;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use house::{House, alive, ask, output, signal, until};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_colmeia-supervisor");

/// Between two requests of one caller.
const BREATH: Duration = Duration::from_millis(5);

/// A copy of the program that can be replaced.
fn installed(house: &House) -> PathBuf {
    let path = house.path("colmeia-supervisor");
    install(&path, Path::new(PROGRAM));
    path
}

/// As a package manager does: another file under the same name.
fn install(path: &Path, from: &Path) {
    let draft = path.with_extension("new");
    std::fs::copy(from, &draft).expect("copied");
    std::fs::rename(draft, path).expect("moved");
}

/// Whether the process runs the file that is installed now.
fn runs(child: &Child, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let inode = |path: &Path| std::fs::metadata(path).map(|found| found.ino()).ok();
    inode(Path::new(&format!("/proc/{}/exe", child.id()))) == inode(path)
}

fn address(house: &House) -> String {
    std::fs::read_to_string(house.path("run/http.addr")).expect("there")
}

/// What the admin socket answers.
fn operate(house: &House, request: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(house.path("run/admin.sock"))?;
    stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map(|_| answer)
}

/// Whether the admin socket answers with this in its list.
fn operators_see(house: &House, text: &str) -> bool {
    operate(house, "GET /v1/sessions").is_ok_and(|answer| answer.contains(text))
}

/// What is shown of user 7.
fn shown(house: &House) -> Option<serde_json::Value> {
    let answer = operate(house, "GET /v1/sessions/7").ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Replaces the program, and waits until the next image serves operators.
fn upgrade(house: &House, child: &Child, program: &Path) {
    install(program, Path::new(PROGRAM));
    signal(child.id(), Signal::HUP);
    until("the new file runs", || runs(child, program));
    until("operators are served", || operators_see(house, r#""user":"7""#));
}

fn end(mut child: Child) {
    signal(child.id(), Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}

#[test]
fn a_new_file_takes_over_with_the_same_process_port_and_worker_and_nobody_is_refused() {
    let house = House::new();
    let program = installed(&house);
    let child = house.start_by(&mut house.command_of(&program, ""));
    let (worker, port) = (house.worker(), address(&house));
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let (stop, port) = (Arc::clone(&stop), port.clone());
            std::thread::spawn(move || {
                let (mut answered, mut longest) = (0, Duration::ZERO);
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let answer = ask(&port, "/status?user_id=7").expect("nobody is refused");
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    (answered, longest) = (answered + 1, longest.max(begun.elapsed()));
                    // A closed connection keeps its port for a minute, and there are 28,000.
                    std::thread::sleep(BREATH);
                }
                (answered, longest)
            })
        })
        .collect();
    for _ in 0..3 {
        install(&program, Path::new(PROGRAM));
        assert!(!runs(&child, &program));
        signal(child.id(), Signal::HUP);
        until("the new file runs", || runs(&child, &program));
        until("the session is ready", || {
            ask(&port, "/status?user_id=7").is_ok_and(|answer| answer.contains(r#""ready":true"#))
        });
        until("operators are served", || operators_see(&house, r#""user":"7""#));
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        let (answered, longest) = caller.join().expect("nobody is refused");
        eprintln!("{answered} answers, the slowest took {longest:?}");
        assert!(answered > 10);
    }
    assert_eq!(house.worker(), worker);
    assert_eq!(address(&house), port);
    // The locks were never free, and are held by the new image too.
    assert_eq!(output(&mut house.command()).0, 75);
    end(child);
    assert!(!alive(worker));
    assert!(ask(&port, "/health").is_err(), "nobody listens any more");
    assert!(!house.path("run/admin.sock").exists());
}

#[test]
fn a_file_that_does_not_work_changes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    let program = installed(&house);
    let log = std::fs::File::create(house.path("log")).expect("made");
    let child = house.start_by(house.command_of(&program, "").stderr(log));
    let (worker, port) = (house.worker(), address(&house));
    let broken = house.path("broken");
    std::fs::write(&broken, "#!/bin/sh\necho 'listen: this one is broken' >&2\nexit 78\n").expect("written");
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).expect("set");
    install(&program, &broken);
    signal(child.id(), Signal::HUP);
    until("it says why", || {
        std::fs::read_to_string(house.path("log")).is_ok_and(|log| log.contains("this one is broken"))
    });
    assert!(!runs(&child, &program));
    assert!(ask(&port, "/health").expect("served").starts_with("HTTP/1.1 200 "));
    install(&program, Path::new(PROGRAM));
    signal(child.id(), Signal::HUP);
    until("the repaired file runs", || runs(&child, &program));
    assert_eq!(house.worker(), worker);
    end(child);
}

#[test]
fn who_is_parked_stays_parked_over_an_upgrade_and_a_crash_but_not_over_a_clean_end() {
    let house = House::new();
    let program = installed(&house);
    let start = || house.start_by(&mut house.command_of(&program, "log-and-exit"));
    let mut child = start();
    until("user 7 is parked", || operators_see(&house, r#""phase":"parked""#));
    let before = shown(&house).expect("shown");
    assert_eq!((&before["attempts"], &before["restarts"]), (&5.into(), &4.into()), "{before}");
    // The reason, and the last lines of the last worker's log, and of no other's.
    assert!(
        before["parked"]["label"].as_str().is_some_and(|why| why.starts_with("launch_failed(")),
        "{before}"
    );
    let lines = before["last_lines"].as_array().expect("lines");
    assert!(lines.last().is_some_and(|line| line == "it cannot go on"), "{before}");
    assert_eq!(lines.iter().filter(|line| *line == "it cannot go on").count(), 1, "{before}");

    upgrade(&house, &child, &program);
    let after = shown(&house).expect("shown");
    for key in ["phase", "attempts", "restarts", "last_exit", "parked"] {
        assert_eq!(after[key], before[key], "{key} after the upgrade");
    }
    until("the lines are read again", || {
        shown(&house)
            .is_some_and(|shown| shown["last_lines"].as_array().is_some_and(|lines| !lines.is_empty()))
    });

    signal(child.id(), Signal::KILL);
    child.wait().expect("killed");
    child = start();
    until("operators are served", || operators_see(&house, r#""user":"7""#));
    let after = shown(&house).expect("shown");
    assert_eq!((&after["phase"], &after["parked"]), (&"parked".into(), &before["parked"]), "{after}");
    assert_eq!(after["restarts"], 0, "nothing was tried");

    end(child);
    assert!(!house.path("colmeia-parked/7").exists());
    let child = start();
    until("it is tried again", || shown(&house).is_some_and(|shown| shown["restarts"] != 0));
    end(child);
}

#[test]
fn a_drain_and_counters_go_on_over_an_upgrade() {
    let house = House::new();
    let program = installed(&house);
    let child = house.start_by(&mut house.command_of(&program, ""));
    let worker = house.worker();
    signal(worker, Signal::KILL);
    until("the worker was replaced", || {
        shown(&house).is_some_and(|shown| shown["restarts"] == 1 && shown["ready"] == true)
    });
    upgrade(&house, &child, &program);
    let after = shown(&house).expect("shown");
    assert_eq!((&after["restarts"], &after["attempts"]), (&1.into(), &1.into()), "{after}");
    assert_eq!(after["last_exit"]["label"], "crash(worker, signal 9)");

    let worker = house.worker();
    assert!(operate(&house, "POST /v1/drain").expect("taken").contains(r#""draining":true"#));
    until("the worker is gone", || !alive(worker));
    upgrade(&house, &child, &program);
    assert!(operators_see(&house, r#""draining":true"#));
    assert_eq!(shown(&house).expect("shown")["phase"], "queued");
    operate(&house, "DELETE /v1/drain").expect("taken");
    until("it comes back", || shown(&house).is_some_and(|shown| shown["ready"] == true));
    end(child);
}

#[test]
fn an_end_that_is_asked_for_during_an_upgrade_is_not_forgotten() {
    let house = House::new();
    let mut child = house.start();
    let worker = house.worker();
    signal(child.id(), Signal::HUP);
    signal(child.id(), Signal::TERM);
    assert_eq!(child.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker));
    assert!(!house.path("run/http.addr").exists());
}

#[test]
fn a_worker_of_another_version_is_replaced_once_everything_is_quiet() {
    let house = House::new();
    let older = |house: &House| house.command_of(Path::new(PROGRAM), "older");
    let child = house.start_by(&mut older(&house));
    let worker = house.worker();
    signal(child.id(), Signal::HUP);
    until("the older worker is gone", || !alive(worker));
    let fresh = house.worker();
    assert_ne!(fresh, worker);
    let port = address(&house);
    until("the session is ready", || {
        ask(&port, "/status?user_id=7").is_ok_and(|answer| answer.contains(r#""ready":true"#))
    });
    end(child);
}

/// As systemd starts a service for which it has opened a port: as descriptor 3.
fn activated(house: &House, socket: &TcpListener) -> Command {
    rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).expect("kept open");
    let direct = house.command();
    let mut command = Command::new("bash");
    command
        .env_clear()
        .env("COLMEIA_WORKER_UIDS", "off")
        .env("LISTEN_FDS", "1")
        .arg("-c")
        .arg(format!("exec 3<&{}; LISTEN_PID=$$ exec \"$0\" \"$@\"", socket.as_raw_fd()))
        .arg(direct.get_program())
        .args(direct.get_args());
    command
}

#[test]
fn a_port_that_systemd_opened_is_served_also_after_an_upgrade() {
    let house = House::new();
    let socket = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = socket.local_addr().expect("known").to_string();
    let child = house.start_by(&mut activated(&house, &socket));
    assert_eq!(address(&house), port);
    drop(socket);
    let worker = house.worker();
    std::fs::remove_file(house.path("run/http.addr")).expect("removed");
    signal(child.id(), Signal::HUP);
    until("the next image serves", || {
        // The file is there before its line is.
        std::fs::read_to_string(house.path("run/http.addr")).is_ok_and(|told| !told.is_empty())
    });
    assert_eq!(address(&house), port);
    assert!(ask(&port, "/health").expect("served").starts_with("HTTP/1.1 200 "));
    assert_eq!(house.worker(), worker);
    end(child);
}

#[test]
fn a_port_that_systemd_opened_for_everyone_needs_the_same_protection() {
    let house = House::new();
    let socket = TcpListener::bind("0.0.0.0:0").expect("bound");
    let (code, _, stderr) = output(&mut activated(&house, &socket));
    assert_eq!(code, 1);
    assert!(stderr.contains("trusted_networks"), "{stderr}");
}

#[test]
fn the_service_manager_is_told_and_its_watchdog_fed() {
    let house = House::new();
    let socket = UnixDatagram::bind(house.path("notify")).expect("bound");
    socket.set_read_timeout(Some(Duration::from_secs(120))).expect("set");
    let told = |what: &str| {
        let mut buffer = [0; 1024];
        loop {
            let length = socket.recv(&mut buffer).expect(what);
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if message.contains(what) {
                return message;
            }
        }
    };
    let mut command = house.command();
    command.env("NOTIFY_SOCKET", house.path("notify")).env("WATCHDOG_USEC", "300000");
    let mut child = command.spawn().expect("runs");
    told("READY=1");
    told("STATUS=1 ready, 0 waiting for a scan, 0 neither");
    told("WATCHDOG=1");
    told("WATCHDOG=1");
    signal(child.id(), Signal::HUP);
    assert!(told("RELOADING=1").contains("MONOTONIC_USEC="));
    told("READY=1");
    told("WATCHDOG=1");
    signal(child.id(), Signal::TERM);
    told("STOPPING=1");
    assert_eq!(child.wait().expect("ends").code(), Some(0));
}
