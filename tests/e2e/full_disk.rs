//! A disk without room, as a small file system of its own: sessions go on, sends are refused, nothing is lost, and who
//! met it is replaced when there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Options, Service, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// A file system of this many MiB, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Takes root.
    fn mount(at: &Path, mib: u32) -> Self {
        fs::create_dir_all(at).expect("made");
        let options = format!("size={mib}m,mode=0700");
        let mut command = Command::new("mount");
        let mounted = command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status();
        assert!(mounted.expect("mount runs").success(), "only root may mount");
        Self(at.to_owned())
    }

    /// Takes everything that is free, to the last byte. The receiver goes on meanwhile.
    async fn fill(&self) {
        let ballast = self.0.join("ballast");
        let filling = tokio::task::spawn_blocking(move || {
            let file = fs::OpenOptions::new().create(true).append(true).open(ballast).expect("open");
            let mut piece = 16 * 1024 * 1024;
            while piece > 0 {
                let long = i64::try_from(file.metadata().expect("there").len()).expect("small");
                // What others have taken meanwhile is not there for us.
                if nix::fcntl::posix_fallocate(&file, long, piece).is_err() {
                    piece /= 2;
                }
            }
        });
        filling.await.expect("no panic");
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
#[ignore = "mounts small disks, which takes root; make test-host runs it"]
async fn a_full_disk_refuses_sends_and_loses_nothing() {
    let dir = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir");
    let state = dir.path().join("state");
    let disk = SmallDisk::mount(&state, 96);
    let profile = state.join(".wwebjs_auth_user_1/session-ylada_bot_user_1");
    let _room = SmallDisk::mount(&profile, 96);
    let farm = Farm::start_in(dir, Options::default()).await;
    farm.link("1", NUMBER).await;
    let mut bodies = vec!["antes".to_owned()];
    farm.phone.message(NUMBER, FRIEND, "antes").await;
    farm.webhook.has("1", &bodies).await;
    let (worker, _) = Service::processes_of("1").await;

    disk.fill().await;
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
    let spool = farm.auth_dir("1").join("colmeia/spool/events.log");
    until("the spool has what came in meanwhile", || async {
        let kept = fs::read_to_string(&spool).expect("the spool");
        bodies[1..].iter().all(|body| kept.contains(&format!("\"{body}\""))).then_some(())
    })
    .await;
    assert_eq!(farm.status("1").await["ready"], true, "the session goes on");
    assert_eq!(farm.service.get("/qr?user_id=1").await.status, 200);
    disk.fill().await;

    disk.free();
    farm.webhook.has("1", &bodies).await;
    until("sends go out again", || async {
        (farm.service.post("/send?user_id=1", &send).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(farm.phone.sent(NUMBER).await.len(), sent + 1);
    replaced(&farm, worker.pid).await;
    let log = fs::read_to_string(farm.auth_dir("1").join("colmeia/worker.log")).expect("its log");
    assert!(log.ends_with('\n') && log.lines().all(|line| line.contains("user=1")), "a line was cut: {log}");
    bodies.push("depois".to_owned());
    farm.phone.message(NUMBER, FRIEND, "depois").await;
    farm.webhook.has("1", &bodies).await;
}

/// Waits until user 1 is ready with another worker, and sees to it that nobody is asked to scan meanwhile.
async fn replaced(farm: &Farm, before: i32) {
    until("the session is replaced", || async {
        let status = farm.status("1").await;
        assert_ne!(status["hasQr"], true, "nobody has to scan: {status}");
        let other = status["ready"] == true && Service::processes_of("1").await.0.pid != before;
        // The browser may have lost the registration to the full disk; then a snapshot has taken its place.
        let reasons = ["disk_recycle", "profile_corrupt"];
        other.then(|| assert!(reasons.iter().any(|reason| status["lastExit"] == *reason), "{status}"))
    })
    .await;
}

/// The page's own storage meets the full disk here, too.
#[tokio::test]
#[ignore = "mounts small disks, which takes root; make test-host runs it"]
async fn a_session_that_met_a_full_disk_is_replaced_and_takes_everything_in() {
    let dir = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir");
    // More than a snapshot leaves free.
    let disk = SmallDisk::mount(&dir.path().join("state"), 448);
    let farm = Farm::start_in(dir, Options::default()).await;
    farm.link("1", NUMBER).await;
    let snapshots = farm.auth_dir("1").join("colmeia/snapshots");
    for round in 0..3 {
        until("there is a snapshot", || async {
            let mut names = fs::read_dir(&snapshots).ok()?.flatten().map(|entry| entry.file_name());
            names.any(|name| !name.to_string_lossy().ends_with(".new")).then_some(())
        })
        .await;
        let (worker, _) = Service::processes_of("1").await;
        let mut bodies = farm.webhook.bodies("1");
        let bodies_before = bodies.len();
        let mut write = async |body: String| {
            farm.phone.message(NUMBER, FRIEND, &body).await;
            bodies.push(body);
        };
        write(format!("{round}: antes")).await;
        until("it has arrived", || async {
            (farm.webhook.bodies("1").len() == bodies_before + 1).then_some(())
        })
        .await;
        disk.fill().await;
        for n in 0..20 {
            write(format!("{round}: durante {n}")).await;
        }
        disk.fill().await;
        // The supervisor looks now and then.
        let send = json!({"phone": FRIEND, "message": "com o disco cheio"});
        until("the full disk is noticed", || async {
            let answer = farm.service.post("/send?user_id=1", &send).await;
            answer.text.contains("disco do servidor").then_some(())
        })
        .await;
        disk.free();
        for n in 0..5 {
            write(format!("{round}: depois {n}")).await;
        }
        farm.webhook.has("1", &bodies).await;
        replaced(&farm, worker.pid).await;
        write_and_send(&farm, bodies, round).await;
    }
}

/// After all trouble: both ways work.
async fn write_and_send(farm: &Farm, mut bodies: Vec<String>, round: usize) {
    let sent = farm.phone.sent(NUMBER).await.len();
    let answer = farm
        .service
        .post("/send?user_id=1", &json!({"phone": FRIEND, "message": format!("{round}: resposta")}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(farm.phone.sent(NUMBER).await.len(), sent + 1);
    bodies.push(format!("{round}: fim"));
    farm.phone.message(NUMBER, FRIEND, bodies.last().expect("one")).await;
    farm.webhook.has("1", &bodies).await;
    until("the page has stored everything", || async {
        (farm.phone.queued(NUMBER).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
#[ignore = "mounts small disks, which takes root; make test-host runs it"]
async fn a_start_on_a_full_disk_fails_by_name_and_comes_back_with_the_room() {
    let dir = tempfile::Builder::new().prefix("cm-").tempdir_in("/tmp").expect("temp dir");
    let disk = SmallDisk::mount(&dir.path().join("state"), 96);
    let config = "restart = { base_ms = 50, cap_ms = 200, burst = 3 }\n".into();
    let farm = Farm::start_in(dir, Options { config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    disk.fill().await;
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
