//! The supervisor as a program: exit codes, locks, signals, and its own death. The example `fake-worker` plays
//! the worker.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

struct House {
    folder: TempDir,
}

impl House {
    /// Folders in which user 7 has a session.
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().expect("folder") };
        std::fs::create_dir_all(house.path(".wwebjs_auth_user_7/session-ylada_bot_user_7")).expect("made");
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor"));
        let mut command = Command::new(own);
        command
            .env_clear()
            .args(["--listen", "127.0.0.1:0", "--page-url", "http://fake/"])
            .arg("--state-dir")
            .arg(self.folder.path())
            .arg("--runtime-dir")
            .arg(self.path("run"))
            .arg("--worker")
            .arg(own.with_file_name("examples").join("fake-worker"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// A supervisor that listens.
    fn start(&self) -> Child {
        let _ = std::fs::remove_file(self.path("run/http.addr"));
        let mut child = self.command().spawn().expect("runs");
        until("it listens", || {
            assert_eq!(child.try_wait().expect("known"), None, "it ended instead");
            self.path("run/http.addr").exists()
        });
        child
    }

    /// The worker of user 7, once it is there.
    fn worker(&self) -> u32 {
        let mark = format!("TMPDIR={}", self.path("run/v1/7").display());
        let mut found = None;
        until("the worker runs", || {
            found = processes().into_iter().find(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
                    && self.path("run/v1/7/worker.sock").exists()
            });
            found.is_some()
        });
        found.expect("just found")
    }
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("read").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).expect("positive"), signal).expect("signalled");
}

fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}

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
