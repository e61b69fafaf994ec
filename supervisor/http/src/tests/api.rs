//! The surface below `/api`: who may do what, what is named when something is wrong, and what a session's task is
//! asked.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use colmeia::config::ServiceConfig;
use colmeia::protocol::{Call, CallError, CallErrorKind};
use colmeia::{Secret, SessionState};
use serde_json::{Value, json};

use super::stage::*;
use colmeia_session::{CallFailure, CallResult, Phase};
use colmeia_store::{Actions, NewKey};

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
    stage.cast.noted(&["7 start"]).await;
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
async fn the_page_begins_with_sessions_hides_what_is_not_offered_and_its_examples_work() {
    let stage = Cast::new(sent).with("default", ready()).on_stage();
    let whole = json(&stage.get("/openapi.json").await);
    let shown = json(&stage.get("/openapi.json?offered=true").await);
    let tags: Vec<_> =
        shown["tags"].as_array().expect("tags").iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(tags[..4], ["sessions", "auth", "chatting", "chats"]);
    let operations = |document: &Value| {
        let paths = document["paths"].as_object().expect("paths").clone();
        paths.into_values().map(|methods| methods.as_object().map_or(0, serde_json::Map::len)).sum::<usize>()
    };
    assert!(operations(&shown) < operations(&whole) && !shown.to_string().contains("\"501\""), "{shown}");
    let mut tried = 0;
    for (path, methods) in shown["paths"].as_object().expect("paths") {
        let operation = &methods["post"];
        let of_chatting = operation["tags"][0] == "chatting" && !path.contains('{');
        let Some(example) = operation.pointer("/requestBody/content/application~1json/example") else {
            continue;
        };
        let fields = operation["requestBody"]["content"]["application/json"]["schema"]["properties"].clone();
        for field in example.as_object().expect("an object").keys() {
            assert!(fields.get(field).is_some(), "{path}: {field} is no field of it");
        }
        let answers_with_a_message = path.starts_with("/api/send") && path != "/api/sendSeen";
        // What is fetched from an address is none of this test's, and what this stage does not play neither.
        if !of_chatting || !answers_with_a_message || example.to_string().contains("https://example.com/v") {
            continue;
        }
        let body = example.to_string();
        let request = Request::post(path.as_str())
            .header("content-type", "application/json")
            .body(Body::from(body.clone()));
        let answer = stage.ask(request.expect("request")).await;
        assert!(
            answer.status != 400 && answer.status != 404,
            "{path} {body}: {} {}",
            answer.status,
            answer.body
        );
        tried += 1;
    }
    assert!(tried >= 8, "only {tried} were tried");
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
    for part in ["content=\"width=device-width, initial-scale=1\"", "<title>API · Colmeia</title>", "</html>"]
    {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    for place in page.body.split(&['"', '\''][..]) {
        assert!(!place.starts_with("http") && !place.starts_with("//"), "{place}");
    }
}

fn text(key: Option<&str>, text: &str) -> Request<Body> {
    let body = json!({"session": "1", "chatId": "+55 (11) 98888-7777", "text": text, "reply_to": null});
    let mut request = Request::post("/api/sendText");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.body(Body::from(body.to_string())).expect("request")
}

#[tokio::test]
async fn a_text_goes_out_and_comes_back_as_a_message() {
    fn acting(call: Call) -> CallResult {
        let Call::SendText { chat, text, .. } = &call else { panic!("{call:?}") };
        assert_eq!((chat.as_str(), text.as_str()), ("5511988887777@c.us", "oi"));
        sent(call)
    }
    let stage = Cast::new(acting).with("1", ready()).with("2", code()).on_stage();
    let answer = stage.ask(text(None, "oi")).await;
    let message = json(&answer);
    assert_eq!((answer.status.as_u16(), &message["body"]), (201, &json!("oi")));
    assert_eq!((&message["to"], &message["source"]), (&json!("5511988887777@c.us"), &json!("api")));
    for (body, status, field) in [
        (json!({"session": "1", "chatId": "ana", "text": "oi"}), 400, "chatId"),
        (json!({"session": "1", "chatId": "55119", "text": " "}), 400, "text"),
        (json!({"session": "1", "chatId": "55119"}), 400, "text"),
        (json!({"session": "9", "chatId": "55119", "text": "oi"}), 404, "session"),
        (json!({"chatId": "55119", "text": "oi"}), 404, "session"),
        (json!({"session": "../x", "chatId": "55119", "text": "oi"}), 400, "session"),
    ] {
        let answer = stage.post("/api/sendText", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (status, &json!(field)), "{body}");
    }
    let body = json!({"session": "2", "chatId": "55119", "text": "oi"});
    assert_eq!(stage.post("/api/sendText", body.to_string()).await.status, 422);
    assert_eq!(stage.cast.notes(), ["1 send_text"]);
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_nothing_is_sent_twice() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let first = stage.ask(text(Some("order-17"), "oi")).await;
    let again = stage.ask(text(Some("order-17"), "oi")).await;
    assert_eq!((first.status.as_u16(), &first.body), (again.status.as_u16(), &again.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(stage.ask(text(Some("order-17"), "outro")).await.status, 422);
    assert_eq!(stage.ask(text(Some(""), "oi")).await.status, 400);
    assert_eq!(stage.cast.notes(), ["1 send_text"]);

    // What was not done may be tried again with the same key; what may have been done may not.
    let stage = Cast::new(sent).with("1", view(Phase::Stopped)).on_stage();
    assert_eq!(stage.ask(text(Some("k"), "oi")).await.status, 422);
    stage.cast.set("1", ready());
    assert_eq!(stage.ask(text(Some("k"), "oi")).await.status, 201);
    let stage = Cast::new(gone).with("1", ready()).on_stage();
    assert_eq!(stage.ask(text(Some("k"), "oi")).await.status, 500);
    assert_eq!(stage.ask(text(Some("k"), "oi")).await.status, 500);
    assert_eq!(stage.cast.notes(), ["1 send_text"]);
}

#[tokio::test]
async fn a_key_under_way_answers_409_and_a_caller_that_hangs_up_leaves_the_answer() {
    let stage = Cast::new(sent).held().with("1", ready()).on_stage();
    tokio::select! {
        answer = stage.ask(text(Some("k"), "oi")) => panic!("answered {}", answer.status),
        () = stage.cast.noted(&["1 send_text"]) => {}
    }
    let mut answer = stage.ask(text(Some("k"), "oi")).await;
    assert_eq!(answer.status, 409);
    stage.cast.release();
    while answer.status == 409 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = stage.ask(text(Some("k"), "oi")).await;
    }
    assert_eq!(answer.status, 201);
    assert_eq!(stage.cast.notes(), ["1 send_text"]);
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_again() {
    let config = ServiceConfig { send_burst: 2, sends_per_minute: 1, ..Default::default() };
    let stage = Cast::new(sent).with("1", ready()).with("2", ready()).on_stage_at("127.0.0.1:5001", config);
    // What is refused costs nothing.
    for _ in 0..5 {
        assert_eq!(stage.ask(text(None, " ")).await.status, 400);
    }
    assert_eq!(stage.ask(text(None, "a")).await.status, 201);
    // Flask's sends count, and are not refused.
    for _ in 0..2 {
        let flask = stage.post("/send?user_id=1", r#"{"phone":"55 11 98888-7777","message":"oi"}"#).await;
        assert_eq!(flask.status, 200);
    }
    let refused = stage.ask(text(Some("k"), "b")).await;
    assert_eq!(refused.status, 429);
    let secs: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=180).contains(&secs), "{secs}");
    let other = json!({"session": "2", "chatId": "5511988887777", "text": "oi"}).to_string();
    assert_eq!(stage.post("/api/sendText", other).await.status, 201, "each session has its own");
}

#[tokio::test]
async fn a_sessions_limits_are_for_a_key_without_limits_to_change() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let actions = Actions { control: true, ..Actions::default() };
    let grants =
        NewKey { name: String::new(), active: true, admin: false, sessions: BTreeSet::new(), actions };
    let limited = stage.store.add_key(None, grants.clone()).await.expect("made").1;
    let admin = stage.store.add_key(None, NewKey { admin: true, ..grants }).await.expect("made").1;
    let put = |key: &Secret, config: Value| {
        Request::put("/api/sessions/1")
            .header("x-api-key", key.expose())
            .body(Body::from(json!({ "config": config }).to_string()))
            .expect("request")
    };
    let limits = json!({"memoryMaxMb": 2000, "sendBurst": 1});
    let answer = stage.ask(put(&limited, json!({ "limits": limits }))).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (403, &json!("config.limits")));
    let answer = stage.ask(put(&admin, json!({ "limits": limits }))).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["config"]["limits"]), (200, &limits));
    stage.cast.noted(&["1 limit_again"]).await;
    // Whoever replaces the rest leaves them, or gives them back as they are.
    for config in [json!({"debug": true}), json!({ "limits": limits })] {
        let answer = stage.ask(put(&limited, config)).await;
        assert_eq!((answer.status.as_u16(), &json(&answer)["config"]["limits"]), (200, &limits));
    }
    for (wrong, field) in [
        (json!({"memoryMaxMb": 300}), "config.limits.memoryMaxMb"),
        (json!({"memoryHighMb": 2000}), "config.limits.memoryHighMb"),
        (json!({"sendBurst": 0}), "config.limits.sendBurst"),
        (json!({"sendsPerMinute": 10_001}), "config.limits.sendsPerMinute"),
    ] {
        let answer = stage.ask(put(&admin, json!({ "limits": wrong }))).await;
        assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (400, &json!(field)));
    }
    let made = Request::post("/api/sessions").header("x-api-key", limited.expose());
    let body = json!({"name": "2", "start": false, "config": {"limits": {"sendBurst": 5}}}).to_string();
    assert_eq!(stage.ask(made.body(Body::from(body)).expect("request")).await.status, 403);
    assert_eq!(stage.ask(put(&admin, json!({}))).await.status, 200);
    assert!(stage.store.limits(&"1".parse().expect("valid")) == colmeia::config::SessionLimits::default());
}

#[tokio::test]
async fn what_was_not_sent_counts_for_nothing_by_either_way() {
    fn acting(_: Call) -> CallResult {
        Err(CallFailure::Session(CallError::new(CallErrorKind::NotOnWhatsapp, "no")))
    }
    let config = ServiceConfig { send_burst: 1, sends_per_minute: 1, ..Default::default() };
    let stage = Cast::new(acting).with("1", ready()).on_stage_at("127.0.0.1:5001", config);
    for _ in 0..3 {
        assert_eq!(stage.ask(text(None, "a")).await.status, 400);
        let flask = stage.post("/send?user_id=1", r#"{"phone":"55 11 98888-7777","message":"oi"}"#).await;
        assert_eq!(flask.status, 400);
    }
}

#[tokio::test]
async fn media_is_never_fetched_from_home() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    for url in ["http://127.0.0.1:5001/health", "http://localhost:5001/health", "http://[::ffff:10.0.0.1]/"] {
        let body = json!({"session": "1", "chatId": "5511988887777", "file": {"url": url}});
        let answer = stage.post("/api/sendImage", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (400, &json!("file.url")), "{url}");
        assert!(answer.body.contains("media_networks"), "{}", answer.body);
    }
    assert!(stage.cast.notes().is_empty());
}

#[tokio::test]
async fn a_file_may_be_large_where_one_is_taken_and_nowhere_else() {
    fn acting(call: Call) -> CallResult {
        let Call::SendMedia { mimetype, filename, caption, .. } = &call else { panic!("{call:?}") };
        assert_eq!(
            (mimetype.as_str(), filename.as_str(), caption.as_deref()),
            ("image/png", "file.png", Some("x"))
        );
        sent(call)
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let data = "A".repeat(3 * 1024 * 1024);
    let file = json!({"mimetype": "image/png", "data": data});
    let body = json!({"session": "1", "chatId": "5511988887777", "file": file, "caption": "x"}).to_string();
    assert_eq!(stage.post("/api/sendImage", body.clone()).await.status, 201);
    assert_eq!(stage.post("/api/sendText", body).await.status, 413);
}
