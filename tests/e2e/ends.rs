//! Ends that must not go unheard, and pauses that are nobody's fault: a task that fails takes with it what cannot go on
//! without it, and nothing that came is lost; who stood still himself blames nobody.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Options, Process, Service, descendants, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";
/// `EX_SOFTWARE` of sysexits(3).
const TASK_FAILED: i32 = 70;

#[tokio::test]
async fn a_spool_writer_that_fails_takes_its_worker_along_and_no_message_is_lost() {
    let farm = Farm::start().await;
    tokio::join!(farm.link("1", NUMBER), farm.link("2", "5511900000002"));
    let (worker, _) = Service::processes_of("1").await;
    let (other, _) = Service::processes_of("2").await;
    std::fs::write(farm.auth_dir("1").join("colmeia/spool/panic-spool"), "").expect("laid");
    let texts: Vec<String> = (0..5).map(|n| format!("{n}")).collect();
    for text in &texts {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    farm.webhook.has("1", &texts).await;
    farm.ready("1").await;
    let (fresh, _) = Service::processes_of("1").await;
    assert_ne!(fresh.pid, worker.pid, "the worker that could not keep a message was replaced");
    assert_eq!(Service::processes_of("2").await.0.pid, other.pid);
}

#[tokio::test]
async fn a_journal_or_settings_that_fail_end_the_supervisor_and_the_sessions_go_on() {
    let mut farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    let (worker, _) = Service::processes_of("1").await;

    std::fs::write(farm.state_dir().join("panic-journal"), "").expect("laid");
    farm.phone.message(NUMBER, FRIEND, "um").await;
    assert_eq!(farm.service.ended().await.code(), Some(TASK_FAILED));
    farm.service.start_again().await;
    farm.webhook.has("1", &["um".into()]).await;

    std::fs::write(farm.state_dir().join("panic-settings"), "").expect("laid");
    let settings = json!({ "config": { "metadata": { "team": "azul" } } });
    let request = farm.service.request("PUT", "/api/sessions/1").json(&settings);
    let answer = Service::answer(request).await;
    assert!(
        answer.is_err() || answer.is_ok_and(|answer| answer.status >= 500),
        "nobody says that it was kept"
    );
    assert_eq!(farm.service.ended().await.code(), Some(TASK_FAILED));
    farm.service.start_again().await;

    farm.ready("1").await;
    farm.phone.message(NUMBER, FRIEND, "dois").await;
    farm.webhook.has("1", &["um".into(), "dois".into()]).await;
    assert_eq!(Service::processes_of("1").await.0.pid, worker.pid, "it was adopted, twice");
}

/// Limits that are much shorter than the pause.
fn impatient() -> Options {
    Options {
        config: "ping_interval_ms = 1000\nping_timeout_ms = 1000\n".into(),
        deadlines: "probe_interval_ms = 1000\nprobe_timeout_ms = 2000\nhang_ms = 4000".into(),
        ..Options::default()
    }
}

/// The time is what is tested: well beyond all limits together.
const PAUSE: Duration = Duration::from_secs(25);

/// After the pause messages come and go, and for longer than the limits nobody is replaced.
async fn nobody_was_blamed(farm: &Farm, before: &[(Process, Process)]) {
    farm.phone.message(NUMBER, FRIEND, "depois").await;
    until("the message came", || async {
        farm.webhook.bodies("1").iter().any(|body| body == "depois").then_some(())
    })
    .await;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for (user, (worker, browser)) in ["1", "2"].iter().zip(before) {
            let (now, page) = Service::processes_of(user).await;
            assert_eq!((now.pid, page.pid), (worker.pid, browser.pid), "of user {user}");
        }
    }
    for user in ["1", "2"] {
        farm.ready(user).await;
        assert!(farm.status(user).await["lastExit"].is_null());
    }
}

async fn two(farm: &Farm) -> Vec<(Process, Process)> {
    tokio::join!(farm.link("1", NUMBER), farm.link("2", "5511900000002"));
    vec![Service::processes_of("1").await, Service::processes_of("2").await]
}

#[tokio::test]
async fn a_supervisor_that_stood_still_replaces_no_worker() {
    let farm = Farm::start_with(impatient()).await;
    let before = two(&farm).await;
    farm.service.signal(Signal::SIGSTOP);
    farm.phone.message(NUMBER, FRIEND, "enquanto isso").await;
    tokio::time::sleep(PAUSE).await;
    farm.service.signal(Signal::SIGCONT);
    farm.webhook.has("1", &["enquanto isso".into()]).await;
    nobody_was_blamed(&farm, &before).await;
}

#[tokio::test]
async fn a_machine_that_stood_still_is_no_reason_to_replace_a_page_or_a_worker() {
    let farm = Farm::start_with(impatient()).await;
    let before = two(&farm).await;
    let all: Vec<Process> = descendants(farm.service.pid());
    farm.service.signal(Signal::SIGSTOP);
    all.iter().for_each(|process| process.signal(Signal::SIGSTOP));
    tokio::time::sleep(PAUSE).await;
    farm.service.signal(Signal::SIGCONT);
    all.iter().for_each(|process| process.signal(Signal::SIGCONT));
    nobody_was_blamed(&farm, &before).await;
}
