//! A disk without room, as a small file system of its own: sessions go on, sends are refused, nothing is lost.
//!
//! Where messages come in meanwhile, the profile has a file system of its own with room: what a page does that cannot
//! write to its own storage is the page's matter, and the simulator's knows no answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::statvfs::statvfs;
use serde_json::json;

use crate::harness::{Farm, Options, Service, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// A file system of this many MiB, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where we may not mount: only root may.
    fn mount(at: &Path, mib: u32) -> Option<Self> {
        fs::create_dir_all(at).expect("made");
        let options = format!("size={mib}m,mode=0700");
        let mut command = Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(at.to_owned()));
        }
        assert!(!nix::unistd::geteuid().is_root(), "root may mount");
        eprintln!("not tested here: a file system cannot be mounted");
        None
    }

    /// Takes everything that is free, to the last byte.
    fn fill(&self) {
        let free = || {
            let found = statvfs(&self.0).expect("known");
            found.blocks_available() * found.fragment_size()
        };
        let ballast = self.0.join("ballast");
        let mut bytes = fs::read(&ballast).map(|old| old.len() as u64).unwrap_or_default();
        while free() > 0 {
            bytes += free();
            let file = fs::OpenOptions::new().create(true).append(true).open(&ballast).expect("open");
            let _ = nix::fcntl::posix_fallocate(&file, 0, i64::try_from(bytes).expect("small"));
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the processes of the test end after it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_sends_and_loses_nothing() {
    let dir = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir");
    let state = dir.path().join("state");
    let Some(disk) = SmallDisk::mount(&state, 96) else { return };
    let profile = state.join(".wwebjs_auth_user_1/session-ylada_bot_user_1");
    let Some(_room) = SmallDisk::mount(&profile, 96) else { return };
    let farm = Farm::start_in(dir, Options::default()).await;
    farm.link("1", NUMBER).await;
    let mut bodies = vec!["antes".to_owned()];
    farm.phone.message(NUMBER, FRIEND, "antes").await;
    farm.webhook.has("1", &bodies).await;
    let (worker, _) = Service::processes_of("1").await;

    disk.fill();
    let send = json!({"phone": FRIEND, "message": "com o disco cheio"});
    let refused = until("sends are refused", || async {
        let answer = farm.service.post("/send?user_id=1", &send).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert!(
        refused.json["error"].as_str().expect("why").contains("disco do servidor está cheio"),
        "{refused:?}"
    );
    let sent = farm.phone.sent(NUMBER).await.len();
    for n in 0..20 {
        bodies.push(format!("durante {n}"));
        farm.phone.message(NUMBER, FRIEND, bodies.last().expect("one")).await;
    }
    assert_eq!(farm.service.post("/send?user_id=1", &send).await.status, 500);
    assert_eq!(farm.phone.sent(NUMBER).await.len(), sent, "what is refused is not sent");
    assert_eq!(farm.status("1").await["ready"], true, "the session goes on");
    assert_eq!(farm.service.get("/qr?user_id=1").await.status, 200);
    disk.fill();

    disk.free();
    farm.webhook.has("1", &bodies).await;
    until("sends go out again", || async {
        (farm.service.post("/send?user_id=1", &send).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(farm.phone.sent(NUMBER).await.len(), sent + 1);
    let (same, _) = Service::processes_of("1").await;
    assert_eq!(same.pid, worker.pid, "nobody was restarted");
    let log = fs::read_to_string(farm.auth_dir("1").join("colmeia/worker.log")).expect("its log");
    assert!(log.ends_with('\n') && log.lines().all(|line| line.contains("user=1")), "a line was cut: {log}");
    bodies.push("depois".to_owned());
    farm.phone.message(NUMBER, FRIEND, "depois").await;
    farm.webhook.has("1", &bodies).await;
}

#[tokio::test]
async fn a_start_on_a_full_disk_fails_by_name_and_comes_back_with_the_room() {
    let dir = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir");
    let Some(disk) = SmallDisk::mount(&dir.path().join("state"), 96) else { return };
    let config = "restart = { base_ms = 50, cap_ms = 200, burst = 3 }\n".into();
    let farm = Farm::start_in(dir, Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    disk.fill();
    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGKILL);
    let status = until("user 1 is parked", || async {
        let status = farm.status("1").await;
        (status["state"] == "failed").then_some(status)
    })
    .await;
    assert_eq!(status["lastExit"], "launch_failed(disk_full)", "{status}");
    disk.free();
    let ready = farm.ready("1").await;
    assert_eq!(ready["clientInfo"]["wid"], format!("{NUMBER}@c.us"), "its profile is as it was");
}
