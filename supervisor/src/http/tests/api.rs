//! The surface below `/api`: who may do what, what is named when something is wrong, and what a session's task is
//! asked.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use colmeia::config::ServiceConfig;
use colmeia::{Secret, SessionState};
use serde_json::{Value, json};

use super::stage::*;
use crate::store::{Actions, NewKey};
use crate::user::Phase;

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

#[tokio::test]
async fn sessions_are_listed_with_the_conventions_statuses() {
    let stage = Cast::new(nobody)
        .with("1", ready())
        .with("2", code())
        .with("3", view(Phase::Held))
        .with("4", running(SessionState::Pairing))
        .on_stage();
    let shown = json(&stage.get("/api/sessions").await);
    let statuses: Vec<_> = shown.as_array().expect("a list").iter().map(|s| s["status"].clone()).collect();
    assert_eq!(statuses, ["WORKING", "SCAN_QR_CODE", "STARTING"]);
    assert_eq!(shown[0]["me"], json!({"id": "5511999998888@c.us", "pushName": "Ana"}));
    assert_eq!(json(&stage.get("/api/sessions?all=true").await).as_array().map(Vec::len), Some(4));
    assert_eq!(json(&stage.get("/api/sessions/3").await)["status"], "STOPPED");
    let answer = stage.get("/api/sessions/nobody").await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (404, &json!("session")));
    assert_eq!(stage.cast.names(), ["1", "2", "3", "4"], "asking makes nobody");
}

#[tokio::test]
async fn a_session_is_made_with_its_configuration_and_started_once() {
    let stage = Cast::new(nobody).on_stage();
    let wish = json!({"name": "7", "start": false, "config": {"metadata": {"team": "a"}, "debug": true}});
    let answer = stage.post("/api/sessions", wish.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(json(&answer)["config"], json!({"metadata": {"team": "a"}, "debug": true}));
    assert!(stage.cast.notes().is_empty());
    assert_eq!(stage.post("/api/sessions", wish.to_string()).await.status, 422, "it exists");
    for (name, config, field) in [
        ("../x", json!({}), "name"),
        ("8", json!({"proxy": {"server": "nowhere"}}), "config.proxy.server"),
        ("8", json!({"webhooks": [{"url": "ftp://x", "events": ["message"]}]}), "config.webhooks[0].url"),
        ("8", json!({"webhooks": [{"events": ["message"]}]}), "config.webhooks[0].url"),
        ("8", json!({"debug": "yes"}), "config.debug"),
    ] {
        let answer = stage.post("/api/sessions", json!({"name": name, "config": config}).to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), &json(&answer)["field"]),
            (400, &json!(field)),
            "{}",
            answer.body
        );
    }
    stage.post("/api/sessions/7/start", "").await;
    stage.cast.noted(&["7 operate"]).await;
}

#[tokio::test]
async fn a_key_sees_and_does_what_it_names() {
    let config = ServiceConfig { api_keys: vec![Secret::new("0123456789abcdef")], ..Default::default() };
    let stage = Cast::new(nobody).with("1", ready()).with("2", ready()).on_stage_at("0.0.0.0:5001", config);
    let ask = async |key: Option<&str>, method: Method, path: &str, body: Value| {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        stage.ask_from("203.0.113.9:4000", request.body(body).expect("request")).await
    };
    let main = Some("0123456789abcdef");
    let refused = ask(None, Method::GET, "/api/sessions", Value::Null).await;
    assert_eq!((refused.status.as_u16(), &json(&refused)["statusCode"]), (401, &json!(401)));
    assert_eq!(ask(None, Method::GET, "/ping", Value::Null).await.status, 200);

    let wish = json!({"isAdmin": false, "isActive": true, "session": "1", "actions": {"read": true}});
    let made = json(&ask(main, Method::POST, "/api/keys", wish).await);
    let key = made["key"].as_str().expect("shown once");
    let seen = json(&ask(Some(key), Method::GET, "/api/sessions", Value::Null).await);
    assert_eq!(seen.as_array().map(Vec::len), Some(1));
    for (method, path) in [
        (Method::GET, "/api/sessions/2"),
        (Method::POST, "/api/sessions/1/stop"),
        (Method::DELETE, "/api/sessions/1"),
        (Method::GET, "/api/keys"),
        (Method::GET, "/api/1/auth/qr"),
    ] {
        assert_eq!(ask(Some(key), method, path, Value::Null).await.status, 403, "{path}");
    }
    assert_eq!(ask(Some(key), Method::GET, "/status?user_id=1", Value::Null).await.status, 403);
    let listed = ask(main, Method::GET, "/api/keys", Value::Null).await;
    assert!(!listed.body.contains(key) && listed.body.contains("********"), "{}", listed.body);
    let path = format!("/api/keys/{}", made["id"].as_str().expect("an id"));
    assert_eq!(ask(main, Method::DELETE, &path, Value::Null).await.status, 200);
    assert_eq!(ask(Some(key), Method::GET, "/api/sessions", Value::Null).await.status, 401);
}

#[tokio::test]
async fn secrets_of_a_configuration_are_shown_to_those_who_may_change_it() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let proxy = json!({"server": "p:1", "username": "me", "password": "hunter2"});
    let config = json!({"config": {"proxy": proxy}});
    let request = Request::put("/api/sessions/1").body(Body::from(config.to_string())).expect("request");
    assert!(stage.ask(request).await.body.contains("hunter2"));
    let actions = Actions { read: true, ..Default::default() };
    let grants =
        NewKey { name: String::new(), active: true, admin: false, sessions: BTreeSet::new(), actions };
    let (_, secret) = stage.store.add_key(None, grants).await.expect("made");
    let request = Request::get("/api/sessions/1").header("x-api-key", secret.expose());
    let seen = stage.ask(request.body(Body::empty()).expect("request")).await;
    assert_eq!(json(&seen)["config"]["proxy"], json!({"server": "p:1", "username": "me"}));
}

#[tokio::test]
async fn a_code_comes_as_picture_json_and_text() {
    let stage = Cast::new(nobody).with("1", code()).with("2", ready()).on_stage();
    let picture = stage.get("/api/1/auth/qr").await;
    assert_eq!(
        (picture.status.as_u16(), &picture.headers["content-type"]),
        (200, &"image/png".parse().expect("value"))
    );
    let request = Request::get("/api/1/auth/qr").header("accept", "application/json");
    let answer = json(&stage.ask(request.body(Body::empty()).expect("request")).await);
    assert_eq!(answer["mimetype"], "image/png");
    assert_eq!(json(&stage.get("/api/1/auth/qr?format=raw").await), json!({"value": "2@abc,def=="}));
    let answer = stage.get("/api/2/auth/qr").await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("WORKING") && answer.body.contains("SCAN_QR_CODE"), "{}", answer.body);
}

#[tokio::test]
async fn what_is_not_offered_says_so_by_name() {
    let stage = Cast::new(nobody).on_stage();
    let answer = stage.get("/api/apps").await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["operation"]), (501, &json!("apps.list")));
    let answer = stage.get("/api/1/no/such/thing/at/all").await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["statusCode"]), (404, &json!(404)));
    let request = Request::patch("/api/sessions").body(Body::empty()).expect("request");
    let answer = stage.ask(request).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["statusCode"]), (405, &json!(405)));
    let answer = stage.post("/api/sessions", "{").await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["statusCode"]), (400, &json!(400)));
}

#[tokio::test]
async fn the_document_describes_every_row_and_the_page_needs_nobody_else() {
    let stage = Cast::new(nobody).on_stage();
    let document = json(&stage.get("/openapi.json").await);
    assert_eq!(document["openapi"], "3.1.0");
    let mut seen = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for operation in methods.as_object().expect("methods").values() {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(seen.insert(id.to_owned()), "{id} stands twice");
            assert!(id.contains('.') && path.starts_with('/'));
        }
    }
    // Everything that is referred to is there.
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not described");
    }
    let page = stage.get("/docs/").await;
    assert_eq!(page.status, 200);
    for place in page.body.split(&['"', '\''][..]) {
        assert!(!place.starts_with("http") && !place.starts_with("//"), "{place}");
    }
}
