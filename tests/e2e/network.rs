//! Neither the page nor the browser around it asks any host but the page's own.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Options, Service};

/// The hosts that the browser's own network log names in requests, look-ups and connections.
fn hosts(log: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for key in ["\"url\":\"", "\"host\":\"", "\"hostname\":\"", "\"address\":\"", "\"origin\":\""] {
        for piece in log.split(key).skip(1) {
            let value = piece.split('"').next().unwrap_or_default();
            let value = value.split_once("://").map_or(value, |(scheme, rest)| {
                if matches!(scheme, "http" | "https" | "ws" | "wss") { rest } else { "" }
            });
            let host = value.split(['/', '?', ' ', ';']).next().unwrap_or_default();
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            if !host.is_empty() {
                found.insert(host.to_owned());
            }
        }
    }
    found
}

async fn foreign_hosts(query: &str) -> BTreeSet<String> {
    let dir = tempfile::Builder::new().prefix("cm-net-").tempdir_in("/tmp").expect("temp dir");
    let log = dir.path().join("net.json");
    let script = dir.path().join("browser");
    let real = std::env::var("COLMEIA_TEST_BROWSER")
        .unwrap_or_else(|_| "/usr/lib/chromium/chromium-headless-shell".into());
    std::fs::write(&script, format!("#!/bin/sh\nexec {real} --log-net-log={} \"$@\"\n", log.display()))
        .expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("set");
    let options = Options { browser: Some(script), page_query: query.into(), ..Options::default() };
    let mut farm = Farm::start_with(options).await;
    farm.link("1", "5511900000001").await;
    let link = json!({"phone": "5511988887777", "message": "veja https://example.org/ e www.example.com"});
    let sent = farm.service.post("/send?user_id=1", &link).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    farm.phone.message("5511900000001", "5511988887777", "olhe https://example.net/").await;
    farm.webhook.has("1", &["olhe https://example.net/".into()]).await;
    assert_eq!(farm.service.get("/chats?user_id=1").await.status, 200);
    assert_eq!(Service::workers().len(), 1);
    // The log is whole when the browser has closed.
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    let text = std::fs::read_to_string(&log).expect("the browser has written its network log");
    assert!(text.contains(&farm.phone.address), "the log has the page itself");
    let mut hosts = hosts(&text);
    hosts.remove("127.0.0.1");
    hosts
}

#[tokio::test]
async fn no_request_goes_to_a_foreign_host() {
    assert_eq!(foreign_hosts("").await, BTreeSet::new());
}

#[tokio::test]
async fn nor_does_one_when_wa_js_stands_in() {
    assert_eq!(foreign_hosts("?rename=WAWebSendMsgChatAction").await, BTreeSet::new());
}
