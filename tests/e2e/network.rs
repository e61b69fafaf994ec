//! Neither the page nor the browser around it asks any host but the page's own.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Farm, Options, Service};

/// Whom the browser asked, by its own network log: every request's address, every name looked up, every
/// connection tried, every datagram sent. (Chromium also "connects" a UDP socket to a public address to learn
/// whether there is a route; nothing is sent by that, so it is not counted.)
fn asked(log: &Value) -> BTreeSet<String> {
    let types = log["constants"]["logEventTypes"].as_object().expect("a network log");
    let id = |name: &str| types.get(name).unwrap_or_else(|| panic!("no event type {name}")).clone();
    let kinds = [
        (id("URL_REQUEST_START_JOB"), "url"),
        (id("HOST_RESOLVER_MANAGER_REQUEST"), "host"),
        (id("TCP_CONNECT_ATTEMPT"), "address"),
        (id("UDP_CONNECT"), "address"),
    ];
    let udp_sent = id("UDP_BYTES_SENT");
    let events = log["events"].as_array().expect("events");
    let sources_that_sent: Vec<&Value> =
        events.iter().filter(|event| event["type"] == udp_sent).map(|event| &event["source"]["id"]).collect();
    let udp = id("UDP_CONNECT");
    events
        .iter()
        .filter(|event| event["type"] != udp || sources_that_sent.contains(&&event["source"]["id"]))
        .filter_map(|event| {
            let (_, key) = kinds.iter().find(|(kind, _)| *kind == event["type"])?;
            event["params"][key].as_str()
        })
        .filter(|text| !["data:", "blob:", "about:"].iter().any(|scheme| text.starts_with(scheme)))
        .map(|text| {
            let host = text.split_once("://").map_or(text, |(_, rest)| rest);
            let host = host.split(['/', '?']).next().unwrap_or_default();
            host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned()
        })
        .collect()
}

/// The log, also when the browser ended before it had written the closing brackets: it writes one event a line,
/// in batches of a dozen, and its end does not wait for the last batch.
fn read_log(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let whole = text.rsplit_once('\n').map_or(text, |(whole, _)| whole).trim_end().trim_end_matches(',');
        serde_json::from_str(&format!("{whole}]}}")).expect("a log that was cut between two lines")
    })
}

async fn foreign_hosts(query: &str) -> BTreeSet<String> {
    let dir = tempfile::Builder::new().prefix("cm-net-").tempdir_in("/tmp").expect("temp dir");
    let script = dir.path().join("browser");
    let real = std::env::var("COLMEIA_TEST_BROWSER")
        .unwrap_or_else(|_| "/usr/lib/chromium/chromium-headless-shell".into());
    std::fs::write(&script, format!("#!/bin/sh\nexec {real} --log-net-log=\"$HOME/net.json\" \"$@\"\n"))
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
    let log = farm.auth_dir("1").join("colmeia/home/net.json");
    let text = std::fs::read_to_string(log).expect("the browser has written its network log");
    let mut asked = asked(&read_log(&text));
    assert!(asked.remove("127.0.0.1"), "the log has the page itself: {asked:?}");
    asked
}

#[tokio::test]
async fn no_request_goes_to_a_foreign_host() {
    assert_eq!(foreign_hosts("").await, BTreeSet::new());
}

#[tokio::test]
async fn nor_does_one_when_wa_js_stands_in() {
    assert_eq!(foreign_hosts("?rename=WAWebSendMsgChatAction").await, BTreeSet::new());
}

#[tokio::test]
async fn the_browser_looks_like_an_ordinary_one_of_its_own_version() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let (_, browser) = Service::processes_of("1").await;
    let program = browser.command.split(' ').next().expect("a program");
    let version = std::process::Command::new(program).arg("--version").output().expect("it runs").stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    let major = version.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty()).expect("a number");
    let pages = farm.phone.pages().await;
    let agent = pages[0]["user_agent"].as_str().expect("it has one");
    assert!(agent.contains(&format!(" Chrome/{major}.0.0.0 ")), "{agent}");
    assert!(!agent.contains("Headless"), "{agent}");
}

/// Six pages share one line of 8 Mbit/s, with pauses in between that look like an end.
#[tokio::test]
async fn on_a_slow_line_each_session_shows_its_code_as_soon_as_its_page_can() {
    let options = Options {
        simulator_args: vec!["--line-kbit", "8000", "--wave-gap-ms", "3000"],
        config: "max_starting = 6".into(),
        ..Options::default()
    };
    let farm = Farm::start_with(options).await;
    let users = ["1", "2", "3", "4", "5", "6"];
    futures::future::join_all(users.map(|user| farm.qr(user))).await;
    let pages = farm.phone.pages().await;
    let names: BTreeSet<&str> = pages.iter().filter_map(|page| page["page"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["p1", "p2", "p3", "p4", "p5", "p6"]), "none was loaded anew");
    for user in users {
        let status = farm.status(user).await;
        assert!(status["degraded"].is_null(), "{status}");
    }
    farm.link("1", "5511900000001").await;
    let status = farm.status("1").await;
    assert!(status["degraded"].is_null(), "{status}");
}
