//! Operations on who is there, and on calls.

use serde::{Deserialize, Serialize};

use super::private;
use crate::ChatId;
use crate::protocol::OtherNames;

/// See [`super::Operation::SetPresence`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPresence {
    /// Whether the account is shown as online.
    pub online: bool,
}

/// See [`super::Operation::SubscribePresence`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribePresence {
    /// Of whom.
    pub chat: ChatId,
}

/// See [`super::Operation::GetPresence`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPresence {
    /// Of whom.
    pub chat: ChatId,
}

/// See [`super::Operation::ListPresences`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListPresences {}

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
    #[serde(default)]
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

/// See [`super::Operation::RejectCall`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCall {
    /// The call's id; absent: the one that rings.
    #[serde(default)]
    pub call: Option<String>,
}

private!(
    SetPresence,
    SubscribePresence,
    GetPresence,
    ListPresences,
    PresenceRecord,
    ChatPresence,
    RejectCall,
);
