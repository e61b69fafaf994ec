//! A session that takes too much memory is cured alone: asked, replaced in a quiet moment, or ended.

use serde_json::{Value, json};

use crate::crashes::witness;
use crate::harness::{Farm, Options, Process, Service, ctl, descendants, until};

/// Measured often, so that the test need not wait; user 1 has caps that its page reaches soon.
fn caps(high_mb: u64, max_mb: u64) -> Options {
    let config = format!(
        "memory = {{ mode = \"polling\", poll_ms = 300, recycle_after_secs = 1 }}\n\
         users = {{ 1 = {{ memory = {{ high_mb = {high_mb}, max_mb = {max_mb} }} }} }}\n"
    );
    Options { config, ..Options::default() }
}

/// Makes user 1's page misbehave, and waits until it is ready again after it ended for this reason. User 2 must
/// not notice, and nobody may be asked to scan.
async fn cured(farm: &Farm, fault: &str, value: Value, reason: &str) -> Value {
    tokio::join!(farm.link("1", "5511900000001"), farm.link("2", "5511900000002"));
    assert!(farm.status("1").await.get("lastExit").is_none(), "nothing has ended yet");
    let (seen, stop) = witness(farm, "2");
    farm.phone.fault("5511900000001", fault, value).await;
    let status = until(&format!("user 1 is ready again after {reason}"), || async {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert!(answer["qr"].is_null(), "user 1 was asked to scan again");
        let status = farm.status("1").await;
        (status["ready"] == true && status["lastExit"] == reason).then_some(status)
    })
    .await;
    farm.phone.message("5511900000001", "5511988887777", "de volta").await;
    farm.webhook.has("1", &["de volta".into()]).await;
    farm.phone.message("5511900000002", "5511988887777", "sem notar").await;
    farm.webhook.has("2", &["sem notar".into()]).await;
    let _ = stop.send(());
    let seen = seen.await.expect("no panic");
    assert_eq!(seen.len(), 1, "user 2's status changed: {seen:?}");
    status
}

#[tokio::test]
async fn a_leaking_session_is_killed_at_its_cap_and_comes_back_without_a_code() {
    let farm = Farm::start_with(caps(450, 450)).await;
    let status = cured(&farm, "leak", json!(60), "oom").await;
    assert_eq!(status["reconnectInfo"]["attempts"], 1, "{status}");
}

#[tokio::test]
async fn a_cap_that_an_operator_sets_holds_at_once_and_for_that_user_alone() {
    let config = "memory = { mode = \"polling\", poll_ms = 300 }\n".into();
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    tokio::join!(farm.link("1", "5511900000001"), farm.link("2", "5511900000002"));
    let limits = async |arguments: &[&str]| {
        let (code, text) = ctl(&farm, &[&["--json", "limits", "1"], arguments].concat()).await;
        assert_eq!(code, 0, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")
    };
    let (seen, stop) = witness(&farm, "2");
    let set = limits(&["--soft", "40", "--max", "40"]).await;
    assert_eq!((&set["applied"]["max_mb"], &set["own"]["max_mb"]), (&json!("now"), &json!(40)));
    until("user 1 is ended for its memory", || async {
        (farm.status("1").await["lastExit"] == "oom").then_some(())
    })
    .await;
    assert_eq!(limits(&["--clear"]).await["own"], json!({}));
    let started = ctl(&farm, &["start", "1"]).await;
    assert_eq!(started.0, 0, "{}", started.1);
    farm.ready("1").await;
    let _ = stop.send(());
    assert_eq!(seen.await.expect("no panic").len(), 1, "user 2 noticed");
}

#[tokio::test]
async fn a_heavy_session_is_replaced_in_a_quiet_moment_without_a_code() {
    let farm = Farm::start_with(caps(350, 2000)).await;
    let status = cured(&farm, "ballast", json!(300), "cap_recycle").await;
    assert_eq!(status["reconnectInfo"]["attempts"], 0, "no failure: {status}");
}

#[tokio::test]
async fn who_has_no_memory_to_start_in_waits_and_says_so() {
    // No machine has this much for two.
    let config = "memory = { mode = \"polling\", poll_ms = 300, admit_mb = 10000000 }\n".into();
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    farm.qr("1").await;
    let told = until("user 2 waits for memory", || async {
        let answer = farm.service.get("/qr?user_id=2").await.json;
        (answer["status"] == "capacity").then_some(answer)
    })
    .await;
    assert!(told["message"].as_str().expect("why").contains("memória"), "{told}");
    assert_eq!(farm.status("2").await["state"], "queued");
    let gone = farm.service.post("/disconnect?user_id=1", &json!({})).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    farm.qr("2").await;
}

/// Whether the kernel may merge a process's pages; `None` where it does not say.
fn may_be_merged(pid: i32) -> Option<bool> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/ksm_stat")).ok()?;
    Some(text.lines().find_map(|line| line.strip_prefix("ksm_merge_any: "))? == "yes")
}

/// The kernel's scanner for equal pages, switched on until this is dropped.
struct Scanner(String);

impl Scanner {
    const SWITCH: &str = "/sys/kernel/mm/ksm/run";

    fn on() -> Self {
        let before = std::fs::read_to_string(Self::SWITCH).expect("a kernel with KSM");
        std::fs::write(Self::SWITCH, "1").expect("root may switch it on");
        Self(before)
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        let _ = std::fs::write(Self::SWITCH, &self.0);
    }
}

#[tokio::test]
#[ignore = "takes root, and a kernel with KSM that says who may be merged; make test-host runs it"]
async fn all_of_a_browser_may_be_merged_where_that_is_asked_for_and_its_worker_not() {
    let _scanner = Scanner::on();
    let farm =
        Farm::start_with(Options { config: "memory_merge = true\n".into(), ..Options::default() }).await;
    farm.link("1", "5511900000001").await;
    let (worker, browser) = Service::processes_of("1").await;
    assert_eq!(may_be_merged(worker.pid), Some(false), "the worker holds what no browser may learn");
    assert_eq!(may_be_merged(browser.pid), Some(true), "the browser itself");
    let below = descendants(browser.pid);
    let renderer = below.iter().find(|process| process.is_renderer()).expect("a renderer");
    // Shown to root only.
    assert_eq!(may_be_merged(renderer.pid), Some(true), "behind the zygote and the sandbox too");
    let barred: Vec<&Process> = below.iter().filter(|p| may_be_merged(p.pid) == Some(false)).collect();
    assert!(barred.is_empty(), "{barred:?}");

    let shown = async || {
        let (code, text) = ctl(&farm, &["--json", "show", "1"]).await;
        assert_eq!(code, 0, "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["merged"].clone()
    };
    assert!(shown().await["bytes"].is_u64(), "{}", shown().await);
    let metrics = farm.service.get("/metrics").await.text;
    assert!(metrics.contains("colmeia_session_merged_bytes{user=\"1\"} "), "{metrics}");
    until("the kernel has merged something", || async {
        (shown().await["bytes"].as_u64() > Some(0)).then_some(())
    })
    .await;
}
