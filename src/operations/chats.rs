//! Operations on whole chats.

use serde::{Deserialize, Serialize};

use super::private;
use crate::ChatId;
use crate::protocol::ChatSummary;

/// By what a list of chats is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatOrder {
    /// When something last happened.
    #[default]
    Activity,
    /// The id.
    Id,
    /// The name.
    Name,
}

/// See [`super::Operation::ListChats`].
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListChats {
    /// Only these; empty: all.
    pub ids: Vec<String>,
    /// How many; absent: all.
    pub limit: Option<u32>,
    /// How many to leave out first.
    pub offset: u32,
    /// Sorted by what.
    pub order: ChatOrder,
    /// The smallest or oldest first.
    pub ascending: bool,
}

/// A chat as a list of chats shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatOverview {
    /// The chat.
    #[serde(flatten)]
    pub chat: ChatSummary,
    /// Its picture's address, where the page holds one.
    #[serde(default)]
    pub picture: Option<String>,
    /// Whether it is muted.
    #[serde(default)]
    pub muted: bool,
}

/// See [`super::Operation::ArchiveChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveChat {
    /// Which chat.
    pub chat: ChatId,
    /// Whether it is in the archive from now on.
    pub archived: bool,
}

/// See [`super::Operation::PinChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinChat {
    /// Which chat.
    pub chat: ChatId,
    /// Whether it is pinned from now on.
    pub pinned: bool,
}

/// See [`super::Operation::MuteChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteChat {
    /// Which chat.
    pub chat: ChatId,
    /// Until when; absent: it sounds again now.
    #[serde(default)]
    pub until_ms: Option<i64>,
}

/// See [`super::Operation::MarkUnread`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkUnread {
    /// Which chat.
    pub chat: ChatId,
}

/// See [`super::Operation::ReadChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadChat {
    /// Which chat.
    pub chat: ChatId,
}

/// The messages that were unread.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMessages {
    /// Their ids, oldest first.
    pub messages: Vec<String>,
}

/// See [`super::Operation::ClearChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearChat {
    /// Which chat.
    pub chat: ChatId,
}

/// See [`super::Operation::DeleteChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteChat {
    /// Which chat.
    pub chat: ChatId,
}

private!(
    ListChats,
    ChatOverview,
    ArchiveChat,
    PinChat,
    MuteChat,
    MarkUnread,
    ReadChat,
    ReadMessages,
    ClearChat,
    DeleteChat,
);
