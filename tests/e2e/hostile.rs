//! A browser that was taken over reaches nothing but its own profile and its page, and disturbs nobody.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Farm, Options, Service, default_browser, program, until};

const HOSTILE: &str = "mallory";
const KEY: &str = "this-is-a-secret-key";

/// Two users of one service: `1` with a real session, and one whose browser is hostile, as soon as `targets` are
/// written.
struct Scene {
    farm: Farm,
    bin: tempfile::TempDir,
}

impl Scene {
    async fn start(landlock: &str, own_uids: bool) -> Self {
        // Not below the farm's own folder: what lies beside the browser may be read by it.
        let bin = tempfile::Builder::new().prefix("cm-bin-").tempdir_in("/tmp").expect("temp dir");
        let open = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755));
        open(bin.path()).expect("set");
        let browser = bin.path().join("browser");
        std::fs::copy(program("colmeia-hostile"), &browser).expect("copied");
        open(&browser).expect("set");
        let nobody = json!({"hostile_user": HOSTILE, "browser": default_browser(), "state_dir": "", "run_dir": "",
            "victim": "", "victim_worker": 0, "supervisor": 0, "page": "", "http": "", "stranger": "",
            "abstract_socket": "", "open_folder": ""});
        std::fs::write(bin.path().join("targets.json"), nobody.to_string()).expect("written");
        let root = nix::unistd::geteuid().is_root();
        let farm = Farm::start_with(Options {
            config: format!("landlock = \"{landlock}\"\napi_keys = [\"{KEY}\"]\n"),
            browser: Some(browser),
            run_as: (root && !own_uids).then_some(("nobody", "nogroup")),
            own_uids,
            environment: vec![("SOME_API_KEY", KEY.to_owned())],
            ..Options::default()
        })
        .await;
        farm.link("1", "5511900000001").await;
        Self { farm, bin }
    }

    /// Starts the hostile browser and returns its report.
    async fn report(&self) -> Value {
        let farm = &self.farm;
        let (worker, _) = Service::processes_of("1").await;
        let stranger = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let abstract_socket = format!("colmeia-test-{}", std::process::id());
        let name = SocketAddr::from_abstract_name(&abstract_socket).expect("a name");
        let _listening = UnixListener::bind_addr(&name).expect("bound");
        let open_folder = tempfile::tempdir_in("/tmp").expect("temp dir");
        std::fs::set_permissions(open_folder.path(), std::fs::Permissions::from_mode(0o777)).expect("set");
        let targets = json!({
            "hostile_user": HOSTILE,
            "browser": default_browser(),
            "state_dir": farm.state_dir(),
            "run_dir": farm.dir.path().join("run"),
            "victim": "1",
            "victim_worker": worker.pid,
            "supervisor": farm.service.pid(),
            "page": farm.phone.address.trim_start_matches("http://"),
            "http": farm.service.address(),
            "stranger": stranger.local_addr().expect("known").to_string(),
            "abstract_socket": abstract_socket,
            "open_folder": open_folder.path(),
        });
        std::fs::write(self.bin.path().join("targets.json"), targets.to_string()).expect("written");
        let file = farm.auth_dir(HOSTILE).join(format!("session-ylada_bot_user_{HOSTILE}/report.json"));
        until("the hostile browser has tried everything", || async {
            let answer = farm.service.get(&format!("/qr?user_id={HOSTILE}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            serde_json::from_slice(&std::fs::read(&file).ok()?).ok()
        })
        .await
    }
}

/// The names of what succeeded.
fn achieved(report: &Value) -> Vec<&str> {
    let attempts = report["attempts"].as_object().expect("attempts");
    attempts.iter().filter(|(_, failure)| failure.is_null()).map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_hostile_browser_reaches_nothing_and_nobody_notices() {
    let scene = Scene::start("auto", false).await;
    let farm = &scene.farm;
    let before = Service::processes_of("1").await;
    let report = scene.report().await;
    assert_eq!(
        achieved(&report),
        ["may: connect to the page", "may: write to its profile", "may: write to its temporary directory"],
        "{report:#}"
    );
    let names: Vec<&str> =
        report["environment"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    let known =
        ["PATH", "LANG", "LC_ALL", "TZ", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "HOME", "TMPDIR", "LANGUAGE"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    let descriptors: Vec<&str> =
        report["descriptors"].as_object().expect("numbers").keys().map(String::as_str).collect();
    assert_eq!(descriptors, ["0", "1", "2", "3", "4"], "{}", report["descriptors"]);

    // The neighbour goes on, with the same processes.
    let body = json!({"phone": "5511988887777", "message": "ainda aqui"});
    let sent = farm.service.send(farm.service.request("POST", "/send?user_id=1").json(&body)).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    farm.phone.message("5511900000001", "5511988887777", "para 1").await;
    farm.webhook.has("1", &["para 1".into()]).await;
    assert_eq!(farm.status("1").await["ready"], true);
    let after = Service::processes_of("1").await;
    assert_eq!((before.0.pid, before.1.pid), (after.0.pid, after.1.pid));
}

/// What the walls are for: without them the same browser reaches nearly everything, but still not the workers'
/// sessions by their sockets.
#[tokio::test]
async fn without_landlock_the_same_browser_reaches_the_service_but_passes_for_no_supervisor() {
    let scene = Scene::start("off", false).await;
    let report = scene.report().await;
    let achieved = achieved(&report);
    for open in [
        "list the state directory",
        "read the journal",
        "connect to the service's port",
        "signal the other worker",
    ] {
        assert!(achieved.contains(&open), "{open}: the test proves nothing\n{report:#}");
    }
    for closed in [
        "hear the other worker",
        "pass for the other's supervisor",
        "pass for its worker's supervisor",
        "be taken for an operator",
    ] {
        assert!(!achieved.contains(&closed), "{closed}\n{report:#}");
    }
}

/// The user ids alone: no Landlock.
#[tokio::test]
#[ignore = "only root can give a worker another user id; make test-host runs it"]
async fn with_a_user_id_of_its_own_the_same_browser_reaches_nothing_of_others_even_without_landlock() {
    let scene = Scene::start("off", true).await;
    let report = scene.report().await;
    let achieved = achieved(&report);
    for open in ["list its worker's spool", "connect to the service's port", "write to shared memory"] {
        assert!(achieved.contains(&open), "{open}: the test proves nothing\n{report:#}");
    }
    for closed in [
        "list the other user's directory",
        "read the other user's lock",
        "write to the other user's directory",
        "list the state directory",
        "read the journal",
        "read the other worker's token",
        "read its own worker's token",
        "list the run directory",
        "read the service's address",
        "move the other worker's socket",
        "hear the other worker",
        "pass for the other's supervisor",
        "pass for its worker's supervisor",
        "be taken for an operator",
        "signal the other worker",
        "signal the supervisor",
        "read its worker's environment",
        "read the supervisor's environment",
        "read its worker's memory",
        "read the other worker's memory",
        "see the other worker's open files",
        "go through the other worker's root",
    ] {
        assert!(!achieved.contains(&closed), "{closed}\n{report:#}");
    }
    // The neighbour goes on.
    assert_eq!(scene.farm.status("1").await["ready"], true);
}
