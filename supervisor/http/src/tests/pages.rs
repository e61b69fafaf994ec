//! The pages and their event streams.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use colmeia::{ExitReason, SessionState};
use futures::StreamExt;
use tower::ServiceExt;

use super::super::access::Peer;
use super::stage::*;
use colmeia_session::Phase;

pub(super) const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

pub(super) async fn page(stage: &Stage, path: &str, language: &str) -> Answer {
    let request = Request::get(path).header("accept", BROWSER).header("accept-language", language);
    stage.ask(request.body(Body::empty()).expect("request")).await
}

/// Reads a stream of events.
pub(super) struct Events(axum::body::BodyDataStream, String);

impl Events {
    pub(super) async fn open(stage: &Stage, path: &str) -> Self {
        Self::open_with(stage, Request::get(path).body(Body::empty()).expect("request")).await
    }

    pub(super) async fn open_with(stage: &Stage, mut request: Request<Body>) -> Self {
        request.extensions_mut().insert(Peer::new("127.0.0.1:40000".parse().expect("address")));
        let response = stage.router.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self(response.into_body().into_data_stream(), String::new())
    }

    /// The next event's text; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let lines: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                let (event, rest) = (lines.join("\n"), rest.to_owned());
                self.1 = rest;
                return Some(event);
            }
            let piece = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("in time");
            self.1 += std::str::from_utf8(&piece?.expect("no error")).expect("text");
        }
    }
}

#[tokio::test]
async fn a_browser_sees_the_code_and_nothing_from_elsewhere() {
    let stage = Cast::new(nobody).with("3", code()).on_stage();
    let answer = page(&stage, "/qr?user_id=3", "pt-BR").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let policy = answer.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    for part in ["<html lang=\"pt-BR\"", "data:image/svg+xml,%3C", "Dispositivos conectados", "aria-live"] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(
        !answer.body.contains("2@abc")
            && !answer.body.contains("http://")
            && !answer.body.contains("https://")
    );
    stage.cast.noted(&["3 wake"]).await;
    let answer = page(&stage, "/qr?user_id=3", "en").await;
    assert!(answer.body.contains("Linked devices") && answer.body.contains("<html lang=\"en\""));
    for asset in ["/assets/style.css", "/assets/qr.js", "/assets/dashboard.css", "/assets/dashboard.js"] {
        let answer = stage.get(asset).await;
        assert!(answer.status == 200 && !answer.body.contains("//w"), "{asset}");
    }
    // They name WhatsApp's page, and load nothing of it.
    for asset in ["/assets/follow.js", "/assets/passkey.js", "/assets/sign.js"] {
        assert!(stage.get(asset).await.status == 200, "{asset}");
    }
}

#[tokio::test]
async fn the_page_follows_the_session_until_the_service_ends() {
    let stage = Cast::new(nobody).with("3", view(Phase::Starting)).on_stage();
    let mut events = Events::open(&stage, "/qr/events?user_id=3").await;
    let next = events.next().await.expect("event");
    assert!(next.contains(r#""kind":"wait""#) && next.contains(r#""qr":null"#), "{next}");
    stage.cast.set("3", code());
    let next = events.next().await.expect("event");
    assert!(next.contains("<svg") && !next.contains("2@abc"), "{next}");
    stage.cast.set("3", code());
    stage.cast.set("3", running(SessionState::Syncing { me: None, percent: Some(40) }));
    assert!(events.next().await.expect("event").contains(r#""percent":40"#), "the same is not told twice");
    stage.cast.set("3", ready());
    assert!(events.next().await.expect("event").contains("Conectado como Ana"));
    stage.cast.set("3", view(Phase::Parked { reason: ExitReason::Banned }));
    assert!(events.next().await.expect("event").contains(r#""retry":true"#));
    assert_eq!(stage.post("/qr/retry?user_id=3", "").await.status, 200);
    stage.cast.noted(&["3 wake", "3 wake"]).await;
    stage.shutdown.cancel();
    assert_eq!(events.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn an_open_page_counts_as_someone_who_waits() {
    let stage = Cast::new(nobody).with("3", code()).on_stage();
    let mut events = Events::open(&stage, "/qr/events?user_id=3").await;
    events.next().await.expect("event");
    let _ = tokio::time::timeout(Duration::from_secs(65), async { while events.0.next().await.is_some() {} })
        .await;
    stage.cast.noted(&["3 wake"; 4]).await;
}
