//! Configuration and keys on the dashboard: what is kept, what is refused, and that no secret comes back.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use colmeia::config::{ServiceConfig, SessionLimits, SessionSettings};
use serde_json::json;
use tokio::sync::mpsc;

use super::dashboard::{form, token, visit};
use super::pages::page;
use super::stage::*;
use colmeia_events::journal::testing::user;
use colmeia_session::Phase;

const PAGE: &str = "/sessions/3/settings";

struct Visited {
    stage: Stage,
    cookie: String,
    token: String,
}

async fn visited(stage: Stage) -> Visited {
    let shown = page(&stage, PAGE, "en").await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    Visited { cookie: visit(&shown.headers), token: token(&shown.body), stage }
}

impl Visited {
    async fn post(&self, path: &str, fields: &str) -> Answer {
        self.stage.ask(form(path, &self.cookie, &format!("token={}&{fields}", self.token))).await
    }

    fn settings(&self) -> SessionSettings {
        self.stage.store.session(&user("3")).unwrap_or_default()
    }
}

/// What the page's form of a webhook carries.
fn id_on(body: &str) -> String {
    let (_, rest) = body.split_once("name=\"webhook\" value=\"").expect(body);
    rest.split('"').next().expect("a value").to_owned()
}

#[tokio::test]
async fn what_is_configured_is_kept_and_no_secret_is_shown_again() {
    let here = visited(Cast::new(nobody).with("3", ready()).on_stage()).await;
    assert_eq!(here.stage.ask(form(&format!("{PAGE}/ignore"), &here.cookie, "groups=yes")).await.status, 403);
    let answer = here
        .post(
            &format!("{PAGE}/webhook"),
            "url=https://example.com/hook%3Ftoken=hunter2&events=message,+session.status&key=hunter3",
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = here.post(&format!("{PAGE}/ignore"), "groups=yes&status=no").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let proxy = "server=http://proxy.example:3128&username=ana&password=hunter4";
    assert_eq!(here.post(&format!("{PAGE}/browser"), proxy).await.status, 200);
    here.stage.cast.noted(&["3 restart"]).await;
    let kept = here.settings();
    assert_eq!(kept.webhooks[0].events, ["message", "session.status"]);
    assert_eq!(
        (kept.ignore.groups, kept.ignore.status, kept.ignore.channels),
        (Some(true), Some(false), None)
    );
    let shown = page(&here.stage, PAGE, "en").await;
    for part in
        ["https://example.com", "message, session.status", "signed", "http://proxy.example:3128", "ana"]
    {
        assert!(shown.body.contains(part), "{part}: {}", shown.body);
    }
    assert!(!shown.body.contains("hunter"), "a secret came back: {}", shown.body);

    // The password stays when it is not typed again, and goes with its proxy.
    assert_eq!(
        here.post(&format!("{PAGE}/browser"), "server=http://proxy.example:3128&username=ana").await.status,
        200
    );
    let password = here.settings().proxy.and_then(|proxy| proxy.password).expect("kept");
    assert_eq!(password.expose(), "hunter4");
    let other = "server=http://other.example:3128&username=ana";
    assert_eq!(here.post(&format!("{PAGE}/browser"), other).await.status, 200);
    assert_eq!(
        here.settings().proxy.and_then(|proxy| proxy.password),
        None,
        "another proxy learns no password"
    );
    let answer = here.post(&format!("{PAGE}/unhook"), &format!("webhook={}", id_on(&shown.body))).await;
    assert!(answer.status == 200 && here.settings().webhooks.is_empty(), "{}", answer.body);
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_nothing_is_kept() {
    let here = visited(Cast::new(nobody).with("3", view(Phase::Held)).on_stage()).await;
    for (part, fields, words) in [
        ("webhook", "url=ftp://example.com", "has to begin with http:// or https://"),
        ("webhook", "url=http://127.0.0.1:5001/x", "cannot lead to this service itself"),
        (
            "webhook",
            "url=https://example.com&events=made.up",
            "there is an event of an unknown name; the names are session.status",
        ),
        ("browser", "server=nonsense", "write the proxy as host:port"),
        ("browser", "server=http://x.example:5001", "the port of this service"),
    ] {
        let answer = here.post(&format!("{PAGE}/{part}"), fields).await;
        assert!(
            answer.status == 400 && answer.body.contains(words),
            "{fields}: {} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(here.post(&format!("{PAGE}/fly"), "").await.status, 404);
    assert_eq!(here.post(&format!("{PAGE}/test"), "webhook=0").await.status, 404);
    assert_eq!(here.post("/sessions/9/settings/ignore", "").await.status, 404);
    assert_eq!(here.settings(), SessionSettings::default());
}

#[tokio::test]
async fn limits_are_kept_and_hold_and_what_is_wrong_stands_at_its_field() {
    let here = visited(Cast::new(sent).with("3", ready()).on_stage()).await;
    let limits = format!("{PAGE}/limits");
    let answer = here.post(&limits, "memory_high=900&memory_max=2000&per_minute=6&burst=1").await;
    assert!(answer.status == 200 && answer.body.contains("hold from now on"), "{}", answer.body);
    here.stage.cast.noted(&["3 limit_again"]).await;
    let own = SessionLimits {
        memory_high_mb: Some(900),
        memory_max_mb: Some(2000),
        sends_per_minute: Some(6),
        send_burst: Some(1),
    };
    assert_eq!(here.settings().limits, own);
    let shown = page(&here.stage, PAGE, "pt-BR").await.body;
    for part in ["limite suave 900 MiB, máximo 2000 MiB", "value=\"2000\"", "Padrão: 1024 MiB", "Padrão: 30"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // Beside its field, with what was typed still there; a script is told the field.
    for (language, words) in [("en", "the hard limit is"), ("pt-BR", "o limite máximo vai")] {
        let fields = format!("token={}&memory_max=899&memory_high=900", here.token);
        let mut request = form(&limits, &here.cookie, &fields);
        request.headers_mut().insert("accept-language", language.parse().expect("value"));
        let answer = here.stage.ask(request).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        let (_, at) =
            answer.body.split_once("<small class=\"wrong\" id=\"memory_max-wrong\">").expect(&answer.body);
        assert!(at.contains(words) && answer.body.matches("class=\"wrong\"").count() == 1, "{}", answer.body);
        assert!(answer.body.contains("value=\"899\""), "{}", answer.body);
    }
    for (fields, field) in
        [("burst=0", "burst"), ("per_minute=many", "per_minute"), ("memory_high=8", "memory_high")]
    {
        let mut request = form(&limits, &here.cookie, &format!("token={}&{fields}", here.token));
        request.headers_mut().insert("accept", "application/json".parse().expect("value"));
        let answer = here.stage.ask(request).await;
        let told: serde_json::Value = serde_json::from_str(&answer.body).expect(&answer.body);
        assert_eq!((answer.status.as_u16(), &told["field"]), (400, &json!(field)), "{}", answer.body);
    }
    assert_eq!(here.settings().limits, own, "nothing of it was kept");

    // They hold for what is sent, and an empty form takes them back.
    let text = json!({"session": "3", "chatId": "5511988887777", "text": "oi"}).to_string();
    assert_eq!(here.stage.post("/api/sendText", text.clone()).await.status, 201);
    assert_eq!(here.stage.post("/api/sendText", text.clone()).await.status, 429);
    assert_eq!(here.post(&limits, "").await.status, 200);
    assert_eq!(here.settings(), SessionSettings::default());
    assert_eq!(here.stage.post("/api/sendText", text).await.status, 201);
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_or_a_proxy_stands_at_its_field_too() {
    let here = visited(Cast::new(nobody).with("3", view(Phase::Held)).on_stage()).await;
    for (part, fields, id) in [
        ("webhook", "url=ftp://example.com/typed", "url-wrong"),
        ("webhook", "url=https://example.com/typed&events=made.up", "events-wrong"),
        ("browser", "server=typed", "server-wrong"),
        ("browser", "server=socks5://typed.example:1&username=ana", "username-wrong"),
    ] {
        let answer = here.post(&format!("{PAGE}/{part}"), fields).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body.contains(&format!("<small class=\"wrong\" id=\"{id}\">")),
            "{fields}: {}",
            answer.body
        );
        assert!(answer.body.contains("typed"), "{fields}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_webhook_is_tried_with_its_signature_and_success_is_what_it_answered() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: String| async move {
        let fine = headers.contains_key("x-webhook-hmac") && body.contains("colmeia.test");
        let _ = told.send(body);
        if fine { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST }
    };
    let app =
        Router::new().route("/fine", post(take)).route("/bad", post(|| async { StatusCode::IM_A_TEAPOT }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let here = visited(Cast::new(nobody).with("3", ready()).on_stage()).await;
    for (path, status, words) in [("fine", 200, "took the test event"), ("bad", 502, "answered 418")] {
        let fields = format!("url=http://{address}/{path}&events=message&key=k");
        assert_eq!(here.post(&format!("{PAGE}/webhook"), &fields).await.status, 200);
        let id = id_on(&page(&here.stage, PAGE, "en").await.body);
        let answer = here.post(&format!("{PAGE}/test"), &format!("webhook={id}")).await;
        assert!(answer.status == status && answer.body.contains(words), "{} {}", answer.status, answer.body);
        assert_eq!(here.post(&format!("{PAGE}/unhook"), &format!("webhook={id}")).await.status, 200);
    }
    let body = heard.recv().await.expect("heard");
    assert!(body.contains("\"session\":\"3\""), "{body}");
    assert!(heard.try_recv().is_err(), "once");
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends_when_it_is_removed() {
    let here = visited(Cast::new(nobody).with("3", ready()).on_stage()).await;
    for wrong in ["name=x", "read=yes&sessions=a.b"] {
        assert_eq!(here.post("/keys", wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(here.stage.ask(form("/keys", &here.cookie, "admin=yes")).await.status, 403);
    assert!(here.stage.store.keys().is_empty());
    let made = here.post("/keys", "name=n8n&sessions=3&read=yes&send=yes").await;
    assert_eq!(made.status, 200, "{}", made.body);
    let (_, key) = made.body.split_once("colmeia_").expect("shown");
    let key = format!("colmeia_{}", &key[..64]);
    let grants = here.stage.store.keys()[0].grants.clone();
    assert!(!grants.admin && grants.actions.read && grants.actions.send && !grants.actions.control);
    let with = |path: &str| {
        axum::http::Request::get(path)
            .header("x-api-key", &key)
            .body(axum::body::Body::empty())
            .expect("request")
    };
    assert_eq!(here.stage.ask(with("/api/sessions/3")).await.status, 200);
    assert_eq!(here.stage.ask(with("/keys")).await.status, 403, "a key with limits sees no keys");
    // From now on the page asks for a key: it is looked at as one who has signed in by another.
    let admin = here
        .stage
        .store
        .add_key(None, colmeia_store::NewKey { admin: true, ..grants })
        .await
        .expect("made")
        .1;
    let admin = |request: axum::http::Request<axum::body::Body>| {
        let mut request = request;
        request.headers_mut().insert("x-api-key", admin.expose().parse().expect("value"));
        request
    };
    let shown = here.stage.ask(admin(with("/keys"))).await;
    assert!(
        shown.status == 200 && shown.body.contains("n8n") && !shown.body.contains(&key),
        "{}",
        shown.body
    );
    let id = here.stage.store.keys()[0].id.clone();
    let remove = form("/keys/remove", &here.cookie, &format!("token={}&id={id}", here.token));
    assert_eq!(here.stage.ask(admin(remove)).await.status, 200);
    assert_eq!(here.stage.ask(with("/api/sessions/3")).await.status, 401);
}

/// A trusted network may use Flask's routes without a key, and none of these.
#[tokio::test]
async fn flasks_network_configures_nothing() {
    let config: ServiceConfig = serde_json::from_value(
        json!({"trusted_networks": ["203.0.113.0/24"], "api_keys": ["0123456789abcdef"]}),
    )
    .expect("valid");
    let stage = Cast::new(nobody).with("3", ready()).on_stage_at("0.0.0.0:5001", config);
    for path in [PAGE, "/keys", "/bulk", "/sessions/3/chats", "/sessions/3/log"] {
        let request =
            axum::http::Request::get(path).header("host", "colmeia.example").body(axum::body::Body::empty());
        let answer = stage.ask_from("203.0.113.9:40000", request.expect("request")).await;
        assert_eq!(answer.status, 401, "{path}: {}", answer.body);
    }
}
