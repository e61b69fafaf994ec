//! One POST to the receiver: its body, its headers and how it ended.
//!
//! Owns the HTTP client. Never decides whether to try again, and never writes a body or a number to a log.

use std::time::Duration;

use colmeia::UserId;
use colmeia::protocol::{Event, MessageRecord};
use reqwest::redirect;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::policy::Outcome;
use crate::journal::Pending;
use crate::logging::chain;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Tells a receiver which event this is; the same at every repetition.
const EVENT_ID: &str = "x-colmeia-event-id";

/// Posts to one address.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    client: reqwest::Client,
    url: String,
}

/// What Flask reads, and nothing else.
#[derive(Serialize)]
struct Body<'a> {
    from: &'a str,
    phone: &'a str,
    body: &'a str,
    message: &'a str,
    timestamp: i64,
    user_id: &'a str,
}

impl<'a> Body<'a> {
    fn of(user: &'a UserId, message: &'a MessageRecord) -> Self {
        Self {
            from: &message.from,
            phone: message.from.split('@').next().unwrap_or_default(),
            body: &message.body,
            message: &message.body,
            timestamp: message.timestamp_ms,
            user_id: user.as_str(),
        }
    }
}

impl Webhook {
    /// A client for this address, whose owner may take this long to answer. It follows no redirect, uses no
    /// proxy and keeps no cookie.
    pub(super) fn new(url: &str, timeout: Duration) -> reqwest::Result<Self> {
        // The first one wins; a second call changes nothing and is no error worth a word.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("colmeia/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, url: url.into() })
    }

    /// Offers the event once. `None` when it is no message that could be offered at all.
    pub(super) async fn post(&self, user: &UserId, pending: &Pending) -> Option<Outcome> {
        let Ok(Event::Message(message)) = serde_json::from_str(&pending.payload) else { return None };
        let request = self
            .client
            .post(&self.url)
            .header(EVENT_ID, event_id(user, pending))
            .json(&Body::of(user, &message));
        Some(match request.send().await {
            Ok(response) => Outcome::Answered(response.status().as_u16()),
            Err(error) => Outcome::Unreachable(reason(error)),
        })
    }
}

/// The event's name outside: it tells nothing, and stays the same even if the journal is lost and the event
/// comes again.
pub(super) fn event_id(user: &UserId, pending: &Pending) -> String {
    let digest = Sha256::new().chain_update(user.as_str()).chain_update("\n").chain_update(&pending.key);
    let hex: String = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("evt_{hex}")
}

/// The chain of causes without the address, which may carry a token.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".into();
    }
    chain(&error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::{message, user};

    fn pending(key: &str) -> Pending {
        Pending { event: 1, attempts: 0, next_ms: 0, key: key.into(), payload: String::new() }
    }

    #[test]
    fn the_body_is_the_contracts() {
        let mut record = message("m1", "oi");
        let body = |record: &MessageRecord| {
            serde_json::to_string(&Body::of(&user("2_1"), record)).expect("plain data")
        };
        assert_eq!(
            body(&record),
            r#"{"from":"5511988887777@c.us","phone":"5511988887777","body":"oi","message":"oi","timestamp":1700000000000,"user_id":"2_1"}"#
        );
        (record.from, record.body) = ("120363@g.us".into(), String::new());
        assert_eq!(
            body(&record),
            r#"{"from":"120363@g.us","phone":"120363","body":"","message":"","timestamp":1700000000000,"user_id":"2_1"}"#
        );
    }

    #[test]
    fn an_event_keeps_its_id_and_shares_it_with_no_other() {
        let id = event_id(&user("1"), &pending("m1"));
        assert_eq!(id, event_id(&user("1"), &Pending { event: 9, attempts: 4, ..pending("m1") }));
        assert_ne!(id, event_id(&user("2"), &pending("m1")));
        assert_ne!(id, event_id(&user("1"), &pending("m2")));
        assert_eq!(id.len(), 36);
    }
}
