//! Each worker as a system user of its own. Only root, or who has its capabilities, can do that: `make test-host`.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Options, Process, Service, descendants, until};

const USERS: [(&str, &str); 2] = [("1", "5511900000001"), ("2", "5511900000002")];

/// Landlock is off, so that nothing but the user ids keeps the users apart.
const CONFIG: &str = "landlock = \"off\"\nworker_uids = \"auto\"\n";

async fn farm(options: Options) -> Farm {
    assert!(nix::unistd::geteuid().is_root(), "only root can give a worker another user id");
    let farm = Farm::start_with(Options { config: CONFIG.into(), own_uids: true, ..options }).await;
    for (user, number) in USERS {
        farm.link(user, number).await;
    }
    farm
}

/// A field of `/proc/<pid>/status`.
fn status(process: &Process, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).expect("alive");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
    line.trim_start_matches(':').trim().to_owned()
}

/// The user id that the process runs as, if it lives.
fn uid(process: &Process) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// The one user id of the user's worker and everything below it, whose rights are looked at.
async fn uid_of(user: &str) -> u32 {
    let (worker, browser) = Service::processes_of(user).await;
    let uid = uid(&worker).expect("alive");
    let four = format!("{uid}\t{uid}\t{uid}\t{uid}");
    for process in descendants(worker.pid).iter().chain([&worker]) {
        assert_eq!(
            (status(process, "Uid"), status(process, "Gid")),
            (four.clone(), four.clone()),
            "{process:?}"
        );
        assert_eq!((status(process, "Groups"), status(process, "NoNewPrivs")), ("".into(), "1".into()));
    }
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status(&worker, field), "0000000000000000", "{field}");
    }
    let renderer = descendants(worker.pid).into_iter().find(Process::is_renderer).expect("a renderer");
    let namespace = |process: &Process| std::fs::read_link(format!("/proc/{}/ns/user", process.pid)).ok();
    assert!(!browser.command.contains("--no-sandbox"), "{}", browser.command);
    assert_ne!(namespace(&renderer), namespace(&browser), "the renderer has a user namespace of its own");
    uid
}

/// Whether this system user can do it.
fn can(uid: u32, command: &str, path: &Path) -> bool {
    let id = uid.to_string();
    let tried = Command::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups", command])
        .arg(path)
        .output()
        .expect("setpriv runs");
    tried.status.success()
}

/// Everything below, and the folder itself.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(all(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

fn assert_owner(folder: &Path, uid: u32) {
    for path in all(folder) {
        // A running browser makes and removes files.
        if let Ok(found) = std::fs::symlink_metadata(&path) {
            assert_eq!(found.uid(), uid, "{}", path.display());
        }
    }
}

/// What each sees of its own and of the other's, and that messages go through.
async fn assert_apart(farm: &Farm) -> [u32; 2] {
    let uids = [uid_of("1").await, uid_of("2").await];
    assert_ne!(uids[0], uids[1]);
    let run = |user: &str| farm.dir.path().join("run/v1").join(user);
    for (at, (user, number)) in USERS.iter().enumerate() {
        let (own, other) = (uids[at], uids[1 - at]);
        for folder in [farm.auth_dir(user), run(user)] {
            let found = std::fs::metadata(&folder).expect("there");
            assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (own, own, 0o700));
            assert!(can(own, "ls", &folder), "or the test proves nothing");
            assert!(!can(other, "ls", &folder), "{}", folder.display());
        }
        let lock = farm.auth_dir(user).join("colmeia/worker.lock");
        assert!(can(own, "cat", &lock) && !can(other, "cat", &lock));
        for secret in [
            "colmeia.db",
            "colmeia_uids.json",
            "colmeia_tokens",
            "colmeia_tokens/1",
            "colmeia_uploads",
            "colmeia_downloads",
            ".",
        ] {
            let path = farm.state_dir().join(secret);
            assert!(path.exists() && !can(own, if path.is_dir() { "ls" } else { "cat" }, &path), "{secret}");
        }
        let body = json!({"user_id": user, "phone": "5511988887777", "message": "oi"});
        assert_eq!(farm.service.post("/send", &body).await.status, 200);
        farm.phone.message(number, "5511988887777", "para ti").await;
        until("the message is there", || async {
            farm.webhook.bodies(user).contains(&"para ti".to_owned()).then_some(())
        })
        .await;
    }
    uids
}

fn pids() -> Vec<i32> {
    let mut pids: Vec<i32> = Service::workers().iter().map(|worker| worker.pid).collect();
    pids.sort_unstable();
    pids
}

#[tokio::test]
#[ignore = "only root can give a worker another user id; make test-host runs it"]
async fn two_users_are_two_system_users_also_after_a_crash_and_an_upgrade() {
    let mut farm = farm(Options::default()).await;
    let uids = assert_apart(&farm).await;
    let before = pids();

    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    farm.service.start_again().await;
    for (user, _) in USERS {
        farm.ready(user).await;
    }
    assert_eq!(pids(), before, "adopted");

    let address_file = farm.dir.path().join("run/http.addr");
    let written = || std::fs::metadata(&address_file).and_then(|file| file.modified()).ok();
    let earlier = written();
    farm.service.signal(Signal::SIGHUP);
    until("the next image serves", || async { (written() > earlier).then_some(()) }).await;
    for (user, _) in USERS {
        farm.ready(user).await;
    }
    assert_eq!(pids(), before, "adopted again");

    // A worker that dies leaves nothing, and the next one is the same system user.
    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGKILL);
    // Both, or the one that just died would still be called ready.
    until("there is another worker", || async {
        let now = pids();
        (now.len() == before.len() && now != before).then_some(())
    })
    .await;
    farm.ready("1").await;
    assert_eq!(uid_of("1").await, uids[0]);

    // The id of a deleted session is nobody else's.
    let gone = farm.service.post("/disconnect?user_id=1", &json!({})).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    farm.qr("3").await;
    let third = uid_of("3").await;
    assert!(!uids.contains(&third));

    farm.service.signal(Signal::SIGTERM);
    assert!(farm.service.ended().await.success());
    assert!(descendants(0).iter().all(|process| !process.command.contains("--user-data-dir=")));
}

#[tokio::test]
#[ignore = "only root can give a worker another user id; make test-host runs it"]
async fn a_change_of_the_setting_gives_the_files_and_takes_them_back_and_nobody_scans_again() {
    let mut farm = farm(Options::default()).await;
    let uids = [uid_of("1").await, uid_of("2").await];
    let config = farm.dir.path().join("colmeia.toml");
    let text = std::fs::read_to_string(&config).expect("written");
    // Once in order, and once with workers that live on and are replaced in a quiet moment.
    for (setting, owners, end) in [("off", [0, 0], Signal::SIGTERM), ("auto", uids, Signal::SIGKILL)] {
        farm.service.signal(end);
        farm.service.ended().await;
        std::fs::write(&config, text.replace("\"auto\"", &format!("\"{setting}\""))).expect("written");
        farm.service.start_again().await;
        for ((user, _), owner) in USERS.iter().zip(owners) {
            until(&format!("user {user} is ready as {owner} without a code"), || async {
                let answer = farm.service.get(&format!("/qr?user_id={user}")).await.json;
                assert!(answer["qr"].is_null(), "it was asked to scan again");
                let (worker, browser) = Service::processes_of(user).await;
                let is = uid(&worker).is_some_and(|uid| uid == owner);
                if is {
                    assert_eq!(browser.command.contains("--no-sandbox"), owner == 0);
                }
                (is && answer["ready"] == true).then_some(())
            })
            .await;
            assert_owner(&farm.auth_dir(user), owner);
        }
    }
}

#[tokio::test]
#[ignore = "only root can give a worker another user id; make test-host runs it"]
async fn capabilities_are_enough_and_no_worker_keeps_one() {
    let options = Options {
        run_as: Some(("nobody", "nogroup")),
        capabilities: "+setuid,+setgid,+chown,+dac_override,+kill",
        ..Options::default()
    };
    let farm = farm(options).await;
    assert_apart(&farm).await;
}
