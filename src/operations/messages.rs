//! Operations on messages that are there: marks, changes, searches.

use serde::{Deserialize, Serialize};

use super::{LinkPreview, MessageRef, private};
use crate::ChatId;

/// See [`super::Operation::Vote`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The poll.
    pub message: MessageRef,
    /// The choices' texts; all that were chosen before are replaced.
    pub choices: Vec<String>,
}

/// See [`super::Operation::Forward`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// To whom.
    pub chat: ChatId,
    /// What.
    pub message: MessageRef,
}

/// See [`super::Operation::React`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct React {
    /// To which message.
    pub message: MessageRef,
    /// One emoji, or nothing.
    pub reaction: String,
}

/// See [`super::Operation::EditMessage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditMessage {
    /// An own message, not older than WhatsApp allows (15 minutes).
    pub message: MessageRef,
    /// The new text, or caption.
    pub text: String,
    /// Whom it mentions.
    #[serde(default)]
    pub mentions: Vec<ChatId>,
    /// The box below a link.
    #[serde(default)]
    pub link_preview: LinkPreview,
}

/// See [`super::Operation::DeleteMessage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteMessage {
    /// Which one.
    pub message: MessageRef,
    /// For everyone, and not only here.
    pub for_everyone: bool,
}

/// See [`super::Operation::Star`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Star {
    /// Which one.
    pub message: MessageRef,
    /// Whether it has a star from now on.
    pub starred: bool,
}

/// See [`super::Operation::PinMessage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinMessage {
    /// Which one.
    pub message: MessageRef,
    /// For how long; WhatsApp knows 24 hours, 7 days and 30 days, and the next longer one is taken.
    pub seconds: u32,
}

/// See [`super::Operation::UnpinMessage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpinMessage {
    /// Which one.
    pub message: MessageRef,
}

/// See [`super::Operation::GetMessage`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetMessage {
    /// Which one.
    pub message: MessageRef,
}

/// Which messages are meant; what is absent does not matter.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageFilter {
    /// Sent at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<i64>,
    /// Sent at this time or earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Own ones, or those of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_me: Option<bool>,
    /// Of exactly this [`crate::protocol::Event::Ack`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<i32>,
}

/// See [`super::Operation::FindMessages`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindMessages {
    /// Of which chat; absent: of all chats, as far as the page holds them.
    #[serde(default)]
    pub chat: Option<String>,
    /// How many, at most 1000.
    pub limit: u32,
    /// How many to leave out first.
    #[serde(default)]
    pub offset: u32,
    /// Oldest first; else newest first, which is also how `offset` counts.
    #[serde(default)]
    pub oldest_first: bool,
    /// Which ones.
    #[serde(default)]
    pub filter: MessageFilter,
}

/// See [`super::Operation::NewMessageId`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NewMessageId {}

/// An id within a chat that no message has yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageId {
    /// `3EB0…`
    pub id: String,
}

private!(
    Vote,
    Forward,
    React,
    EditMessage,
    DeleteMessage,
    Star,
    PinMessage,
    UnpinMessage,
    GetMessage,
    MessageFilter,
    FindMessages,
    NewMessageId,
    MessageId,
);
