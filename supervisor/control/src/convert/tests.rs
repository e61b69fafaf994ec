//! Turns, times and ends, with a script in the worker's place; what really comes out, and walls, the worker's own tests
//! and `tests/e2e` try.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use colmeia::layout::{RunLayout, StateLayout};

use super::*;
use colmeia_host::uploads::Uploads;
use colmeia_host::uploads::testing::{open_files, upload};

struct Rig {
    folder: tempfile::TempDir,
    uploads: Uploads,
    converter: Converter,
}

/// A converter whose worker is this script.
fn rig(script: &str, config: ConversionConfig) -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let worker = folder.path().join("worker");
    std::fs::write(&worker, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&worker, std::fs::Permissions::from_mode(0o755)).expect("set");
    let state = StateLayout::new(folder.path(), "c");
    let run = RunLayout::new(folder.path().join("r")).expect("short");
    let means =
        ConverterContext { worker, children: Children::default(), uids: UidAllocator::off(&state, &run) };
    let converter = Converter::new(config, Landlock::Auto, means);
    let uploads = Uploads::open(folder.path().join("u")).expect("opened");
    Rig { folder, uploads, converter }
}

fn config() -> ConversionConfig {
    ConversionConfig { ffmpeg: "/bin/sh".into(), ..ConversionConfig::default() }
}

impl Rig {
    async fn convert(&self, user: &str) -> Result<Upload, Unconverted> {
        let file = upload(&self.uploads, b"abc");
        let room = self.uploads.expect(LARGEST, &colmeia_host::shares::Holder::Here).expect("room");
        self.converter.convert(&file, Target::Voice, &user.parse().expect("valid"), room).await
    }

    fn nothing_is_left(&self) {
        assert_eq!((open_files(&self.folder.path().join("u")), self.uploads.taken()), (0, 0));
    }
}

#[tokio::test]
async fn what_the_process_writes_comes_out() {
    let rig = rig("printf '%s ' $1; tr a-z A-Z < /proc/self/fd/0", config());
    let out = rig.convert("1").await.expect("converted");
    assert_eq!(out.piece(0).await.expect("read").as_ref(), b"convert ABC");
    drop(out);
    rig.nothing_is_left();
}

#[tokio::test]
async fn each_end_has_its_name() {
    for (script, name) in [
        ("exit 90", "Kind"),
        ("exit 91", "NotInstalled"),
        ("exit 92", "Walls"),
        ("exit 1", "Unreadable"),
        ("exit 0", "Unreadable"),
        ("kill -s XFSZ $$", "TooLarge"),
        ("kill -s XCPU $$", "Slow"),
        ("kill -s KILL $$", "Interrupted"),
    ] {
        let rig = rig(script, config());
        let wrong = rig.convert("1").await.expect_err(script);
        assert!(format!("{wrong:?}").starts_with(name), "{script}: {wrong:?}");
        rig.nothing_is_left();
    }
}

#[tokio::test]
async fn without_a_program_nothing_is_started() {
    let rig = rig("touch started", ConversionConfig { ffmpeg: "/nowhere".into(), ..config() });
    assert!(matches!(rig.convert("1").await, Err(Unconverted::NotInstalled)));
    assert!(!rig.folder.path().join("started").exists());
}

async fn gone(pid: &Path) {
    let pid = std::fs::read_to_string(pid).expect("written");
    let process = format!("/proc/{}", pid.trim());
    while Path::new(&process).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_takes_too_long_is_killed_and_so_is_what_nobody_waits_for() {
    let late = rig("echo $$ > $0.pid; exec sleep 1000", ConversionConfig { timeout_secs: 1, ..config() });
    assert!(matches!(late.convert("1").await, Err(Unconverted::Slow)));
    let pid = late.folder.path().join("worker.pid");
    gone(&pid).await;
    late.nothing_is_left();

    let left = rig("echo $$ > $0.tmp; mv $0.tmp $0.pid; exec sleep 1000", config());
    let pid = left.folder.path().join("worker.pid");
    let seen = async {
        while !pid.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = left.convert("1") => panic!("{ended:?}"),
        () = seen => {}
    }
    gone(&pid).await;
    left.nothing_is_left();
}

/// One session fills its own turn, and another one passes.
#[tokio::test]
async fn a_session_that_converts_much_keeps_no_other_from_it() {
    let script = "grep -q x /proc/self/fd/0 || exit 1; echo $$ >> $0.begun; while ! [ -e $0.go ]; do sleep 0.01; done; echo done";
    let rig = rig(script, config());
    let ask = async |user: &str, content: &[u8]| {
        let file = upload(&rig.uploads, content);
        let room = rig.uploads.expect(3, &colmeia_host::shares::Holder::Here).expect("room");
        rig.converter.convert(&file, Target::Voice, &user.parse().expect("valid"), room).await
    };
    let begun = |count: usize| {
        let path = rig.folder.path().join("worker.begun");
        async move {
            while std::fs::read_to_string(&path).unwrap_or_default().lines().count() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let many = futures::future::join_all((0..4).map(|_| ask("1", b"x")));
    let other = async {
        begun(1).await;
        let other = ask("2", b"no");
        let ended = other.await; // while the first of the others still runs
        assert!(matches!(ended, Err(Unconverted::Unreadable)), "{ended:?}");
        let path = rig.folder.path().join("worker.begun");
        assert_eq!(std::fs::read_to_string(path).expect("written").lines().count(), 1);
        std::fs::write(rig.folder.path().join("worker.go"), "").expect("written");
    };
    let (ended, ()) = tokio::join!(many, other);
    // Their results have five bytes, and the room was for three.
    assert!(
        ended.iter().all(|ended| matches!(ended, Err(Unconverted::File(DraftError::TooLarge)))),
        "{ended:?}"
    );
    rig.nothing_is_left();
}
