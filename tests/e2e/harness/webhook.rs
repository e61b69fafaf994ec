//! Flask's webhook: takes what it is sent, can be down, and does with a message what its text says.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing};
use serde_json::Value;

use super::until;

/// A message that was answered with 200.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) at: Instant,
    /// Its `X-Colmeia-Event-Id`.
    pub(crate) event: String,
    pub(crate) message: Value,
}

#[derive(Default)]
struct Inbox {
    taken: Mutex<Vec<Taken>>,
    /// The texts of all requests, whatever was answered.
    called: Mutex<Vec<String>>,
    down: AtomicBool,
    refused: Mutex<u32>,
}

/// A receiver on a free port.
pub(crate) struct Webhook {
    pub(crate) url: String,
    inbox: Arc<Inbox>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let inbox = Arc::new(Inbox::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/webhook", listener.local_addr().expect("bound"));
        let app = Router::new()
            .route("/webhook", routing::post(take))
            .route("/webhook/", routing::post(keep))
            .with_state(Arc::clone(&inbox));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inbox }
    }

    /// What it answered 200 to, in order.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.log().into_iter().map(|taken| taken.message).collect()
    }

    /// The same, with when and as which event.
    pub(crate) fn log(&self) -> Vec<Taken> {
        self.inbox.taken.lock().expect("no panic").clone()
    }

    /// The bodies of what it took for this user, in order.
    pub(crate) fn bodies(&self, user: &str) -> Vec<String> {
        self.taken()
            .iter()
            .filter(|message| message["user_id"] == user)
            .map(|message| message["body"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The texts that it was called with, whatever it answered.
    pub(crate) fn called(&self) -> Vec<String> {
        self.inbox.called.lock().expect("no panic").clone()
    }

    /// From now on it answers 503, or no longer does.
    pub(crate) fn set_down(&self, down: bool) {
        self.inbox.down.store(down, Ordering::SeqCst);
    }

    /// How often it answered 503.
    pub(crate) fn refused(&self) -> u32 {
        *self.inbox.refused.lock().expect("no panic")
    }

    /// Waits until the user's messages are exactly these, in this order.
    pub(crate) async fn has(&self, user: &str, bodies: &[String]) {
        self.comes_to(user, bodies, Self::bodies).await;
    }

    /// The same where the service was killed: it may have died between an answer and its note of it, and then calls
    /// again with the same event's id. A receiver that must not do a thing twice keys on that.
    pub(crate) async fn has_by_id(&self, user: &str, bodies: &[String]) {
        self.comes_to(user, bodies, |webhook, user| {
            let mut seen = HashSet::new();
            let mut log = webhook.log();
            log.retain(|taken| seen.insert(taken.event.clone()) && taken.message["user_id"] == user);
            log.iter().map(|taken| taken.message["body"].as_str().unwrap_or_default().to_owned()).collect()
        })
        .await;
    }

    async fn comes_to(&self, user: &str, bodies: &[String], of: impl Fn(&Self, &str) -> Vec<String>) {
        until(&format!("user {user} has {} messages, it has {:?}", bodies.len(), of(self, user)), || async {
            let taken = of(self, user);
            assert!(taken.len() <= bodies.len(), "more than expected: {taken:?}");
            (taken == bodies).then_some(())
        })
        .await;
    }
}

/// `responde 400` is answered so, 308 with the address that has a slash; `demora` never.
async fn take(state: State<Arc<Inbox>>, headers: HeaderMap, message: Json<Value>) -> Response {
    let inbox = &state.0;
    let text = message["body"].as_str().unwrap_or_default().to_owned();
    inbox.called.lock().expect("no panic").push(text.clone());
    if inbox.down.load(Ordering::SeqCst) {
        *inbox.refused.lock().expect("no panic") += 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if text == "demora" {
        return std::future::pending().await;
    }
    match text.strip_prefix("responde ").and_then(|status| status.parse::<u16>().ok()) {
        Some(status) => {
            let status = StatusCode::from_u16(status).expect("a status");
            (status, [("location", "/webhook/")]).into_response()
        }
        None => keep(state, headers, message).await.into_response(),
    }
}

async fn keep(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, Json(message): Json<Value>) -> StatusCode {
    let event =
        headers.get("x-colmeia-event-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    inbox.taken.lock().expect("no panic").push(Taken { at: Instant::now(), event, message });
    StatusCode::OK
}
