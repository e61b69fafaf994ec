//! A disk that does not answer: everything that wants to write to it stands still, and nobody else notices.

mod house;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use house::{ask, signal, until};
use rustix::process::Signal;

/// A small disk of the test's own, which can be stopped. It goes on, and away, when this is dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn mount() -> Self {
        let disk = Self { folder: tempfile::tempdir().expect("folder") };
        let image = disk.folder.path().join("image");
        std::fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("made");
        std::fs::create_dir(disk.path()).expect("made");
        run("mkfs.ext4", &["-q".as_ref(), image.as_ref()]);
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), disk.path().as_ref()]);
        disk
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Whatever writes to it waits, in the kernel.
    fn stop(&self) {
        run("fsfreeze", &["-f".as_ref(), self.path().as_ref()]);
    }

    fn go_on(&self) {
        run("fsfreeze", &["-u".as_ref(), self.path().as_ref()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for (program, flag) in [("fsfreeze", "-u"), ("umount", "-l")] {
            let _ = Command::new(program).arg(flag).arg(self.path()).stderr(Stdio::null()).status();
        }
    }
}

/// The supervisor of a test; one that fails leaves neither it nor its workers.
struct Running<'a>(Child, &'a Disk);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let thaw = ["-u".into(), self.1.path().into_os_string()];
            let _ = Command::new("fsfreeze").args(thaw).stderr(Stdio::null()).status();
            signal(self.0.id(), Signal::TERM);
            let _ = self.0.wait();
        }
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) {
    let status = Command::new(program).args(arguments).status().expect("runs");
    assert!(status.success(), "{program} {arguments:?}: root is needed, and loop devices");
}

fn post(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    write!(stream, "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn supervisor(state: &Path, run: &Path) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor"));
    let mut command = Command::new(own);
    command
        .env_clear()
        .env("COLMEIA_WORKER_UIDS", "off")
        // Forty more than the machine has memory for, if each took what it may.
        .env("COLMEIA_MEMORY_MODE", "off")
        .args(["--listen", "127.0.0.1:0", "--page-url", "http://fake/", "--max-users", "100"])
        .arg("--state-dir")
        .arg(state)
        .arg("--runtime-dir")
        .arg(run)
        .arg("--worker")
        .arg(own.with_file_name("examples").join("fake-worker"))
        .stdin(Stdio::null());
    command
}

#[test]
#[ignore = "mounts and stops a disk of its own, so it needs root; make test-host runs it"]
fn while_the_disk_stands_still_the_status_of_others_is_answered_at_once() {
    let (disk, run) = (Disk::mount(), tempfile::tempdir().expect("folder"));
    for user in 0..12 {
        let session = format!(".wwebjs_auth_user_{user}/session-ylada_bot_user_{user}");
        std::fs::create_dir_all(disk.path().join(session)).expect("made");
    }
    let mut running = Running(supervisor(&disk.path(), run.path()).spawn().expect("runs"), &disk);
    let file = run.path().join("http.addr");
    until("it listens", || file.exists());
    let address = std::fs::read_to_string(file).expect("address");
    let ready = |user: u32| {
        let answer = ask(&address, &format!("/status?user_id={user}")).expect("answered");
        answer.contains("\"ready\":true")
    };
    (0..12).for_each(|user| until("all are ready", || ready(user)));

    disk.stop();
    let (address, mut slowest) = (address.as_str(), Duration::ZERO);
    let answers = std::thread::scope(|threads| {
        // More of everything that touches the disk than there are threads for it: ends of sessions, new ones, and old
        // ones of which nobody has asked.
        let going: Vec<_> = (0..8_u32)
            .map(|user| threads.spawn(move || post(address, &format!("/disconnect?user_id={user}"))))
            .collect();
        for new in 100..140_u32 {
            threads.spawn(move || ask(address, &format!("/qr?user_id={new}")));
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            for path in ["/status?user_id=11", "/health", "/status?user_id=10"] {
                let asked = Instant::now();
                let answer = ask(address, path).expect("answered");
                slowest = slowest.max(asked.elapsed());
                assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            }
        }
        assert!(ready(10) && ready(11), "they notice nothing");
        let folder = |user: u32| disk.path().join(format!(".wwebjs_auth_user_{user}"));
        assert!((0..8).all(|user| folder(user).exists()), "nothing stood still");
        disk.go_on();
        going.into_iter().map(|going| going.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200")), "{answers:?}");
    (0..8).for_each(|user| {
        until("it is gone", || !disk.path().join(format!(".wwebjs_auth_user_{user}")).exists());
    });
    until("the new ones start", || {
        (100..140).all(|user| run.path().join(format!("v1/{user}/worker.sock")).exists())
    });
    eprintln!("the slowest answer took {slowest:?}");
    signal(running.0.id(), Signal::TERM);
    assert_eq!(running.0.wait().expect("ends").code(), Some(0));
}
