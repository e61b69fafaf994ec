//! An operator's way through a session's life, with `colmeiactl` and real Chromium.

use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{Farm, Service, ctl, until};

async fn session(farm: &Farm, user: &str) -> Value {
    let (code, text) = ctl(farm, &["--json", "show", user]).await;
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_session_that_was_only_configured_is_there_for_its_operator() {
    let mut farm = Farm::start().await;
    let made =
        serde_json::json!({"name": "7", "start": false, "config": {"label": "Arquivo", "tags": ["SP"]}});
    assert_eq!(farm.service.post("/api/sessions", &made).await.status, 201);
    // Who made it has asked for it, and it has a task; after a restart nobody has.
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    farm.service.start_again().await;
    let (code, list) = ctl(&farm, &["list"]).await;
    assert!(code == 0 && list.contains("Arquivo [SP]"), "{list}");
    let told = session(&farm, "7").await;
    assert_eq!(
        (&told["phase"], &told["label"], &told["on_disk"]),
        (&"stopped".into(), &"Arquivo".into(), &false.into())
    );
    let (code, said) = ctl(&farm, &["start", "7"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = ctl(&farm, &["delete", "7", "--yes"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(ctl(&farm, &["show", "7"]).await.0, 3, "nothing is known of it any more");
}

#[tokio::test]
async fn an_operator_stops_starts_and_resets_a_session_and_the_other_goes_on() {
    let farm = Farm::start().await;
    tokio::join!(farm.link("1", "5511900000001"), farm.link("2", "5511900000002"));
    let other = session(&farm, "2").await;
    let (_, list) = ctl(&farm, &["list"]).await;
    println!("{list}");
    assert_eq!(list.lines().filter(|line| line.contains("ready")).count(), 2, "{list}");
    until("its memory is measured with its browser", || async {
        session(&farm, "1").await["memory"].as_u64().is_some_and(|bytes| bytes > 50_000_000).then_some(())
    })
    .await;
    let (_, lines) = ctl(&farm, &["logs", "1"]).await;
    assert!(lines.contains("worker listens") && !lines.contains("5511900000001"), "{lines}");

    assert_eq!(ctl(&farm, &["stop", "1"]).await, (0, "1: held\n".into()));
    assert_eq!(Service::workers().len(), 1, "its worker and browser are gone");
    for _ in 0..5 {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert_eq!((&answer["status"], &answer["qr"]), (&"failed".into(), &Value::Null));
        assert!(answer["message"].as_str().is_some_and(|text| text.contains("parada por quem administra")));
    }
    assert_eq!(Service::workers().len(), 1, "asking for a code started nobody");

    let (code, said) = ctl(&farm, &["start", "1"]).await;
    assert_eq!(code, 0, "{said}");
    until("user 1 is ready without a code", || async {
        let answer = farm.service.get("/qr?user_id=1").await.json;
        assert!(answer["qr"].is_null(), "it was asked to scan again");
        (answer["ready"] == true).then_some(())
    })
    .await;

    let (code, said) = ctl(&farm, &["reset", "1", "--yes"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(!Path::new(&farm.auth_dir("1")).exists());
    farm.qr("1").await;
    let after = session(&farm, "2").await;
    assert_eq!((&after["pid"], &after["ready"]), (&other["pid"], &true.into()), "nobody else noticed");
}
