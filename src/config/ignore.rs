//! [`IgnoreConfig`]: which chats are left out of all events, in WAHA's shape, as it stands in `[ignore]` of the
//! configuration and in a session's own `config.ignore`.
//!
//! Owns the names and the decision, which is pure ([`IgnoreConfig::drops`]). Where it is asked is the supervisor's
//! journal.

use serde::{Deserialize, Serialize};

use crate::protocol::Event;

/// The chat of everyone's status updates.
const STATUS: &str = "status@broadcast";

/// Which chats are left out. What is absent is as the service's configuration says, and there it is `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IgnoreConfig {
    /// Status updates (`status@broadcast`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<bool>,
    /// Groups (`…@g.us`), and what happens to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<bool>,
    /// Channels (`…@newsletter`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<bool>,
    /// Broadcast lists and status updates (`…@broadcast`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<bool>,
}

impl IgnoreConfig {
    /// This session's wishes over the service's: what a session says itself counts, `false` too.
    #[must_use]
    pub fn over(self, service: Self) -> Self {
        Self {
            status: self.status.or(service.status),
            groups: self.groups.or(service.groups),
            channels: self.channels.or(service.channels),
            broadcast: self.broadcast.or(service.broadcast),
        }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nobody is told of this event. Pure.
    #[must_use]
    pub fn drops(&self, event: &Event) -> bool {
        let says = |wish: Option<bool>| wish == Some(true);
        if let Event::Call(call) = event {
            return call.is_group && says(self.groups);
        }
        let from = match event {
            Event::Message(message) | Event::Waiting(message) => Some(message.from.as_str()),
            _ => None,
        };
        event.chat().into_iter().chain(from).any(|chat| {
            (says(self.status) && chat == STATUS)
                || (says(self.broadcast) && chat.ends_with("@broadcast"))
                || (says(self.groups) && chat.ends_with("@g.us"))
                || (says(self.channels) && chat.ends_with("@newsletter"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// One event of each kind in this chat.
    fn events(chat: &str) -> Vec<Event> {
        let id = format!("false_{chat}_3A01");
        let message = json!({"id": id, "chat": chat, "from": chat, "from_me": false, "kind": "chat", "timestamp_ms": 1});
        let with = |event: &str, more: serde_json::Value| {
            let mut whole = message.clone();
            whole["event"] = json!(event);
            whole.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            serde_json::from_value(whole).expect(event)
        };
        vec![
            with("message", json!({})),
            with("waiting", json!({"kind": "ciphertext"})),
            with("ack", json!({"message": id, "ack": 3})),
            with("group_ack", json!({"message": id, "participant": "1@c.us", "ack": 3})),
            with("edited", json!({"message": message, "at_ms": 1})),
            with("revoked", json!({"message": message})),
            with("reaction", json!({"message": id, "sender": "1@c.us", "text": "x"})),
            with("poll_vote", json!({"poll": id, "sender": "1@c.us", "options": []})),
            with("presence", json!({"participant": "1@c.us", "state": "typing", "at_ms": 1})),
        ]
    }

    #[test]
    fn each_wish_drops_every_event_of_its_chats_and_no_other() {
        let chats = ["1@c.us", "2@lid", STATUS, "5511-2@broadcast", "12036@g.us", "12036@newsletter"];
        let only = |set: fn(&mut IgnoreConfig)| {
            let mut ignore = IgnoreConfig::default();
            set(&mut ignore);
            ignore
        };
        for (ignore, dropped) in [
            (IgnoreConfig::default(), vec![]),
            (only(|i| i.status = Some(true)), vec![STATUS]),
            (only(|i| i.groups = Some(true)), vec!["12036@g.us"]),
            (only(|i| i.channels = Some(true)), vec!["12036@newsletter"]),
            (only(|i| i.broadcast = Some(true)), vec![STATUS, "5511-2@broadcast"]),
            (only(|i| i.groups = Some(false)), vec![]),
        ] {
            for chat in chats {
                for event in events(chat) {
                    assert_eq!(
                        ignore.drops(&event),
                        dropped.contains(&chat),
                        "{ignore:?}: {event:?} of {chat}"
                    );
                }
            }
        }
    }

    #[test]
    fn groups_are_ignored_with_what_happens_to_them_and_their_calls() {
        let group =
            json!({"event": "group", "id": "n", "group": "1@g.us", "change": "join", "timestamp_ms": 1});
        let call =
            json!({"event": "call", "id": "c", "state": "received", "is_group": true, "timestamp_ms": 1});
        let ignore = IgnoreConfig { groups: Some(true), ..IgnoreConfig::default() };
        for event in [group, call.clone()] {
            assert!(ignore.drops(&serde_json::from_value(event).expect("an event")));
        }
        let mut alone = call;
        alone["is_group"] = json!(false);
        assert!(!ignore.drops(&serde_json::from_value(alone).expect("a call")));
    }

    #[test]
    fn what_a_session_says_counts_over_what_the_service_says() {
        let service = IgnoreConfig { groups: Some(true), status: Some(true), ..IgnoreConfig::default() };
        let own = IgnoreConfig { groups: Some(false), channels: Some(true), ..IgnoreConfig::default() };
        let both = own.over(service);
        assert_eq!(
            (both.groups, both.status, both.channels, both.broadcast),
            (Some(false), Some(true), Some(true), None)
        );
    }
}
