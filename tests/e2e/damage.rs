//! Profiles that are damaged on disk, with real Chromium: the session comes back without a code where a snapshot was
//! taken, and with one where none was; what was damaged lies aside, and the operator can see it.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{Farm, Options, Service, program, until};

const NUMBER: &str = "5511900000001";

fn own(farm: &Farm) -> PathBuf {
    farm.auth_dir("1").join("colmeia")
}

fn profile(farm: &Farm) -> PathBuf {
    farm.auth_dir("1").join("session-ylada_bot_user_1")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The snapshots that are whole.
fn snapshots(farm: &Farm) -> Vec<String> {
    let mut names = names(&own(farm).join("snapshots"));
    names.retain(|name| name.parse::<u64>().is_ok());
    names
}

async fn has_a_snapshot(farm: &Farm) {
    until("a snapshot was taken", || async { (!snapshots(farm).is_empty()).then_some(()) }).await;
}

/// Puts garbage in the place of every file whose path matches.
fn spoil(folder: &Path, matches: &dyn Fn(&str) -> bool) -> usize {
    let mut spoilt = 0;
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("known");
        if kind.is_dir() {
            spoilt += spoil(&path, matches);
        } else if kind.is_file() && matches(path.to_str().expect("UTF-8")) {
            fs::write(&path, vec![0xA5; 700]).expect("written");
            spoilt += 1;
        }
    }
    spoilt
}

async fn stop(farm: &mut Farm) {
    farm.service.signal(Signal::SIGTERM);
    assert!(farm.service.ended().await.success());
}

async fn shown(farm: &Farm) -> Value {
    let socket = farm.dir.path().join("run/admin.sock");
    let mut command = tokio::process::Command::new(program("colmeiactl"));
    command.arg("--socket").arg(socket).args(["--json", "show", "1"]);
    let output = command.output().await.expect("it runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Waits until user 1 is ready, and makes sure that nobody is asked to scan meanwhile.
async fn ready_without_a_code(farm: &Farm, after: &str) {
    until(&format!("user 1 is ready without a code after {after}"), || async {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert!(answer["qr"].is_null(), "user 1 was asked to scan after {after}");
        (answer["ready"] == true).then_some(())
    })
    .await;
}

/// One kind of damage after the other, each on a profile that was stopped cleanly.
#[tokio::test]
async fn a_damaged_profile_is_set_aside_and_the_snapshot_takes_its_place() {
    let mut farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    has_a_snapshot(&farm).await;
    assert_eq!(farm.status("1").await.get("lastExit"), None);
    let mut bodies = Vec::new();
    for (damage, spoils) in [
        ("garbage in the manifest of IndexedDB", "/IndexedDB/*/MANIFEST-"),
        ("garbage in IndexedDB's CURRENT", "/IndexedDB/*/CURRENT"),
        ("garbage everywhere", ""),
    ] {
        stop(&mut farm).await;
        let (folder, file) = spoils.split_once("/*/").unwrap_or((spoils, ""));
        let count = spoil(&profile(&farm), &|path| path.contains(folder) && path.contains(file));
        assert!(count > 0, "nothing was spoilt: {damage}");
        farm.service.start_again().await;
        ready_without_a_code(&farm, damage).await;
        let status = farm.status("1").await;
        assert_eq!(status["lastExit"], "profile_corrupt", "{damage}: {status}");
        let detail = shown(&farm).await;
        assert!(detail["recovery"]["restored_ms"].is_u64(), "{damage}: {detail}");
        let aside = detail["recovery"]["aside"].as_str().expect("where it lies");
        assert!(Path::new(aside).join("Default").is_dir(), "{aside}");
        bodies.push(format!("depois de {damage}"));
        farm.phone.message(NUMBER, "5511988887777", bodies.last().expect("one")).await;
        farm.webhook.has("1", &bodies).await;
        has_a_snapshot(&farm).await;
    }
    assert_eq!(names(&own(&farm).join("damaged")).len(), 2, "no more than two are kept");
}

#[tokio::test]
async fn a_profile_that_is_no_folder_or_gone_is_replaced_before_the_browser_sees_it() {
    let mut farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    for (damage, below) in
        [("Default is a file", "Default"), ("the profile is a file", "."), ("it is gone", "")]
    {
        has_a_snapshot(&farm).await;
        stop(&mut farm).await;
        let place = profile(&farm).join(below);
        fs::remove_dir_all(if below == "." { profile(&farm) } else { place.clone() }).expect("removed");
        if !below.is_empty() {
            fs::write(if below == "." { profile(&farm) } else { place }, b"no folder").expect("written");
        }
        farm.service.start_again().await;
        ready_without_a_code(&farm, damage).await;
        assert!(shown(&farm).await["recovery"]["restored_ms"].is_u64(), "{damage}");
    }
}

#[tokio::test]
async fn without_a_snapshot_there_is_one_new_code_and_the_reason_is_shown() {
    let mut farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    stop(&mut farm).await;
    // A clean stop takes one, unless the browser did not end as well as it should.
    match fs::remove_dir_all(own(&farm).join("snapshots")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => {}
    }
    spoil(&profile(&farm), &|path| path.contains("/IndexedDB/"));
    farm.service.start_again().await;
    let code = farm.qr("1").await;
    let status = farm.status("1").await;
    assert_eq!(
        (&status["lastExit"], &status["hasQr"]),
        (&"profile_corrupt".into(), &true.into()),
        "{status}"
    );
    let detail = shown(&farm).await;
    assert!(detail["recovery"]["restored_ms"].is_null() && detail["recovery"]["why"].is_string(), "{detail}");
    assert_eq!(names(&own(&farm).join("damaged")).len(), 1);
    let (worker, _) = Service::processes_of("1").await;
    assert!(farm.phone.scan(&code, NUMBER).await);
    farm.ready("1").await;
    let (same, _) = Service::processes_of("1").await;
    assert_eq!(same.pid, worker.pid, "it went round once and not again");
}

#[tokio::test]
async fn a_phone_that_ended_the_link_meanwhile_is_no_damage_for_long() {
    let mut farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    has_a_snapshot(&farm).await;
    stop(&mut farm).await;
    farm.phone.log_out(NUMBER).await;
    farm.service.start_again().await;
    let code = farm.qr("1").await;
    assert!(farm.phone.scan(&code, NUMBER).await);
    farm.ready("1").await;
}

/// The full browser crashes again and again on a profile of garbage, and says nothing about it.
#[tokio::test]
async fn a_profile_on_which_the_browser_crashes_is_replaced() {
    let browser = Some(PathBuf::from("/usr/lib/chromium/chromium"));
    let config = "restart = { base_ms = 50, cap_ms = 200, burst = 9 }\n".into();
    let mut farm = Farm::start_with(Options { browser, config, ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    has_a_snapshot(&farm).await;
    stop(&mut farm).await;
    assert!(spoil(&profile(&farm), &|_| true) > 20);
    farm.service.start_again().await;
    ready_without_a_code(&farm, "garbage everywhere").await;
    assert_eq!(farm.status("1").await["lastExit"], "profile_corrupt");
}
