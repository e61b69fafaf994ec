//! One user's trouble is nobody else's.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::harness::{Farm, Process, Service, descendants, until};

/// Asks a user's status every 100 ms and keeps each answer that differs from the one before.
pub(crate) fn witness(farm: &Farm, user: &str) -> (JoinHandle<Vec<Value>>, tokio::sync::oneshot::Sender<()>) {
    let url = format!("http://{}/status?user_id={user}", farm.service.address());
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let seen = tokio::spawn(async move {
        let http = reqwest::Client::new();
        let mut seen: Vec<Value> = Vec::new();
        while stopped.try_recv().is_err() {
            let answer = http.get(&url).send().await.expect("answered").json().await.expect("JSON");
            if seen.last() != Some(&answer) {
                seen.push(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        seen
    });
    (seen, stop)
}

/// How often a user is looked at whose worker, browser or page was killed.
const LOOK: Duration = Duration::from_millis(50);
/// How many looks may still find it ready: two seconds of them, the product's promise. Counted and not timed, for a
/// busy machine slows who looks as much as who notices; the next probe's deadline is twice as many away.
const LOOKS: u32 = 40;

enum Victim {
    Worker,
    Browser,
    Renderer,
}

async fn kill(victim: Victim) {
    let farm = Farm::start().await;
    tokio::join!(farm.link("1", "5511900000001"), farm.link("2", "5511900000002"));
    let (seen, stop) = witness(&farm, "2");

    let (worker, browser) = Service::processes_of("1").await;
    let target = match victim {
        Victim::Worker => worker,
        Victim::Browser => browser,
        Victim::Renderer => {
            descendants(worker.pid).into_iter().find(Process::is_renderer).expect("a renderer")
        }
    };
    target.signal(Signal::SIGKILL);
    let mut looks = 0;
    let told = loop {
        let told = farm.status("1").await;
        if told["ready"] == false {
            break told;
        }
        looks += 1;
        assert!(looks < LOOKS, "still ready after {looks} looks");
        tokio::time::sleep(LOOK).await;
    };
    assert_eq!(told["actuallyConnected"], false, "{told}");

    let mut bodies = Vec::new();
    for n in 0..3 {
        bodies.push(format!("enquanto isso {n}"));
        farm.phone.message("5511900000002", "5511988887777", &bodies[n]).await;
        farm.webhook.has("2", &bodies).await;
    }
    let body = serde_json::json!({"phone": "5511988887777", "message": "também para fora"});
    assert_eq!(farm.service.post("/send?user_id=2", &body).await.status, 200);

    until("user 1 is ready again, without a code", || async {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert!(answer["qr"].is_null(), "user 1 was asked to scan again");
        (answer["ready"] == true).then_some(())
    })
    .await;
    farm.phone.message("5511900000001", "5511988887777", "de volta").await;
    farm.webhook.has("1", &["de volta".into()]).await;

    let _ = stop.send(());
    let seen = seen.await.expect("no panic");
    assert_eq!(seen.len(), 1, "user 2's status changed: {seen:?}");
    assert_eq!(seen[0]["ready"], true);
}

#[tokio::test]
async fn a_killed_worker_is_its_users_trouble_alone() {
    kill(Victim::Worker).await;
}

#[tokio::test]
async fn a_killed_browser_is_its_users_trouble_alone() {
    kill(Victim::Browser).await;
}

#[tokio::test]
async fn a_killed_renderer_is_its_users_trouble_alone() {
    kill(Victim::Renderer).await;
}

#[tokio::test]
async fn a_worker_that_stands_still_is_not_ready_and_is_replaced() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGSTOP);
    until("user 1 is not ready", || async { (farm.status("1").await["ready"] == false).then_some(()) }).await;
    farm.ready("1").await;
    let (fresh, _) = Service::processes_of("1").await;
    assert_ne!(fresh.pid, worker.pid);
}

#[tokio::test]
async fn a_browser_that_cannot_start_parks_its_user_with_the_reason_and_no_other() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("temp dir");
    // A browser for everyone but user 9.
    let script = dir.path().join("browser");
    let real = std::env::var("COLMEIA_TEST_BROWSER")
        .unwrap_or_else(|_| "/usr/lib/chromium/chromium-headless-shell".into());
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *_user_9\\ *|*_user_9) echo 'no display for you' >&2; exit 1;; esac\nexec {real} \"$@\"\n"
    );
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("set");
    let options = crate::harness::Options {
        browser: Some(script),
        config: "restart = { base_ms = 50, cap_ms = 200, burst = 3 }\n".into(),
        ..Default::default()
    };
    let farm = Farm::start_with(options).await;
    farm.link("1", "5511900000001").await;
    let told = until("user 9 is parked", || async {
        let answer = farm.service.get("/qr?user_id=9").await;
        assert_eq!(answer.status, 200);
        (answer.json["status"] == "failed").then_some(answer.json)
    })
    .await;
    assert!(told["message"].as_str().expect("why").len() > 10, "{told}");
    assert_eq!(farm.status("9").await["ready"], false);
    assert_eq!(farm.status("1").await["ready"], true);
}

#[tokio::test]
async fn a_missing_browser_parks_its_user_by_name_with_the_last_lines_of_its_log() {
    let options = crate::harness::Options {
        browser: Some("/nowhere/chromium".into()),
        config: "restart = { base_ms = 50, cap_ms = 200, burst = 3 }\n".into(),
        ..Default::default()
    };
    let farm = Farm::start_with(options).await;
    let told = until("user 9 is parked", || async {
        let answer = farm.service.get("/qr?user_id=9").await;
        (answer.json["status"] == "failed").then_some(answer.json)
    })
    .await;
    assert!(told["message"].as_str().expect("why").contains("não está instalado"), "{told}");
    assert_eq!(farm.status("9").await["lastExit"], "launch_failed(no_browser)");
    let socket = farm.dir.path().join("run/admin.sock");
    let mut command = tokio::process::Command::new(crate::harness::program("colmeiactl"));
    command.arg("--socket").arg(socket).args(["--json", "show", "9"]);
    let shown: Value =
        serde_json::from_slice(&command.output().await.expect("it runs").stdout).expect("JSON");
    let lines = shown["last_lines"].as_array().expect("lines");
    assert!(shown["parked"]["sentence"].as_str().expect("why").contains("/nowhere/chromium"), "{shown}");
    let said = |line: &Value| line.as_str().is_some_and(|line| line.contains("the browser cannot be opened"));
    assert!(lines.len() <= 10 && lines.iter().any(said), "{shown}");
}
