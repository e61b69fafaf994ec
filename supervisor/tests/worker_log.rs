//! What a worker writes to its standard error, in the supervisor's log.

mod house;

use std::path::Path;
use std::time::Instant;

use house::{House, alive, signal, until};
use rustix::process::Signal;
use serde_json::Value;

fn log(house: &House, behaviour: &str) -> std::process::Command {
    let mut command = house.command_of(Path::new(env!("CARGO_BIN_EXE_colmeia-supervisor")), behaviour);
    let file = std::fs::OpenOptions::new().create(true).append(true).open(house.path("log")).expect("made");
    command.stderr(file);
    command
}

/// The worker's lines in it. All others are the supervisor's, and all are whole, but for one that is just being written.
fn lines(house: &House) -> Vec<Value> {
    let bytes = std::fs::read(house.path("log")).expect("there");
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text = std::str::from_utf8(&bytes[..whole]).expect("UTF-8");
    assert!(!text.contains('\x1b'), "what commands a terminal is written out");
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of ours"));
    all.filter(|line| line["target"] == "worker").collect()
}

#[test]
fn a_worker_that_shouts_forges_no_line_and_fills_no_disk_and_is_heard_again_after_the_supervisor_died() {
    let (house, begun) = (House::new(), Instant::now());
    let mut first = house.start_by(&mut log(&house, "shout"));
    let worker = house.worker();
    let size = || std::fs::metadata(house.path("log")).expect("there").len();
    until("it is heard", || lines(&house).iter().any(|line| line["level"] == "ERROR"));
    until("it has shouted itself hoarse", || {
        lines(&house)
            .iter()
            .any(|line| line["message"].as_str().is_some_and(|said| said.starts_with("still here")))
    });
    // It tried to write 130 MB. 256 KiB may come at once and 16 KiB each second, which escapes make somewhat longer.
    let may = 600_000 + 20_000 * begun.elapsed().as_secs();
    assert!(size() < may, "{} bytes of at most {may}", size());
    for line in lines(&house) {
        assert_eq!(line["user"], "7", "whatever it says: {line}");
    }
    first.kill().expect("killed");
    first.wait().expect("ended");
    assert!(alive(worker));
    let before = size();
    let mut second = house.start_by(&mut log(&house, "shout"));
    assert_eq!(house.worker(), worker);
    until("it is heard by the next one", || {
        let text = std::fs::read(house.path("log")).expect("read");
        let since = String::from_utf8_lossy(&text[usize::try_from(before).expect("small")..]).into_owned();
        since.contains("still here")
    });
    assert!(lines(&house).iter().all(|line| line["user"] == "7"));
    signal(second.id(), Signal::TERM);
    assert_eq!(second.wait().expect("ends").code(), Some(0));
    assert!(!alive(worker));
}
