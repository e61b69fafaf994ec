//! What nobody should send: each gets a clear JSON error, creates nothing and reaches no session.

use axum::body::Body;
use axum::http::{Method, Request};
use colmeia::Secret;
use colmeia::config::ServiceConfig;

use super::stage::*;

fn stage() -> Stage {
    Cast::new(nobody).with("1", ready()).on_stage()
}

fn untouched(stage: &Stage) {
    assert_eq!(stage.cast.names(), ["1"]);
    assert!(stage.cast.notes().is_empty());
}

#[tokio::test]
async fn a_bad_user_is_refused_on_every_route() {
    let stage = stage();
    let long = format!("user_id={}", "x".repeat(300));
    for query in [
        "user_id=..%2F..%2Fetc",
        "user_id[]=1",
        "user_id=1&user_id=2",
        "user_id=",
        "userId=%00",
        "user_id=%C3%A3",
        &long,
    ] {
        for path in ["/", "/qr", "/status", "/chats", "/chats/1@c.us/messages", "/media/m1", "/qr/events"] {
            let answer = stage.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, 400, "{path}?{query}");
            assert!(answer.error().contains("user_id"), "{path}?{query}: {}", answer.body);
        }
        for path in ["/send", "/disconnect", "/qr/retry"] {
            let body = r#"{"phone":"5511988887777","message":"oi"}"#;
            let answer = stage.post(&format!("{path}?{query}"), body).await;
            assert!(answer.status == 400 && answer.error().contains("user_id"), "{path}?{query}");
        }
    }
    untouched(&stage);
}

#[tokio::test]
async fn a_bad_body_is_refused_with_its_field_named() {
    let stage = stage();
    let huge = format!(r#"{{"phone":"5511988887777","message":"{}"}}"#, "x".repeat(65_537));
    let deep = format!(r#"{{"phone":{}1{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    for (body, named) in [
        ("", "phone"),
        ("{", "JSON"),
        ("not json", "JSON"),
        ("\u{feff}{}", "JSON"),
        ("[]", "JSON"),
        (r#"["1","2","3"]"#, "JSON"),
        ("null", "JSON"),
        (r#"{"phone":"1","phone":"2","message":"oi"}"#, "JSON"),
        (deep.as_str(), "JSON"),
        ("{}", "phone"),
        (r#"{"message":"oi"}"#, "phone"),
        (r#"{"phone":null,"message":"oi"}"#, "phone"),
        (r#"{"phone":"","message":"oi"}"#, "phone"),
        (r#"{"phone":5511988887777,"message":"oi"}"#, "phone"),
        (r#"{"phone":["5511988887777"],"message":"oi"}"#, "phone"),
        (r#"{"phone":"abc","message":"oi"}"#, "phone"),
        (r#"{"phone":"12","message":"oi"}"#, "phone"),
        (r#"{"phone":"x@evil.example","message":"oi"}"#, "phone"),
        (r#"{"phone":"5511988887777"}"#, "message"),
        (r#"{"phone":"5511988887777","message":""}"#, "message"),
        (r#"{"phone":"5511988887777","message":"  \n"}"#, "message"),
        (r#"{"phone":"5511988887777","message":{"a":1}}"#, "message"),
        (huge.as_str(), "message"),
        (r#"{"user_id":["1"],"phone":"5511988887777","message":"oi"}"#, "user_id"),
        (r#"{"user_id":"../1","phone":"5511988887777","message":"oi"}"#, "user_id"),
    ] {
        let path = if named == "user_id" { "/send" } else { "/send?user_id=1" };
        let answer = stage.post(path, body.to_owned()).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(answer.status, 400, "{shown}");
        assert!(answer.error().contains(named), "{shown}: {}", answer.body);
    }
    let answer = stage.post("/send?user_id=1", &b"{\"phone\":\"\xff\"}"[..]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(stage.post("/disconnect?user_id=1", "{").await.status, 400);
    untouched(&stage);
}

#[tokio::test]
async fn the_longest_message_fits_whatever_its_type_is_called() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let text = "\\u00e9".repeat(65_536);
    let body = format!(r#"{{"phone":"5511988887777","message":"{text}"}}"#);
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let request = Request::post("/send?user_id=1").header("content-type", content_type);
        let answer = stage.ask(request.body(Body::from(body.clone())).expect("request")).await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.body);
    }
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_json() {
    let stage = stage();
    for path in
        ["/nothing", "//", "/../etc/passwd", "/chats/1@c.us", "/media/", "/%2e%2e/x", "/assets/../main.rs"]
    {
        let answer = stage.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.error();
    }
    for (method, path, allow) in [
        (Method::POST, "/qr?user_id=1", "GET,HEAD"),
        (Method::GET, "/send?user_id=1", "POST"),
        (Method::DELETE, "/disconnect?user_id=1", "POST"),
        (Method::PUT, "/status", "GET,HEAD"),
        (Method::OPTIONS, "/send", "POST"),
        (Method::TRACE, "/health", "GET,HEAD"),
    ] {
        let request = Request::builder().method(method.clone()).uri(path).body(Body::empty());
        let answer = stage.ask(request.expect("request")).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.headers["allow"], allow, "{method} {path}");
        answer.error();
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    untouched(&stage);
}

#[tokio::test]
async fn an_id_in_the_path_that_can_be_none_is_not_found() {
    let stage = stage();
    let long = "x".repeat(300);
    for id in ["%FF", "%00", "a%0Ab", &long] {
        for path in [format!("/media/{id}"), format!("/chats/{id}/messages")] {
            let answer = stage.get(&format!("{path}?user_id=1")).await;
            assert_eq!(answer.status, 404, "{path}");
            answer.error();
        }
    }
    untouched(&stage);
}

#[tokio::test]
async fn strangers_get_health_and_nothing_else() {
    let key = "a-key-of-some-length";
    let config = ServiceConfig { api_keys: vec![Secret::new(key)], ..ServiceConfig::default() };
    let stage = Cast::new(nobody).with("1", ready()).on_stage_at("0.0.0.0:5001", config);
    let get = |path: &str| Request::get(path).header("host", "api.example.com");
    let stranger = "203.0.113.9:4000";
    for path in
        ["/", "/qr?user_id=1", "/status?user_id=1", "/qr/events?user_id=1", "/users/events", "/nothing"]
    {
        let answer = stage.ask_from(stranger, get(path).body(Body::empty()).expect("request")).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert!(answer.error().contains("X-Api-Key"));
    }
    let answer = stage.ask_from(stranger, get("/health").body(Body::empty()).expect("request")).await;
    assert_eq!(answer.status, 200);
    let request = get("/status?user_id=1").header("x-api-key", key).body(Body::empty());
    let answer = stage.ask_from(stranger, request.expect("request")).await;
    assert!(answer.status == 200 && answer.body.contains("\"ready\":true"), "{}", answer.body);
    untouched(&stage);
}

#[tokio::test]
async fn a_foreign_page_can_neither_send_nor_start_anything() {
    let stage = stage();
    let body = r#"{"phone":"5511988887777","message":"oi"}"#;
    let request = Request::post("/send?user_id=1").header("origin", "http://evil.example");
    let answer = stage.ask(request.body(Body::from(body)).expect("request")).await;
    assert_eq!(answer.status, 403);
    answer.error();
    let rebound = Request::get("/qr?user_id=9").header("host", "evil.example:5001");
    assert_eq!(stage.ask(rebound.body(Body::empty()).expect("request")).await.status, 403);
    let image = Request::get("/qr?user_id=9").header("sec-fetch-site", "cross-site");
    assert_eq!(stage.ask(image.body(Body::empty()).expect("request")).await.status, 403);
    untouched(&stage);
}
