//! A supervisor of its own for each test, with folders of its own. The example `fake-worker` plays the worker.

// Not every test program uses everything.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) folder: TempDir,
}

impl House {
    /// Folders in which user 7 has a session.
    pub(crate) fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().expect("folder") };
        std::fs::create_dir_all(house.path(".wwebjs_auth_user_7/session-ylada_bot_user_7")).expect("made");
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor")), "")
    }

    /// With another program file, and a worker that behaves in some way.
    pub(crate) fn command_of(&self, program: &Path, behaviour: &str) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor"));
        let mut command = Command::new(program);
        command
            .env_clear()
            // The fake worker stays who it is.
            .env("COLMEIA_WORKER_UIDS", "off")
            .args(["--listen", "127.0.0.1:0", "--page-url", &format!("http://fake/{behaviour}")])
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
    pub(crate) fn start(&self) -> Child {
        self.start_by(&mut self.command())
    }

    /// The same with another command.
    pub(crate) fn start_by(&self, command: &mut Command) -> Child {
        let _ = std::fs::remove_file(self.path("run/http.addr"));
        let mut child = command.spawn().expect("runs");
        until("it listens", || {
            assert_eq!(child.try_wait().expect("known"), None, "it ended instead");
            // There, and written.
            let address = std::fs::read_to_string(self.path("run/http.addr")).unwrap_or_default();
            address.parse::<std::net::SocketAddr>().is_ok()
        });
        child
    }

    /// The worker of user 7, once it is there.
    pub(crate) fn worker(&self) -> u32 {
        self.worker_of("7")
    }

    pub(crate) fn worker_of(&self, user: &str) -> u32 {
        let folder = self.path(&format!("run/v1/{user}"));
        let mark = format!("TMPDIR={}", folder.display());
        let mut found = None;
        until("the worker runs", || {
            found = processes().into_iter().find(|pid| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
                    && folder.join("worker.sock").exists()
            });
            found.is_some()
        });
        found.expect("just found")
    }
}

/// A test that fails leaves no process behind either.
impl Drop for House {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mark = self.folder.path().as_os_str().as_encoded_bytes();
        let names_us = |pid: u32, file: &str| {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            text.windows(mark.len()).any(|part| part == mark)
        };
        for pid in processes() {
            if pid != std::process::id() && (names_us(pid, "cmdline") || names_us(pid, "environ")) {
                let _ = kill_process(Pid::from_raw(pid.cast_signed()).expect("positive"), Signal::KILL);
            }
        }
    }
}

/// A request on a connection of its own; what is answered. An error is a refusal.
pub(crate) fn ask(address: &str, path: &str) -> std::io::Result<String> {
    send(address, "GET", path, "")
}

/// The same with a method and a body, which is JSON.
pub(crate) fn send(address: &str, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\nContent-Type: application/json\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

pub(crate) fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("read").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).expect("positive"), signal).expect("signalled");
}

pub(crate) fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("no signal"), text(stdout), text(stderr))
}
