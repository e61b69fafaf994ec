//! What a session tells without being asked, and must not lose: [`Event`].

use serde::{Deserialize, Serialize};

use crate::operations::MessageDetails;

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A message, incoming or written on another of the user's devices.
    Message(Box<MessageRecord>),
    /// A sent message went further: 1 server, 2 device, 3 read, 4 played; -1 failed.
    Ack {
        /// The message's id.
        message: String,
        /// How far.
        ack: i32,
    },
}

/// One message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// `true_<chat>_<id>` or `false_<chat>_<id>`, with `_<author>` in groups.
    pub id: String,
    /// The chat it belongs to.
    pub chat: String,
    /// Who sent it: a user or, in a group, the group.
    pub from: String,
    /// To whom.
    #[serde(default)]
    pub to: Option<String>,
    /// The member of a group who wrote it.
    #[serde(default)]
    pub author: Option<String>,
    /// Whether the user itself wrote it.
    pub from_me: bool,
    /// `chat`, `image`, `video`, `ptt`, `document`, …
    pub kind: String,
    /// The text; for media its caption; empty where there is none.
    #[serde(default)]
    pub body: String,
    /// When it was sent.
    pub timestamp_ms: i64,
    /// How far it went, as in [`Event::Ack`].
    #[serde(default)]
    pub ack: i32,
    /// Whether there is media to download.
    #[serde(default)]
    pub has_media: bool,
    /// The media's type.
    #[serde(default)]
    pub mimetype: Option<String>,
    /// The media's name.
    #[serde(default)]
    pub filename: Option<String>,
    /// The sender's name as this account knows it.
    #[serde(default)]
    pub sender_name: Option<String>,
    /// What most messages do not have: a quoted message, mentions, a place, a poll, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<MessageDetails>>,
}

/// Texts and numbers are private; the kind tells enough for a log.
impl std::fmt::Debug for MessageRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({}, from_me: {})", self.kind, self.from_me)
    }
}
