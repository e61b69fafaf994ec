//! The supervisor comes and goes; sessions and messages stay.

use nix::sys::signal::Signal;

use crate::harness::{Farm, Options, Process, Service, descendants, until};

#[tokio::test]
async fn a_killed_supervisor_loses_no_session_and_no_message() {
    let mut farm = Farm::start().await;
    tokio::join!(farm.link("1", "5511900000001"), farm.link("2", "5511900000002"));
    let mut bodies = vec!["antes".to_owned()];
    farm.phone.message("5511900000001", "5511988887777", "antes").await;
    farm.webhook.has("1", &bodies).await;

    let workers: Vec<i32> = Service::workers().iter().map(|worker| worker.pid).collect();
    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    for n in 0..5 {
        bodies.push(format!("sem supervisor {n}"));
        farm.phone.message("5511900000001", "5511988887777", bodies.last().expect("one")).await;
    }
    farm.service.start_again().await;
    for user in ["1", "2"] {
        until(&format!("user {user} is ready without a code"), || async {
            let answer = farm.service.get(&format!("/qr?user_id={user}")).await.json;
            assert!(answer["qr"].is_null(), "user {user} was asked to scan again");
            (answer["ready"] == true).then_some(())
        })
        .await;
    }
    bodies.push("depois".to_owned());
    farm.phone.message("5511900000001", "5511988887777", "depois").await;
    farm.webhook.has_by_id("1", &bodies).await;
    let after: Vec<i32> = Service::workers().iter().map(|worker| worker.pid).collect();
    assert_eq!(workers, after, "the workers lived on and were adopted");
}

#[tokio::test]
async fn everything_killed_at_once_comes_back_with_what_came_meanwhile() {
    let mut farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.service.signal(Signal::SIGKILL);
    farm.service.ended().await;
    for process in descendants(0) {
        if process.is_worker() || process.command.contains("--user-data-dir") {
            process.signal(Signal::SIGKILL);
        }
    }
    farm.phone.page_gone("5511900000001").await;
    let bodies: Vec<String> = (0..3).map(|n| format!("durante a queda {n}")).collect();
    for body in &bodies {
        farm.phone.message("5511900000001", "5511988887777", body).await;
    }
    farm.service.start_again().await;
    // Nobody asks: the auth directory is reason enough.
    farm.ready("1").await;
    farm.webhook.has("1", &bodies).await;
}

#[tokio::test]
async fn sigterm_ends_everything_cleanly_and_a_restart_needs_no_code() {
    let mut farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.qr("2").await;
    farm.service.signal(Signal::SIGTERM);
    let status = farm.service.ended().await;
    assert!(status.success(), "{status}");
    let left: Vec<_> =
        descendants(0).into_iter().filter(|process| !process.command.contains("colmeia-simulator")).collect();
    assert!(left.is_empty(), "left over: {left:#?}");
    farm.service.start_again().await;
    farm.ready("1").await;
}

#[tokio::test]
async fn a_second_supervisor_on_the_same_directories_is_refused() {
    let farm = Farm::start().await;
    let second = std::process::Command::new(crate::harness::program("colmeia-supervisor"))
        .env_clear() // a key of the machine, or of these tests, is none of its configuration
        .arg("--config")
        .arg(farm.dir.path().join("colmeia.toml"))
        .args(["--listen", "127.0.0.1:0", "--page-url", &farm.phone.address])
        .arg("--state-dir")
        .arg(farm.state_dir())
        .arg("--runtime-dir")
        .arg(farm.dir.path().join("run"))
        .output()
        .expect("it runs");
    assert!(!second.status.success());
    let said =
        String::from_utf8_lossy(&second.stderr).into_owned() + &String::from_utf8_lossy(&second.stdout);
    assert!(said.contains(&farm.service.pid().to_string()), "it names the first: {said}");
}

#[tokio::test]
async fn a_disconnect_logs_the_phone_out_and_leaves_nothing() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let answer = farm.service.post("/disconnect", &serde_json::json!({"user_id": "1"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text, r#"{"success":true,"message":"WhatsApp desconectado com sucesso"}"#);
    assert!(!farm.phone.is_listed("5511900000001").await, "it is said when the phone knows");
    // On a busy machine the page may still be clearing itself when the caller has to be answered.
    until("nothing is left", || async {
        (!farm.auth_dir("1").exists() && Service::workers().is_empty()).then_some(())
    })
    .await;
    let status = farm.service.get("/status?user_id=1").await;
    assert_eq!(
        status.text,
        r#"{"ready":false,"hasQr":false,"actuallyConnected":false,"clientInitialized":false,"isAuthenticated":false,"state":"disconnected"}"#
    );
    // The phone knows: linking again takes a new code.
    let code = farm.qr("1").await;
    assert!(farm.phone.scan(&code, "5511900000001").await);
    farm.ready("1").await;
    // Nobody there is no error.
    let answer = farm.service.post("/disconnect?user_id=77", &serde_json::json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

const NOT_TOLD: &str =
    r#"{"success":true,"message":"WhatsApp desconectado (pode ter havido um erro, mas foi desconectado)"}"#;

#[tokio::test]
async fn a_disconnect_of_which_the_phone_did_not_hear_says_so_in_time_and_still_leaves_nothing() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.fault("5511900000001", "logout_delay", serde_json::json!(60_000)).await;
    let begun = std::time::Instant::now();
    let answer = farm.service.post("/disconnect", &serde_json::json!({"user_id": "1"})).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "Flask waits no longer");
    assert_eq!((answer.status, answer.text.as_str()), (200, NOT_TOLD));
    assert!(farm.phone.is_listed("5511900000001").await);
    until("nothing is left", || async {
        (!farm.auth_dir("1").exists() && Service::workers().is_empty()).then_some(())
    })
    .await;

    farm.link("2", "5511900000002").await;
    farm.phone.fault("5511900000002", "logout_delay", serde_json::json!(60_000)).await;
    let gone = farm.service.send(farm.service.request("DELETE", "/api/sessions/2")).await;
    assert_eq!((gone.status, &gone.json["phoneTold"]), (200, &serde_json::json!(false)), "{gone:?}");
}

#[tokio::test]
async fn a_disconnect_in_the_moment_of_a_scan_tells_the_phone_or_says_that_it_did_not() {
    let farm = Farm::start().await;
    for (user, wait_ms) in [("1", 0), ("2", 50), ("3", 300)] {
        let number = format!("551190000001{user}");
        farm.scan(user, &number).await;
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
        let answer = farm.service.post("/disconnect", &serde_json::json!({"user_id": user})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        until("nothing is left", || async {
            (!farm.auth_dir(user).exists() && Service::workers().is_empty()).then_some(())
        })
        .await;
        farm.phone.page_gone(&number).await;
        if answer.text != NOT_TOLD {
            assert!(!farm.phone.is_listed(&number).await, "{wait_ms} ms after the scan: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_browsers_sandbox_is_on_for_an_ordinary_user() {
    // Whoever runs the test is one, or may become one.
    let run_as = nix::unistd::geteuid().is_root().then_some(("nobody", "nogroup"));
    let farm = Farm::start_with(Options { run_as, ..Options::default() }).await;
    farm.link("1", "5511900000001").await;
    let (worker, browser) = Service::processes_of("1").await;
    assert!(!browser.command.contains("--no-sandbox"), "{}", browser.command);
    let renderer = descendants(worker.pid).into_iter().find(|p| p.is_renderer()).expect("a renderer");
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/user")).expect("a namespace");
    assert_ne!(
        namespace(renderer.pid),
        namespace(browser.pid),
        "the renderer has a user namespace of its own"
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", renderer.pid)).expect("status");
    assert!(status.contains("Seccomp:\t2"), "the renderer is under a seccomp filter");
    let body = serde_json::json!({"phone": "5511988887777", "message": "na caixa de areia"});
    assert_eq!(farm.service.post("/send?user_id=1", &body).await.status, 200);
}

#[tokio::test]
async fn the_full_browser_works_as_well() {
    let full = std::path::PathBuf::from("/usr/lib/chromium/chromium");
    let mut farm = Farm::start_with(Options { browser: Some(full), ..Options::default() }).await;
    farm.link("1", "5511900000001").await;
    let (worker, browser) = Service::processes_of("1").await;
    assert!(browser.command.starts_with("/usr/lib/chromium/chromium "), "{}", browser.command);
    let body = serde_json::json!({"phone": "5511988887777", "message": "com o navegador inteiro"});
    assert_eq!(farm.service.post("/send?user_id=1", &body).await.status, 200);
    farm.phone.message("5511900000001", "5511988887777", "chegou").await;
    farm.webhook.has("1", &["chegou".into()]).await;

    // Unlike the headless shell it has crash handlers, which escape their process group.
    worker.signal(Signal::SIGKILL);
    until("the worker's end was noticed", || async {
        (farm.status("1").await["ready"] == false).then_some(())
    })
    .await;
    farm.ready("1").await;
    farm.service.signal(Signal::SIGTERM);
    assert!(farm.service.ended().await.success());
    let left = leftovers();
    assert!(left.is_empty(), "left over: {left:#?}");
}

/// Processes of the service that are still there.
fn leftovers() -> Vec<Process> {
    descendants(0).into_iter().filter(|process| !process.command.contains("colmeia-simulator")).collect()
}

#[tokio::test]
async fn no_log_line_has_a_code_a_text_or_a_number() {
    let mut farm = Farm::start_with(Options { log_to_file: true, ..Options::default() }).await;
    let code = farm.qr("1").await;
    farm.link("1", "5511900000001").await;
    let body = serde_json::json!({"phone": "5511988887777", "message": "segredo de ida"});
    assert_eq!(farm.service.post("/send?user_id=1", &body).await.status, 200);
    farm.phone.message("5511900000001", "5511988887777", "segredo de volta").await;
    farm.webhook.has("1", &["segredo de volta".into()]).await;
    assert_eq!(farm.service.get("/chats?user_id=1").await.status, 200);
    assert_eq!(farm.service.get("/chats/5511988887777@c.us/messages?user_id=1").await.status, 200);
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    let log = std::fs::read_to_string(farm.dir.path().join("log")).expect("the log");
    assert!(log.lines().count() > 20, "something was logged: {log}");
    let fields: Vec<&str> = code.split(',').collect();
    let secrets = [fields[0], fields[1], "segredo", "5511900000001", "5511988887777", "90000-0001", "Dono "];
    for secret in secrets {
        let told: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(told.is_empty(), "{secret:?} is in the log: {told:#?}");
    }
    let nameless: Vec<&str> =
        log.lines().filter(|line| line.contains("session state") && !line.contains("user=1")).collect();
    assert!(nameless.is_empty(), "lines about a user that do not say about whom: {nameless:#?}");
}

#[tokio::test]
async fn no_debugging_port_is_open() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let (_, browser) = Service::processes_of("1").await;
    assert!(browser.command.contains("--remote-debugging-pipe"), "{}", browser.command);
    assert!(!browser.command.contains("--remote-debugging-port"), "{}", browser.command);
    assert!(listening_inodes(browser.pid).is_empty(), "the browser listens on a port");
}

/// Sockets of a process that listen on TCP.
fn listening_inodes(pid: i32) -> Vec<String> {
    let own: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("its descriptors")
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok()?.to_str().map(String::from))
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().skip(1).map(String::from).collect::<Vec<_>>())
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // The fourth field is the state; 0A is LISTEN. The tenth is the inode.
            (fields.get(3) == Some(&"0A")).then(|| fields.get(9).map(|s| (*s).to_owned()))?
        })
        .filter(|inode| own.contains(inode))
        .collect()
}
