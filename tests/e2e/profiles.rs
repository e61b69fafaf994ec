//! Profiles of whatsapp-web.js are ours, and ours are theirs: nobody scans again.

use nix::sys::signal::Signal;

use crate::harness::{Farm, Options, repository, until};

/// Runs unmodified whatsapp-web.js on the user's auth directory; returns the account that it was ready with.
async fn whatsapp_web_js(farm: &Farm, user: &str, action: &[&str]) -> String {
    let modules = repository("simulator/conformance/node_modules");
    assert!(modules.is_dir(), "run `make setup` first: the npm packages of the peers are missing");
    let output = tokio::process::Command::new("node")
        .arg(repository("tests/e2e/peer.js"))
        .arg(&farm.phone.address)
        .arg(farm.auth_dir(user))
        .arg(format!("ylada_bot_user_{user}"))
        .args(action)
        .env("NODE_PATH", modules)
        .output();
    let output =
        tokio::time::timeout(crate::harness::LONG, output).await.expect("in time").expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "whatsapp-web.js: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn a_profile_of_whatsapp_web_js_resumes_here_without_a_code() {
    let farm = Farm::start().await;
    let wid = whatsapp_web_js(&farm, "7", &["link", "5511900000007"]).await;
    assert_eq!(wid, "5511900000007@c.us");
    farm.service.get("/qr?user_id=7").await;
    until("user 7 is ready", || async {
        let answer = farm.service.get("/qr?user_id=7").await;
        assert!(answer.json["qr"].is_null(), "user 7 was asked to scan");
        (answer.json["ready"] == true).then_some(())
    })
    .await;
    let status = farm.status("7").await;
    assert_eq!(status["clientInfo"]["wid"], wid);
    farm.phone.message("5511900000007", "5511988887777", "mudança").await;
    farm.webhook.has("7", &["mudança".into()]).await;
}

#[tokio::test]
async fn a_profile_of_ours_resumes_in_whatsapp_web_js_without_a_code() {
    let mut farm = Farm::start().await;
    farm.link("7", "5511900000007").await;
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    assert_eq!(whatsapp_web_js(&farm, "7", &["resume"]).await, "5511900000007@c.us");
    // And back again.
    farm.service.start_again().await;
    farm.ready("7").await;
}

#[tokio::test]
async fn the_old_servers_folder_goes_on_here_and_nobody_scans_again() {
    let mut farm = Farm::start().await;
    // Node served everyone until now, in the folder that Colmeia is started on.
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    for (user, number) in [("2_1", "5511900000021"), ("3", "5511900000003")] {
        assert_eq!(whatsapp_web_js(&farm, user, &["link", number]).await, format!("{number}@c.us"));
    }
    farm.service.start_again().await;
    // Nobody opens a page: they are brought back by themselves.
    for (user, number) in [("2_1", "5511900000021"), ("3", "5511900000003")] {
        let status = farm.ready(user).await;
        assert_eq!(status["clientInfo"]["wid"], format!("{number}@c.us"));
        let body = serde_json::json!({"user_id": user, "phone": "5511988887777", "message": "continua"});
        let sent = farm.service.post("/send", &body).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        assert_eq!(farm.phone.sent(number).await.len(), 1);
    }
}

/// What Chromium keeps by itself after one start is a tenth of this.
const COMPILED: u64 = 3 << 20;

#[tokio::test]
async fn what_the_pages_scripts_were_compiled_to_is_kept_from_the_first_start_on() {
    let farm = Farm::start_with(Options { page_query: "?weight=real".into(), ..Options::default() }).await;
    farm.service.get("/qr?user_id=7").await;
    let cache = farm.auth_dir("7").join("session-ylada_bot_user_7/Default/Code Cache/js");
    until("the code cache is there", || async {
        let files = std::fs::read_dir(&cache).ok()?;
        let bytes: u64 = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum();
        (bytes > COMPILED).then_some(())
    })
    .await;
}
