//! A webhook's receiver: keeps what it took with its headers, refuses what it is told to, and can be away.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, routing};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::until;

/// One request that was answered 200.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) event: Value,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct Inbox {
    taken: Mutex<Vec<Taken>>,
    /// What it answers; 0 is 200.
    status: AtomicU16,
    refused: AtomicU32,
    /// Whether each answer is the last one on its connection.
    closes: AtomicBool,
}

/// A receiver on a port of its own.
pub(crate) struct Receiver {
    address: SocketAddr,
    inbox: Arc<Inbox>,
    serving: Option<JoinHandle<()>>,
}

impl Taken {
    /// The message's text.
    pub(crate) fn body(&self) -> &str {
        self.event["payload"]["body"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Whether both signatures are those of this key over the raw body.
    pub(crate) fn is_signed_with(&self, key: &str) -> bool {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let long = Hmac::<sha2::Sha512>::new_from_slice(key.as_bytes()).expect("any key");
        let short = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("any key");
        let long = hex(&long.chain_update(&self.raw).finalize().into_bytes());
        let short = hex(&short.chain_update(&self.raw).finalize().into_bytes());
        self.header("x-webhook-hmac") == long
            && self.header("x-webhook-hmac-algorithm") == "sha512"
            && self.header("x-hub-signature-256") == format!("sha256={short}")
    }
}

impl Receiver {
    /// One that has a port and does not listen.
    pub(crate) async fn away() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        Self { address, inbox: Arc::default(), serving: None }
    }

    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let mut receiver = Self { address, inbox: Arc::default(), serving: None };
        receiver.serve(listener);
        receiver
    }

    /// Listens.
    pub(crate) async fn come_back(&mut self) {
        self.serve(TcpListener::bind(self.address).await.expect("its port is still free"));
    }

    fn serve(&mut self, listener: TcpListener) {
        let app = Router::new().route("/hook", routing::post(take)).with_state(Arc::clone(&self.inbox));
        self.serving = Some(tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        }));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// From now on it answers this.
    pub(crate) fn answer(&self, status: u16) {
        self.inbox.status.store(status, Ordering::SeqCst);
    }

    /// From now on it ends each connection with its answer.
    pub(crate) fn close_each(&self) {
        self.inbox.closes.store(true, Ordering::SeqCst);
    }

    /// How often it answered something else than 200.
    pub(crate) fn refused(&self) -> u32 {
        self.inbox.refused.load(Ordering::SeqCst)
    }

    /// What it took, in order.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.inbox.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much it took.
    pub(crate) fn count(&self) -> usize {
        self.inbox.taken.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The texts of a session's messages, in order.
    pub(crate) fn bodies(&self, session: &str) -> Vec<String> {
        let of_session =
            |taken: &Taken| taken.event["session"] == session && taken.event["event"] == "message";
        self.taken().iter().filter(|taken| of_session(taken)).map(|taken| taken.body().to_owned()).collect()
    }

    /// Waits until the session's messages are exactly these, in this order.
    pub(crate) async fn has(&self, session: &str, bodies: &[&str]) {
        until(&format!("the receiver has {bodies:?}"), || async {
            let taken = self.bodies(session);
            assert!(taken.len() <= bodies.len(), "more than expected: {taken:?}");
            (taken == bodies).then_some(())
        })
        .await;
    }

    /// The same where the service was killed, which may then call again with the same event's id.
    pub(crate) async fn has_by_id(&self, session: &str, bodies: &[&str]) {
        until(&format!("the receiver has {bodies:?}"), || async {
            let mut seen = HashSet::new();
            let mut taken = self.taken();
            taken.retain(|taken| {
                taken.event["session"] == session
                    && taken.event["event"] == "message"
                    && seen.insert(taken.event["id"].to_string())
            });
            assert!(taken.len() <= bodies.len(), "more than expected: {taken:?}");
            taken.iter().map(Taken::body).eq(bodies.iter().copied()).then_some(())
        })
        .await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, raw: Bytes) -> Response {
    let close = inbox.closes.load(Ordering::SeqCst).then_some([(CONNECTION, "close")]);
    (keep(&inbox, headers, raw), close, ()).into_response()
}

fn keep(inbox: &Inbox, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let at = Instant::now();
    match inbox.status.load(Ordering::SeqCst) {
        0 | 200 => {
            let event = serde_json::from_slice(&raw).expect("JSON");
            let taken = Taken { headers, raw, event, at };
            inbox.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
            StatusCode::OK
        }
        status => {
            inbox.refused.fetch_add(1, Ordering::SeqCst);
            StatusCode::from_u16(status).expect("a status")
        }
    }
}
