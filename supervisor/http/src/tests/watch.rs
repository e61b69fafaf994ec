//! What other programs watch us by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::http::Request;
use colmeia::config::ServiceConfig;
use colmeia::protocol::{Call, Reply};
use colmeia::session::Probes;
use colmeia::{Secret, SessionReport, SessionState};
use serde_json::{Value, json};

use super::stage::*;
use crate::watch::health::Health;
use colmeia_session::{CallResult, Phase, Pong, UserView};

fn health(view: &UserView, now: SystemTime) -> Value {
    serde_json::to_value(Health::of(view, now)).expect("plain data")
}

#[test]
fn each_level_has_its_last_result_and_its_age() {
    let now = UNIX_EPOCH + Duration::from_secs(1_000);
    let mut view = ready();
    view.pid = Some(7);
    view.pong = Some(Pong { at: now - Duration::from_secs(1), took: Duration::from_millis(3) });
    let probes = Some(Probes { at_ms: 998_000, took_ms: 12, browser: true, page: false });
    view.report = Some(SessionReport { probes, ..view.report.clone().expect("it is ready") });
    let found = health(&view, now);
    assert_eq!(
        found["worker"],
        json!({"status": "ok", "checked_at": 999_000, "age_ms": 1_000, "took_ms": 3})
    );
    assert_eq!(
        found["browser"],
        json!({"status": "ok", "checked_at": 998_000, "age_ms": 2_000, "took_ms": 12})
    );
    assert_eq!(found["page"], json!({"status": "failed", "checked_at": 998_000, "age_ms": 2_000}));
    // Its pings go unanswered: nothing that it said counts.
    view.report = None;
    let found = health(&view, now);
    assert_eq!(
        (&found["worker"]["status"], &found["page"]),
        (&json!("failed"), &json!({"status": "unknown"}))
    );
    assert_eq!(found["healthy"], false);
}

#[test]
fn what_was_never_probed_is_unknown_and_nonsense_does_no_harm() {
    let found = health(&view(Phase::Stopped), UNIX_EPOCH);
    for level in ["worker", "browser", "page"] {
        assert_eq!(found[level], json!({"status": "unknown"}), "{level}");
    }
    let probes = Some(Probes { at_ms: u64::MAX, took_ms: 0, browser: true, page: true });
    let view = UserView {
        report: Some(SessionReport { probes, ..SessionReport::of(SessionState::Loading) }),
        ..view(Phase::Running)
    };
    assert_eq!(health(&view, UNIX_EPOCH)["page"]["age_ms"], 0);
}

#[tokio::test]
async fn a_sessions_health_is_a_status_too() {
    let stage = Cast::new(nobody).with("1", ready()).with("2", code()).on_stage();
    let answer = stage.get("/api/sessions/1/health").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains(r#""state":"ready""#), "{}", answer.body);
    assert_eq!(stage.get("/api/sessions/2/health").await.status, 503);
    for (name, status) in [("9", 404), ("..%2Fx", 400), ("a.b", 400)] {
        assert_eq!(stage.get(&format!("/api/sessions/{name}/health")).await.status, status, "{name}");
    }
    assert_eq!(stage.cast.names(), ["1", "2"], "asking makes nobody");
}

#[tokio::test]
async fn figures_are_told_to_who_may_call_and_readiness_to_everyone() {
    let config = ServiceConfig { api_keys: vec![Secret::new("0123456789abcdef")], ..Default::default() };
    let stage = Cast::new(nobody).with("1", ready()).on_stage_at("0.0.0.0:5001", config);
    let ask =
        |path: &str, key: &str| Request::get(path).header("x-api-key", key).body(Body::empty()).expect("x");
    let far = "203.0.113.9:40000";
    assert_eq!(stage.ask_from(far, ask("/metrics", "")).await.status, 401);
    let answer = stage.ask_from(far, ask("/metrics", "0123456789abcdef")).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.headers["content-type"].to_str().expect("text").starts_with("application/openmetrics-text")
    );
    assert!(answer.body.contains("colmeia_sessions{state=\"ready\"} 1"), "{}", answer.body);
    let answer = stage.ask_from(far, ask("/ready", "")).await;
    let parts: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(parts["database"], "ok", "{parts}");
    assert_eq!(parts["ready"].as_bool().expect("said"), answer.status == 200);
}

#[allow(clippy::needless_pass_by_value)] // an `Acting`
fn drawn(call: Call) -> CallResult {
    assert!(matches!(call, Call::Screenshot));
    Ok((Reply::Media { mimetype: "image/png".into(), filename: None }, Bytes::from_static(b"PNG!").into()))
}

#[tokio::test]
async fn a_screenshot_is_a_picture_or_base64_and_of_someone_who_is_there() {
    let stage = Cast::new(drawn).with("1", code()).on_stage();
    let answer = stage.get("/api/screenshot?session=1").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "PNG!"));
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let request = Request::get("/api/screenshot?session=1").header("accept", "application/json");
    let answer = stage.ask(request.body(Body::empty()).expect("request")).await;
    assert_eq!(answer.body, r#"{"mimetype":"image/png","data":"UE5HIQ=="}"#);
    assert_eq!(stage.get("/api/screenshot?session=9").await.status, 404);
    for none in ["/api/screenshot", "/api/screenshot?session="] {
        assert_eq!(stage.get(none).await.status, 404, "there is no session `default`");
    }
    let answer = stage.get("/api/screenshot?session=..%2Fx").await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!((answer.status.as_u16(), &body["field"]), (400, &"session".into()));
    let stage =
        Cast::new(|_| Err(colmeia_session::CallFailure::NotReady)).with("1", view(Phase::Stopped)).on_stage();
    assert_eq!(stage.get("/api/screenshot?session=1").await.status, 422);
}

#[tokio::test]
async fn what_a_session_misses_is_shown_wherever_one_looks_and_only_where_something_is_missing() {
    let lack = |stand_in| colmeia::MissingMember {
        member: "WAWebSetArchiveChatAction.setArchive".to_owned(),
        module_absent: Some(true),
        stand_in,
        operations: vec!["archive_chat".to_owned()],
        partly: Vec::new(),
    };
    let mut view = ready();
    let report = view.report.as_mut().expect("it is ready");
    report.degraded = vec![lack(false).member];
    report.lacks = vec![lack(false)];
    let mut replaced = ready();
    replaced.report.as_mut().expect("it is ready").lacks = vec![lack(true)];
    let cast = Cast::new(nobody).with("1", view).with("2", ready()).with("3", replaced);
    let stage = cast.on_stage();

    let read =
        async |path: &str| -> Value { serde_json::from_str(&stage.get(path).await.body).expect("JSON") };
    assert_eq!(read("/status?user_id=1").await["impossible"], json!(["archive_chat"]));
    assert_eq!(read("/status?user_id=3").await.get("impossible"), None, "wa-js does it");
    let whole = read("/status?user_id=2").await;
    assert_eq!((whole.get("impossible"), whole.get("degraded")), (None, None));
    let missing = json!([{
        "member": "WAWebSetArchiveChatAction.setArchive", "byWaJs": false, "operations": ["archive_chat"],
    }]);
    assert_eq!(read("/api/sessions/1").await["missing"], missing);
    assert_eq!(read("/api/sessions/2").await.get("missing"), None);

    let shown = super::pages::page(&stage, "/sessions/1", "en").await.body;
    assert!(shown.contains("Not possible") && shown.contains("archive_chat"), "{shown}");
    let shown = super::pages::page(&stage, "/sessions/2", "en").await.body;
    assert!(!shown.contains("Not possible"), "{shown}");
}
