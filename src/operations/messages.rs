//! Operations on messages that are there: marks, changes, searches.

use serde::{Deserialize, Serialize};

use super::private;

macro_rules! message_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Votes in a poll; no choices take the vote back.
            "vote" Vote {
                /// The poll.
                message: MessageRef,
                /// The choices' texts; all that were chosen before are replaced.
                choices: Vec<String>,
            } -> Nothing: Send, Core, 1;
            /// Forwards a message.
            "forward" Forward {
                /// To whom.
                chat: ChatId,
                /// What.
                message: MessageRef,
            } -> SentMessage: Send, Core, 1;
            /// Reacts to a message; an empty reaction takes it back.
            "react" React {
                /// To which message.
                message: MessageRef,
                /// One emoji, or nothing.
                reaction: String,
            } -> Nothing: Send, Core, 1;
            /// Changes the text of an own message.
            "edit_message" EditMessage {
                /// An own message, not older than WhatsApp allows (15 minutes).
                message: MessageRef,
                /// The new text, or caption.
                text: String,
                /// Whom it mentions.
                #[serde(default)]
                mentions: Vec<ChatId>,
                /// The box below a link.
                #[serde(default)]
                link_preview: LinkPreview,
            } -> Nothing: Send, Core, 1;
            /// Deletes a message here or for everyone.
            "delete_message" DeleteMessage {
                /// Which one.
                message: MessageRef,
                /// For everyone, and not only here.
                for_everyone: bool,
            } -> Nothing: Send, Core, 1;
            /// Stars a message, or takes the star away.
            "star" Star {
                /// Which one.
                message: MessageRef,
                /// Whether it has a star from now on.
                starred: bool,
            } -> Nothing: Change, Core, 1;
            /// Pins a message at the top of its chat.
            "pin_message" PinMessage {
                /// Which one.
                message: MessageRef,
                /// For how long; WhatsApp knows 24 hours, 7 days and 30 days, and the next longer one is taken.
                seconds: u32,
            } -> Nothing: Send, Core, 1;
            /// Takes a pinned message down.
            "unpin_message" UnpinMessage {
                /// Which one.
                message: MessageRef,
            } -> Nothing: Send, Core, 1;
            /// One message.
            "get_message" GetMessage {
                /// Which one.
                message: MessageRef,
            } -> MessageRecord: Read, Core, 1;
            /// Messages of a chat, or of all, by time, filter and page.
            "find_messages" FindMessages {
                /// Of which chat; absent: of all chats, as far as the page holds them.
                chat: Option<String>,
                /// How many, at most 1000.
                limit: u32,
                /// How many to leave out first.
                #[serde(default)]
                offset: u32,
                /// Oldest first; else newest first, which is also how `offset` counts.
                #[serde(default)]
                oldest_first: bool,
                /// Which ones.
                #[serde(default)]
                filter: MessageFilter,
            } -> Vec<MessageRecord>: Read, Core, 1;
            /// An id that a later send may carry.
            "new_message_id" NewMessageId {} -> MessageId: Read, Core, 1;
        }
    };
}
pub(super) use message_rows;

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

/// An id within a chat that no message has yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageId {
    /// `3EB0…`
    pub id: String,
}

private!(MessageFilter, MessageId);
