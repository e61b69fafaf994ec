//! The JSON that the bridge tells. Owns its version and its types; wire types only.

use chromiumoxide::cdp::js_protocol::runtime::EventBindingCalled;
use colmeia::Restriction;
use colmeia::protocol::{CallErrorKind, Event, MessageRecord, OtherNames};
use serde::Deserialize;

use super::pending::Took;
use crate::engine::PageView;

const VERSION: u32 = 1;

/// What the bridge says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum BridgeEvent {
    /// A new document: whatever was under way in the old one is over.
    Hello {
        document: f64,
    },
    View {
        view: PageView,
    },
    Message {
        message: Box<MessageRecord>,
    },
    Ack {
        message: String,
        ack: i32,
        #[serde(default)]
        other_names: OtherNames,
    },
    /// Something beside messages and acknowledgements, in the words of the protocol.
    Happened {
        what: Box<Event>,
    },
    /// A new document wants to know how far the one before it was heard.
    Behind {},
    /// A phone was linked to this document.
    Linked {},
    Logout {},
    /// The page lacks these members; is there a wa-js that has them?
    NeedStandIn {
        members: Vec<String>,
        /// The operation that needs it; absent when the page has changed.
        operation: Option<String>,
    },
    /// A call succeeded; `size` is how many bytes wait to be read.
    Reply {
        call: u64,
        reply: serde_json::Value,
        size: u64,
        took: Took,
    },
    /// A call failed.
    Failure {
        call: u64,
        kind: CallErrorKind,
        text: String,
        /// What the account is restricted in, where it was refused for that.
        restriction: Option<Restriction>,
    },
}

#[derive(Deserialize)]
struct Envelope {
    v: u32,
    #[serde(flatten)]
    told: BridgeEvent,
}

/// Reads what came over the binding; `None` when it is none of ours, which is logged without its content.
pub(super) fn read(event: &EventBindingCalled, binding: &str) -> Option<BridgeEvent> {
    if event.name != binding {
        return None;
    }
    match serde_json::from_str::<Envelope>(&event.payload) {
        Ok(Envelope { v: VERSION, told }) => Some(told),
        Ok(Envelope { v, .. }) => {
            tracing::warn!(version = v, "the bridge speaks another version");
            None
        }
        Err(error) => {
            tracing::warn!(
                line = error.line(),
                column = error.column(),
                "the bridge said something unreadable"
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::PagePhase;
    use chromiumoxide::cdp::js_protocol::runtime::ExecutionContextId;

    fn told(payload: &str) -> Option<BridgeEvent> {
        let event = EventBindingCalled {
            name: "b".into(),
            payload: payload.into(),
            execution_context_id: ExecutionContextId::new(1),
        };
        read(&event, "b")
    }

    #[test]
    fn the_view_is_read() {
        let text = r#"{"v":1,"type":"view","view":{"phase":"qr","qr":"2@x","me":null,"percent":null,"degraded":[],"version":null}}"#;
        let Some(BridgeEvent::View { view }) = told(text) else { panic!("a view") };
        assert_eq!(view.phase, PagePhase::Qr);
        assert!(!format!("{view:?}").contains("2@x"), "a QR string is a secret");
    }

    #[test]
    fn what_happens_beside_the_messages_is_read_in_the_words_of_the_protocol() {
        let text = r#"{"v":1,"type":"happened","what":{"event":"presence","chat":"1@c.us","participant":"1@c.us",
            "state":"typing","last_seen_ms":null,"at_ms":5}}"#;
        let Some(BridgeEvent::Happened { what }) = told(text) else { panic!("an event") };
        assert!(matches!(*what, Event::Presence(presence) if presence.at_ms == 5));
        assert!(told(r#"{"v":1,"type":"happened","what":{"event":"presence","chat":"1@c.us"}}"#).is_none());
    }

    #[test]
    fn garbage_and_other_versions_are_nothing() {
        for text in ["", "[]", "null", r#"{"v":2,"type":"hello"}"#, r#"{"v":1,"type":"nonsense"}"#] {
            assert!(told(text).is_none(), "{text}");
        }
    }
}
