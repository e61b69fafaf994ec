//! Operations on who is there, and on calls.

use serde::{Deserialize, Serialize};

use super::private;
use crate::protocol::OtherNames;

macro_rules! presence_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Shows the account as online or not.
            "set_presence" SetPresence {
                /// Whether the account is shown as online.
                online: bool,
            } -> Nothing: Change, Core, 1;
            /// Asks to be told of a chat's presence.
            "subscribe_presence" SubscribePresence {
                /// Of whom.
                chat: ChatId,
            } -> Nothing: Change, Core, 1;
            /// What is known of a chat's presence; subscribes to it.
            "get_presence" GetPresence {
                /// Of whom.
                chat: ChatId,
            } -> ChatPresence: Read, Core, 1;
            /// What is known of all presences that were subscribed to.
            "list_presences" ListPresences {} -> Vec<ChatPresence>: Read, Core, 1;
            /// Refuses an incoming call.
            "reject_call" RejectCall {
                /// The call's id; absent: the one that rings.
                call: Option<String>,
            } -> Nothing: Send, WaJs, 1;
        }
    };
}
pub(super) use presence_rows;

/// What somebody is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Not there, or not to be seen.
    Offline,
    /// There.
    Online,
    /// Writing.
    Typing,
    /// Speaking a voice message.
    Recording,
}

/// What one person is doing in a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRecord {
    /// Who.
    pub participant: String,
    /// What.
    pub state: PresenceState,
    /// When it was last there, where it may be seen.
    pub last_seen_ms: Option<i64>,
}

/// What is known of a chat's people.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPresence {
    /// The chat.
    pub chat: String,
    /// One for a user, several for a group.
    pub presences: Vec<PresenceRecord>,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

private!(PresenceRecord, ChatPresence);
