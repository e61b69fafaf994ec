//! What Flask's receiver is sent: a message, as the server did that Colmeia replaces.
//!
//! Owns the body and the event's name in the header. Pure but for the digest.

use colmeia::UserId;
use colmeia::protocol::{Event, MessageRecord};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::client::Post;
use super::context::Flask;
use crate::journal::Recorded;

/// Tells a receiver which event this is; the same at every repetition.
const EVENT_ID: HeaderName = HeaderName::from_static("x-colmeia-event-id");

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
            phone: message.other_names.phone(&message.from),
            body: &message.body,
            message: &message.body,
            timestamp: message.timestamp_ms,
            user_id: user.as_str(),
        }
    }
}

/// The request. `None` when it is no message that could be offered at all.
pub(super) fn request(flask: &Flask, event: &Recorded) -> Option<Post> {
    let Ok(Event::Message(message)) = serde_json::from_str(&event.payload) else { return None };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(EVENT_ID, HeaderValue::from_str(&event_id(event)).ok()?);
    let body = serde_json::to_vec(&Body::of(&event.user, &message)).ok()?.into();
    Some(Post { url: flask.url.clone(), headers, body, patience: flask.patience, alone: true })
}

/// The event's name for Flask: it tells nothing, and stays the same even if the journal is lost and the event
/// comes again.
fn event_id(event: &Recorded) -> String {
    let user = event.user.as_str();
    let digest = Sha256::new().chain_update(user).chain_update("\n").chain_update(&event.key);
    format!("evt_{}", hex::encode(&digest.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::protocol::OtherNames;

    use crate::journal::testing::{message, recorded, user};

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
            r#"{"from":"120363@g.us","phone":"120363@g.us","body":"","message":"","timestamp":1700000000000,"user_id":"2_1"}"#
        );
        // Where WhatsApp tells the number behind a lid it is the phone; else an answer goes to the lid itself.
        record.from = "98765432101234@lid".into();
        assert!(body(&record).contains(r#""phone":"98765432101234@lid""#));
        record.other_names = OtherNames::of([("98765432101234@lid", "5511988887777@c.us")]);
        assert!(body(&record).contains(r#""phone":"5511988887777""#));
    }

    /// The value is the first release's: a receiver that keys on it must not see an event of before an upgrade twice.
    #[test]
    fn an_event_keeps_its_name_and_shares_it_with_no_other() {
        let name = event_id(&recorded("1", 1, "m1"));
        assert_eq!(name, "evt_c100ddb02fa9bfe3c24e8573ce5f3005");
        assert_eq!(name, event_id(&recorded("1", 9, "m1")));
        assert_ne!(name, event_id(&recorded("2", 1, "m1")));
        assert_ne!(name, event_id(&recorded("1", 1, "m2")));
    }
}
