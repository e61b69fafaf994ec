//! What tests of events begin with, here and in the crates above.

use colmeia::UserId;
use colmeia::protocol::{Event, MessageRecord, OtherNames};

use super::{EventId, Journal, Kind, Recorded};

/// An incoming text.
pub fn message(id: &str, body: &str) -> MessageRecord {
    MessageRecord {
        id: id.into(),
        chat: "5511988887777@c.us".into(),
        from: "5511988887777@c.us".into(),
        to: None,
        author: None,
        from_me: false,
        kind: "chat".into(),
        body: body.into(),
        timestamp_ms: 1_700_000_000_000,
        ack: 0,
        has_media: false,
        mimetype: None,
        filename: None,
        sender_name: None,
        details: None,
        other_names: OtherNames::default(),
    }
}

/// It as an event.
pub fn incoming(id: &str) -> (u64, Event) {
    (1, Event::Message(Box::new(message(id, "oi"))))
}

/// A user of this name.
pub fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

/// An event as it is read; its payload is empty.
pub fn recorded(of: &str, row: i64, key: &str) -> Recorded {
    Recorded {
        id: EventId::new(1_700_000_000_000, 7, row),
        row,
        user: user(of),
        kind: Kind::Message,
        key: key.into(),
        created_ms: 1_700_000_000_000,
        me: None,
        payload: String::new(),
    }
}

/// How many deliveries of this user's events wait.
pub async fn waiting(journal: &Journal, user: &UserId) -> i64 {
    journal.count_pending().await.expect("read").get(user).copied().unwrap_or_default()
}
