//! Operations on whole chats.

use serde::{Deserialize, Serialize};

use super::private;
use crate::protocol::ChatSummary;

macro_rules! chat_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Chats with their pictures, sorted and by page.
            "list_chats" #[derive(Default)] #[serde(default)] ListChats {
                /// Only these; empty: all.
                ids: Vec<String>,
                /// How many; absent: all.
                limit: Option<u32>,
                /// How many to leave out first.
                offset: u32,
                /// Sorted by what.
                order: ChatOrder,
                /// The smallest or oldest first.
                ascending: bool,
            } -> Vec<ChatOverview>: Read, Core, 1;
            /// Archives a chat or brings it back.
            "archive_chat" ArchiveChat {
                /// Which chat.
                chat: ChatId,
                /// Whether it is in the archive from now on.
                archived: bool,
            } -> Nothing: Change, Core, 1;
            /// Pins a chat or lets it go.
            "pin_chat" PinChat {
                /// Which chat.
                chat: ChatId,
                /// Whether it is pinned from now on.
                pinned: bool,
            } -> Nothing: Change, Core, 1;
            /// Mutes a chat or lets it sound again.
            "mute_chat" MuteChat {
                /// Which chat.
                chat: ChatId,
                /// Until when; absent: it sounds again now.
                until_ms: Option<i64>,
            } -> Nothing: Change, Core, 1;
            /// Marks a chat as unread.
            "mark_unread" MarkUnread {
                /// Which chat.
                chat: ChatId,
            } -> Nothing: Change, Core, 1;
            /// Marks a chat as read and says which messages that were.
            "read_chat" ReadChat {
                /// Which chat.
                chat: ChatId,
            } -> ReadMessages: Change, Core, 1;
            /// Empties a chat.
            "clear_chat" ClearChat {
                /// Which chat.
                chat: ChatId,
            } -> Nothing: Change, Core, 1;
            /// Deletes a chat.
            "delete_chat" DeleteChat {
                /// Which chat.
                chat: ChatId,
            } -> Nothing: Change, Core, 1;
        }
    };
}
pub(super) use chat_rows;

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

/// A chat as a list of chats shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatOverview {
    /// The chat.
    #[serde(flatten)]
    pub chat: ChatSummary,
    /// Its picture's address, where the page holds one.
    pub picture: Option<String>,
    /// Whether it is muted.
    #[serde(default)]
    pub muted: bool,
}

/// The messages that were unread.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMessages {
    /// Their ids, oldest first.
    pub messages: Vec<String>,
}

private!(ChatOverview, ReadMessages);
