//! Who may call, through the whole router: every route against every way in which a foreign page can ask, and what
//! ends with a key. The same walk with a real browser is `tests/e2e/foreign.rs`.

use axum::body::Body;
use axum::http::{Method, Request};
use colmeia::Secret;
use colmeia::config::ServiceConfig;
use serde_json::json;

use crate::effect::Effect;

use super::pages::{BROWSER, Events, page};
use super::stage::*;
use crate::routes;
use colmeia_store::{Actions, NewKey};

const KEY: &str = "0123456789abcdef";
const NEAR: &str = "127.0.0.1:40000";

/// How a browser asks for another site's page.
const WAYS: [&[(&str, &str)]; 9] = [
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
    &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
    &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
    &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors"), ("origin", "http://localhost:5002")],
    &[("origin", "http://evil.example")],
    &[("origin", "null")],
    &[("referer", "http://evil.example/page")],
    // Plain HTTP, an old browser, and a page that says `no-referrer`.
    &[("user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/605.1.15")],
];

/// A path that the route takes, with what its arguments would need.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{session}" | "{user}" => "1",
        "{operation}" => "stop",
        "{tag}" => "en",
        _ if part.starts_with('{') => "5511988887777@c.us",
        _ => part,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    format!("{path}?session=1&user_id=1&name=1&phone=5511988887777&chatId=5511988887777@c.us&text=x")
}

fn asked(method: &Method, path: &str, headers: &[(&str, &str)], accept: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "localhost:5001");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let body = if *method == Method::GET || *method == Method::HEAD {
        Body::empty()
    } else {
        Body::from(json!({"session": "1", "chatId": "5511988887777@c.us", "text": "x"}).to_string())
    };
    request.header("accept", accept).body(body).expect("a request")
}

#[tokio::test]
async fn no_foreign_page_changes_anything_by_any_route() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let mut walked = 0;
    for route in routes::all().filter(|route| route.effect != Effect::None) {
        let path = filled(route.path);
        for way in WAYS {
            for accept in ["*/*", BROWSER] {
                let answer = stage.ask(asked(&route.method, &path, way, accept)).await;
                let asks_first = route.effect == Effect::Page && accept == BROWSER;
                let shown = asks_first && answer.status == 200 && answer.body.contains("/qr/retry?user_id=1");
                assert!(shown || answer.status == 403, "{} {path} {way:?}: {}", route.method, answer.status);
                walked += 1;
            }
        }
    }
    assert!(walked > 2000, "{walked}");
    assert!(stage.cast.notes().is_empty(), "{:?}", stage.cast.notes());
    assert_eq!(stage.cast.names(), ["1"]);
    assert!(stage.store.keys().is_empty() && stage.store.sessions().is_empty());
}

#[tokio::test]
async fn head_changes_nothing_by_any_route() {
    let stage = Cast::new(gone).with("1", ready()).on_stage();
    for route in routes::all() {
        let answer = stage.ask(asked(&Method::HEAD, &filled(route.path), &[], "*/*")).await;
        if route.method == Method::GET && route.effect != Effect::None {
            assert_eq!(answer.status, 405, "{} {}", route.method, route.path);
        }
        assert!(answer.body.is_empty());
    }
    let notes = stage.cast.notes();
    assert!(!notes.iter().any(|note| note.ends_with("wake") || note.contains("send")), "{notes:?}");
    assert_eq!(stage.cast.names(), ["1"]);
}

#[tokio::test]
async fn the_qr_page_from_elsewhere_starts_nothing_before_a_click() {
    let stage = Cast::new(nobody).on_stage();
    let link = WAYS[3];
    let answer = stage.ask(asked(&Method::GET, "/qr?user_id=3", link, BROWSER)).await;
    assert!(answer.status == 200 && answer.body.contains(r#"action="/qr/retry?user_id=3" method="post""#));
    assert!(stage.cast.names().is_empty(), "nothing is started");
    let click = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("origin", "http://localhost:5001"),
    ];
    let clicked = stage.ask(asked(&Method::POST, "/qr/retry?user_id=3", &click, BROWSER)).await;
    assert_eq!(
        (clicked.status.as_u16(), &clicked.headers["location"]),
        (303, &"/qr?user_id=3".parse().expect("v"))
    );
    stage.cast.noted(&["3 wake"]).await;
    let typed = [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")];
    let answer = stage.ask(asked(&Method::GET, "/qr?user_id=4", &typed, BROWSER)).await;
    assert!(answer.status == 200 && !answer.body.contains(r#"method="post""#), "{}", answer.body);
    stage.cast.noted(&["3 wake", "4 wake"]).await;
    let after_sign_in = stage.ask(asked(&Method::GET, "/qr?user_id=5&ask=1", &typed, BROWSER)).await;
    assert!(after_sign_in.body.contains("/qr/retry?user_id=5") && stage.cast.names() == ["3", "4"]);
}

fn limited(session: &str) -> NewKey {
    NewKey {
        name: String::new(),
        active: true,
        admin: false,
        sessions: [session.parse().expect("valid")].into(),
        actions: Actions { read: true, ..Actions::default() },
    }
}

#[tokio::test]
async fn once_there_is_a_key_it_is_needed_on_loopback_and_flask_notices_nothing() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    assert_eq!(stage.get("/api/sessions").await.status, 200);
    let (key, secret) = stage.store.add_key(None, limited("1")).await.expect("made");
    for path in ["/api/sessions", "/metrics", "/api/events/stream", "/sessions/1/events"] {
        assert_eq!(stage.get(path).await.status, 401, "{path}");
    }
    let dashboard = page(&stage, "/", "en").await;
    assert_eq!(
        (dashboard.status.as_u16(), &dashboard.headers["location"]),
        (303, &"/sign-in?next=/".parse().expect("v"))
    );
    assert!(page(&stage, "/sign-in", "en").await.body.contains("colmeiactl keys add --admin"));
    for path in ["/status?user_id=1", "/qr?user_id=1", "/health", "/ready", "/"] {
        assert!(stage.get(path).await.status.as_u16() != 401, "{path}");
    }
    let with = |path: &str| asked(&Method::GET, path, &[("x-api-key", secret.expose())], "*/*");
    assert_eq!(stage.ask(with("/api/sessions")).await.status, 200);
    assert_eq!(stage.ask(with("/api/keys")).await.status, 403);
    stage.store.remove_key(&key.id).await.expect("removed");
    for path in ["/api/sessions", "/api/keys", "/status?user_id=1", "/health"] {
        let answer = stage.ask(with(path)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["www-authenticate"]),
            (401, &"Bearer".parse().expect("v")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_one_without_a_key_when_there_is_one() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    let mut keyless = Events::open(&stage, "/sessions/events").await;
    assert!(keyless.next().await.is_some());
    let (key, secret) = stage.store.add_key(None, limited("1")).await.expect("made");
    while keyless.next().await.is_some() {}
    let request = || asked(&Method::GET, "/api/events/stream", &[("x-api-key", secret.expose())], "*/*");
    let mut narrowed = Events::open_with(&stage, request()).await;
    stage.store.update_key(&key.id, limited("2")).await.expect("narrowed");
    while narrowed.next().await.is_some() {}
    let mut revoked = Events::open_with(&stage, request()).await;
    stage.store.remove_key(&key.id).await.expect("removed");
    while revoked.next().await.is_some() {}
    assert_eq!(stage.ask(request()).await.status, 401);
    // Flask's are nobody's business.
    let mut qr = Events::open(&stage, "/qr/events?user_id=1").await;
    assert!(qr.next().await.is_some());
}

#[tokio::test]
async fn wrong_keys_are_answered_ten_times_and_then_told_to_wait() {
    let config = ServiceConfig { api_keys: vec![Secret::new(KEY)], ..ServiceConfig::default() };
    let stage = Cast::new(nobody).on_stage_at("0.0.0.0:5001", config);
    let with = |key: &str| asked(&Method::GET, "/api/sessions", &[("x-api-key", key)], "*/*");
    for _ in 0..10 {
        assert_eq!(stage.ask_from("203.0.113.9:4", with("not-the-key-we-know")).await.status, 401);
    }
    let late = stage.ask_from("203.0.113.9:5", with("not-the-key-we-know")).await;
    assert_eq!((late.status.as_u16(), &late.headers["retry-after"]), (429, &"6".parse().expect("v")));
    assert_eq!(stage.ask_from("203.0.113.10:4", with(KEY)).await.status, 200);
}

/// Behind a proxy on this machine that is trusted, and shows us below `/colmeia`.
fn proxied() -> Stage {
    let config = ServiceConfig {
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("network")],
        api_keys: vec![Secret::new(KEY)],
        ..ServiceConfig::default()
    };
    Cast::new(nobody).with("1", ready()).on_stage_at("127.0.0.1:5001", config)
}

const OUTSIDE: [(&str, &str); 4] = [
    ("x-forwarded-for", "203.0.113.9"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "example.com"),
    ("x-forwarded-prefix", "/colmeia"),
];

/// What a page shows only at times is in no answer of a test: so the templates themselves are read.
#[test]
fn no_template_leads_to_the_root_of_the_host() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let files =
        [page.clone(), page.join("dashboard")].map(|folder| std::fs::read_dir(folder).expect("there"));
    let files = files.into_iter().flatten().map(|file| file.expect("a file").path());
    let templates: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "html")).collect();
    assert!(templates.len() > 20, "{templates:?}");
    for template in templates {
        let text = std::fs::read_to_string(&template).expect("text");
        for start in ["action=\"/", "href=\"/", "src=\"/", "data-events=\"/", "data-file=\"/"] {
            assert!(!text.contains(start), "{}: {start}", template.display());
        }
    }
}

#[tokio::test]
async fn below_a_path_every_link_cookie_and_redirect_leads_there() {
    let stage = proxied();
    let with = |path: &str, more: &[(&str, &str)]| {
        asked(&Method::GET, path, &[&OUTSIDE[..], more].concat(), BROWSER)
    };
    let asked_for = stage.ask_from(NEAR, with("/sessions/1", &[])).await;
    assert_eq!(asked_for.headers["location"], "/colmeia/sign-in?next=/sessions/1");
    assert_eq!(stage.ask_from(NEAR, with("/docs", &[])).await.headers["location"], "/colmeia/docs/");
    let key = [("x-api-key", KEY)];
    for path in [
        "/",
        "/sessions/1",
        "/sessions/1/confirm/reset",
        "/sign-in",
        "/qr?user_id=1",
        "/qr?user_id=1&ask=1",
        "/sessions/x",
    ] {
        let answer = stage.ask_from(NEAR, with(path, &key)).await;
        for attribute in ["href=\"", "src=\"", "action=\"", "data-events=\""] {
            for (at, _) in answer.body.match_indices(attribute) {
                let value = &answer.body[at + attribute.len()..];
                let outside =
                    value.starts_with("/colmeia/") || value.starts_with('#') || value.starts_with("data:");
                assert!(outside, "{path}: {}", value.chars().take(40).collect::<String>());
            }
        }
        if let Some(cookie) = answer.headers.get("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let has = |part| cookie.split("; ").any(|found| found == part);
            assert!(has("Path=/colmeia") && has("Secure"), "{cookie}");
        }
    }
    let document = stage.ask_from(NEAR, with("/openapi.json", &[])).await;
    assert!(document.body.contains(r#""servers":[{"url":"/colmeia"}]"#));
    assert!(stage.get("/openapi.json").await.body.contains(r#""servers":[{"url":"/"}]"#));
    let language = stage.ask_from(NEAR, with("/language/en?back=/sessions/1", &[])).await;
    assert_eq!(language.headers["location"], "/colmeia/sessions/1");
    let cookie = language.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.split("; ").any(|part| part == "Path=/colmeia"), "{cookie}");
}

#[tokio::test]
async fn only_listed_origins_may_ask_from_a_browser_and_only_with_a_key() {
    let origin = "https://app.example.com";
    let config = |origins: &[&str]| ServiceConfig {
        api_keys: vec![Secret::new(KEY)],
        cors_origins: origins.iter().map(|&origin| origin.into()).collect(),
        ..ServiceConfig::default()
    };
    let preflight = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "x-api-key,content-type"),
            ("sec-fetch-site", "cross-site"),
        ];
        asked(&Method::OPTIONS, "/api/sendText", &headers, "*/*")
    };
    let from_page = |origin: &str, key: &[(&str, &str)]| {
        let headers =
            [&[("origin", origin), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], key]
                .concat();
        asked(&Method::GET, "/api/sessions", &headers, "*/*")
    };
    let stage = Cast::new(nobody).on_stage_at("127.0.0.1:5001", config(&[origin]));
    let allowed = stage.ask(preflight(origin)).await;
    assert_eq!(
        (allowed.status.as_u16(), &allowed.headers["access-control-allow-origin"]),
        (200, &origin.parse().expect("v"))
    );
    assert!(allowed.headers["access-control-allow-headers"].to_str().expect("text").contains("x-api-key"));
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"));
    let foreign = stage.ask(preflight("https://evil.example")).await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let answer = stage.ask(from_page(origin, &[("x-api-key", KEY)])).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["access-control-allow-origin"]),
        (200, &origin.parse().expect("v"))
    );
    let keyless = stage.ask(from_page(origin, &[])).await;
    assert_eq!(
        (keyless.status.as_u16(), &keyless.headers["access-control-allow-origin"]),
        (401, &origin.parse().expect("v"))
    );
    let off = Cast::new(nobody).on_stage_at("127.0.0.1:5001", config(&[]));
    for answer in [off.ask(preflight(origin)).await, off.ask(from_page(origin, &[("x-api-key", KEY)])).await]
    {
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_sessions_webhook_and_proxy_do_not_lead_to_us() {
    let stage = Cast::new(nobody).on_stage();
    for (config, field) in [
        (
            json!({"webhooks": [{"url": "http://127.0.0.1:5001/disconnect?user_id=1", "events": ["*"]}]}),
            "config.webhooks[0].url",
        ),
        (
            json!({"webhooks": [{"url": "http://[::ffff:127.0.0.1]:5001/api/keys", "events": ["*"]}]}),
            "config.webhooks[0].url",
        ),
        (json!({"proxy": {"server": "proxy.example:5001"}}), "config.proxy.server"),
    ] {
        let body = json!({"name": "7", "start": false, "config": config}).to_string();
        let answer = stage.post("/api/sessions", body).await;
        let said: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((answer.status.as_u16(), &said["field"]), (400, &json!(field)), "{}", answer.body);
    }
    assert!(stage.store.sessions().is_empty());
}
