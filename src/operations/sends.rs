//! Operations that send a message: arguments, and what a send answers.

use serde::{Deserialize, Serialize};

use super::{MessageRef, private};
use crate::ChatId;
use crate::protocol::OtherNames;

macro_rules! send_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Sends a place on the map.
            "send_location" SendLocation {
                /// To whom.
                chat: ChatId,
                /// North is positive.
                latitude: Degrees,
                /// East is positive.
                longitude: Degrees,
                /// The place's name.
                title: Option<String>,
                /// The place's address.
                address: Option<String>,
                /// A reply, mentions.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, Core, 1;
            /// Sends one or several contact cards.
            "send_vcards" SendVcards {
                /// To whom.
                chat: ChatId,
                /// The cards, complete from `BEGIN:VCARD` to `END:VCARD`; at least one.
                vcards: Vec<String>,
                /// A reply, mentions.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, Core, 1;
            /// Sends a poll.
            "send_poll" SendPoll {
                /// To whom.
                chat: ChatId,
                /// The question.
                question: String,
                /// What can be answered; 2 to 12, all different.
                choices: Vec<String>,
                /// Whether one may give several answers.
                multiple: bool,
                /// A reply, mentions.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, Core, 1;
            /// Sends an invitation to an event.
            "send_event" SendEvent {
                /// To whom.
                chat: ChatId,
                /// What takes place.
                title: String,
                /// More about it.
                description: Option<String>,
                /// When it begins.
                start_ms: i64,
                /// When it ends.
                end_ms: Option<i64>,
                /// Where.
                location: Option<String>,
                /// Whether guests may bring guests.
                #[serde(default)]
                extra_guests: bool,
                /// A reply.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, Core, 1;
            /// Sends a text with buttons.
            "send_buttons" SendButtons {
                /// To whom.
                chat: ChatId,
                /// Above the text.
                title: Option<String>,
                /// The text.
                body: String,
                /// Below the text.
                footer: Option<String>,
                /// One to three.
                buttons: Vec<Button>,
                /// A reply.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, WaJs, 1;
            /// Sends a list to choose from.
            "send_list" SendList {
                /// To whom.
                chat: ChatId,
                /// Above the text.
                title: String,
                /// The text.
                description: Option<String>,
                /// Below the text.
                footer: Option<String>,
                /// What stands on the button that opens the list.
                button: String,
                /// The rows.
                sections: Vec<ListSection>,
                /// A reply.
                #[serde(default)]
                options: SendOptions,
            } -> SentMessage: Send, WaJs, 1;
            /// Answers a message that has buttons.
            "press_button" PressButton {
                /// The message with the buttons.
                message: MessageRef,
                /// The button's id.
                button: String,
            } -> SentMessage: Send, WaJs, 1;
        }
    };
}
pub(super) use send_rows;

/// What any send may carry besides its content.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendOptions {
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageRef>,
    /// Whom it mentions: users, or a group for everyone in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<ChatId>,
    /// The id within the chat that it shall have, from [`super::NewMessageId`]; the page makes one where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

impl SendOptions {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The box with title and picture below a link.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPreview {
    /// None.
    #[default]
    None,
    /// What WhatsApp's own server says of the first link in the text; none when it says nothing.
    Fetch,
    /// What the caller says of it. The frame's body is the picture (JPEG), if any.
    Custom {
        /// The address, which must stand in the text.
        url: String,
        /// In bold.
        title: String,
        /// Below it.
        description: String,
    },
}

impl LinkPreview {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// How media is to be shown, where its type leaves that open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaStyle {
    /// A voice message.
    Voice,
    /// A round video.
    VideoNote,
    /// A video without sound that plays by itself.
    Gif,
    /// A sticker.
    Sticker,
}

/// What a button does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ButtonAction {
    /// It answers with this id.
    Reply {
        /// Comes back with the answer.
        id: String,
    },
    /// It opens an address.
    Url {
        /// The address.
        url: String,
    },
    /// It calls a number.
    Call {
        /// The number.
        phone: String,
    },
    /// It copies a text.
    Copy {
        /// The text.
        code: String,
    },
}

/// A button.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What stands on it.
    pub text: String,
    /// What it does.
    pub action: ButtonAction,
}

/// One row of a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRow {
    /// Comes back with the answer.
    pub id: String,
    /// What stands in it.
    pub title: String,
    /// Below it.
    pub description: Option<String>,
}

/// Rows with a heading.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListSection {
    /// The heading.
    pub title: String,
    /// The rows.
    pub rows: Vec<ListRow>,
}

/// What a send answers: WhatsApp's server has the message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// Its id.
    pub message: String,
    /// When.
    pub timestamp_ms: i64,
    /// The other name of whom it was sent to.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

impl SentMessage {
    /// One of whose receiver no other name is known.
    #[must_use]
    pub fn new(message: impl Into<String>, timestamp_ms: i64) -> Self {
        Self { message: message.into(), timestamp_ms, other_names: OtherNames::default() }
    }
}

private!(SendOptions, LinkPreview, ButtonAction, Button, ListRow, ListSection, SentMessage);
