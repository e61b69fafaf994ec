//! [`Entry`]: an event in the form in which it is kept, and the decision who is told of it.
//!
//! Pure: it knows messages, but neither SQL nor HTTP.

use std::sync::Arc;

use colmeia::protocol::{Event, MessageRecord};

use super::JournalError;

/// Kinds that WhatsApp keeps among the messages and that nobody wrote.
const NOTICES: &[&str] = &[
    "broadcast_notification",
    "call_log",
    "ciphertext",
    "debug",
    "e2e_notification",
    "gp2",
    "newsletter_notification",
    "notification",
    "notification_template",
    "protocol",
    "revoked",
];

/// One row to be.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What makes it the same event when it is told again.
    pub(super) key: String,
    /// `message`, `notice` or `ack`.
    pub(super) kind: &'static str,
    /// The event as JSON.
    pub(super) payload: String,
    /// Whether a receiver is told.
    pub(super) deliver: bool,
}

impl Entry {
    /// The row for an event.
    pub(super) fn of(event: &Event) -> Result<Self, JournalError> {
        let payload = serde_json::to_string(event).map_err(|error| JournalError::Encode(Arc::new(error)))?;
        let (kind, key) = match event {
            // A placeholder and the message that replaces it share an id, and are two events.
            Event::Message(message) if is_notice(message) => {
                ("notice", format!("notice:{}:{}", message.kind, message.id))
            }
            Event::Message(message) => ("message", message.id.clone()),
            Event::Ack { message, ack } => ("ack", format!("ack:{message}:{ack}")),
        };
        let deliver = matches!(event, Event::Message(message) if is_for_the_receiver(message));
        Ok(Self { key, kind, payload, deliver })
    }
}

fn is_notice(message: &MessageRecord) -> bool {
    NOTICES.contains(&message.kind.as_str())
}

/// Incoming, written by someone, and in a chat: a status update is shown to everyone and meant for no one.
fn is_for_the_receiver(message: &MessageRecord) -> bool {
    const STATUS: &str = "status@broadcast";
    !message.from_me && !is_notice(message) && message.chat != STATUS && message.from != STATUS
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    fn entry(change: impl FnOnce(&mut MessageRecord)) -> Entry {
        let mut record = message("m1", "oi");
        change(&mut record);
        Entry::of(&Event::Message(Box::new(record))).expect("plain data")
    }

    #[test]
    fn only_what_others_wrote_is_delivered() {
        assert!(entry(|_| ()).deliver);
        assert!(entry(|m| (m.kind, m.body) = ("image".into(), String::new())).deliver);
        assert!(entry(|m| m.chat = "120363@g.us".into()).deliver);
        assert!(entry(|m| m.kind = "a kind of tomorrow".into()).deliver);
        assert!(!entry(|m| m.from_me = true).deliver);
        assert!(!entry(|m| m.chat = "status@broadcast".into()).deliver);
        assert!(!entry(|m| m.from = "status@broadcast".into()).deliver);
        for kind in NOTICES {
            assert!(!entry(|m| m.kind = (*kind).into()).deliver, "{kind}");
        }
        assert!(!Entry::of(&Event::Ack { message: "m1".into(), ack: 3 }).expect("plain data").deliver);
    }

    #[test]
    fn a_placeholder_does_not_hide_the_message_that_follows() {
        assert_eq!(entry(|_| ()).key, "m1");
        assert_eq!(entry(|m| m.kind = "ciphertext".into()).key, "notice:ciphertext:m1");
        assert_eq!(Entry::of(&Event::Ack { message: "m1".into(), ack: -1 }).expect("plain").key, "ack:m1:-1");
    }
}
