//! What a supervisor can ask of a session, and the answers: [`Call`], [`Reply`], [`CallError`].
//!
//! All times are in milliseconds since the epoch; all ids are strings as WhatsApp writes them
//! (`5511999998888@c.us`, `true_5511…@c.us_3EB0…`).

use serde::{Deserialize, Serialize};

use super::{ChatSummary, ContactRecord, GroupRecord, MessageRecord, OtherNames};
use crate::ChatId;
use crate::operations::{
    Effect, LinkPreview, MediaStyle, Operation, OperationResult, SNAPSHOT_SINCE, SendOptions, SentMessage,
};
use crate::passkey::Assertion;
use crate::restrictions::Restriction;

/// One operation of a session.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Call {
    /// Sends a text. Reply: [`Reply::Sent`].
    SendText {
        /// To whom.
        chat: ChatId,
        /// The text.
        text: String,
        /// A reply, mentions.
        #[serde(default, skip_serializing_if = "SendOptions::is_default")]
        options: SendOptions,
        /// The box below a link; its picture, if any, is the frame's body.
        #[serde(default, skip_serializing_if = "LinkPreview::is_none")]
        link_preview: LinkPreview,
    },
    /// Sends the frame's body as media. Reply: [`Reply::Sent`].
    SendMedia {
        /// To whom.
        chat: ChatId,
        /// `image/png`, …; decides how it is shown.
        mimetype: String,
        /// The file's name.
        filename: String,
        /// The text below it.
        caption: Option<String>,
        /// Send as a document even if it could be shown.
        #[serde(default)]
        as_document: bool,
        /// How to show it, where its type leaves that open.
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<MediaStyle>,
        /// A reply, mentions.
        #[serde(default, skip_serializing_if = "SendOptions::is_default")]
        options: SendOptions,
    },
    /// All chats, newest first. Reply: [`Reply::Chats`].
    Chats,
    /// The last messages of a chat, oldest first. Reply: [`Reply::Messages`].
    Messages {
        /// Which chat; as it came from the client.
        chat: String,
        /// How many, at most 1000.
        limit: u32,
        /// Only messages before this one (a message id).
        before: Option<String>,
    },
    /// All contacts. Reply: [`Reply::Contacts`].
    Contacts,
    /// All groups with their members. Reply: [`Reply::Groups`].
    Groups,
    /// Whether a number is on WhatsApp. Reply: [`Reply::Exists`].
    CheckExists {
        /// The number.
        chat: ChatId,
    },
    /// A message's media. Reply: [`Reply::Media`], with the bytes as the frame's body.
    DownloadMedia {
        /// The message's id.
        message: String,
        /// How many bytes are wanted at most. One that says it is larger is not fetched; an older worker does not look.
        #[serde(skip_serializing_if = "Option::is_none")]
        most: Option<u64>,
    },
    /// Marks a chat as read. Reply: [`Reply::Done`].
    MarkSeen {
        /// Which chat.
        chat: ChatId,
    },
    /// Shows "typing…" to the other side. Reply: [`Reply::Done`].
    Typing {
        /// Which chat.
        chat: ChatId,
        /// What is shown.
        state: TypingState,
    },
    /// Links by a code that the phone's owner types instead of scanning. Reply: [`Reply::PairingCode`].
    PairingCode {
        /// The phone's number, digits only.
        phone: String,
    },
    /// Hands the page what the account's owner has signed, once. Reply: [`Reply::Done`] when the page has it; what
    /// WhatsApp says to it shows in the session's state.
    PasskeyAnswer {
        /// What was signed.
        assertion: Box<Assertion>,
    },
    /// Says that phone and page show the same code. Reply: [`Reply::Done`].
    PasskeyConfirm,
    /// Goes back to a code to scan. Reply: [`Reply::Done`].
    PasskeyCancel,
    /// A picture of the page as it is drawn now, whatever it shows. Reply: [`Reply::Media`], with a PNG as the
    /// frame's body.
    Screenshot,
    /// Takes a snapshot of the registration now. Reply: [`Reply::Snapshot`] once it is whole and on disk.
    Snapshot,
    /// Logs the phone out. Reply: [`Reply::Done`] once the page says so.
    Logout,
    /// Any other operation. Reply: [`Reply::Value`]; the frame's body belongs to the operation.
    Operate {
        /// Which one.
        operation: Operation,
    },
}

impl Call {
    /// A text and nothing else.
    pub fn text(chat: ChatId, text: impl Into<String>) -> Self {
        let (options, link_preview) = (SendOptions::default(), LinkPreview::None);
        Self::SendText { chat, text: text.into(), options, link_preview }
    }

    /// The operation's name, for logs and metrics: arguments are private.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SendText { .. } => "send_text",
            Self::SendMedia { .. } => "send_media",
            Self::Chats => "chats",
            Self::Messages { .. } => "messages",
            Self::Contacts => "contacts",
            Self::Groups => "groups",
            Self::CheckExists { .. } => "check_exists",
            Self::DownloadMedia { .. } => "download_media",
            Self::MarkSeen { .. } => "mark_seen",
            Self::Typing { .. } => "typing",
            Self::PairingCode { .. } => "pairing_code",
            Self::PasskeyAnswer { .. } => "passkey_answer",
            Self::PasskeyConfirm => "passkey_confirm",
            Self::PasskeyCancel => "passkey_cancel",
            Self::Screenshot => "screenshot",
            Self::Snapshot => "snapshot",
            Self::Logout => "logout",
            Self::Operate { operation } => operation.name(),
        }
    }

    /// What it does to the world.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::SendText { .. } | Self::SendMedia { .. } => Effect::Send,
            Self::MarkSeen { .. }
            | Self::Typing { .. }
            | Self::PairingCode { .. }
            | Self::PasskeyAnswer { .. }
            | Self::PasskeyConfirm
            | Self::PasskeyCancel
            | Self::Logout => Effect::Change,
            Self::Chats
            | Self::Messages { .. }
            | Self::Contacts
            | Self::Groups
            | Self::CheckExists { .. }
            | Self::DownloadMedia { .. }
            | Self::Screenshot
            | Self::Snapshot => Effect::Read,
            Self::Operate { operation } => operation.effect(),
        }
    }

    /// Whether a failure after the page was asked leaves open if the other side has received something.
    #[must_use]
    pub fn has_effect_outside(&self) -> bool {
        self.effect() == Effect::Send
    }

    /// The least [`super::WorkerHello::operations`] of a worker that does all of this, and leaves nothing out.
    #[must_use]
    pub fn needs(&self) -> u32 {
        match self {
            Self::Operate { operation } => operation.since(),
            Self::SendText { options, link_preview, .. } => {
                u32::from(!options.is_default() || !link_preview.is_none())
            }
            Self::SendMedia { options, style, .. } => u32::from(!options.is_default() || style.is_some()),
            Self::Snapshot => SNAPSHOT_SINCE,
            _ => 0,
        }
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the other side sees while a message is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypingState {
    /// "typing…"
    Typing,
    /// "recording audio…"
    Recording,
    /// Nothing.
    Paused,
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// WhatsApp's server has the message.
    Sent(SentMessage),
    /// Chats, newest first.
    Chats {
        /// The chats.
        chats: Vec<ChatSummary>,
    },
    /// Messages, oldest first.
    Messages {
        /// The messages.
        messages: Vec<MessageRecord>,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// Contacts.
    Contacts {
        /// The contacts.
        contacts: Vec<ContactRecord>,
    },
    /// Groups.
    Groups {
        /// The groups.
        groups: Vec<GroupRecord>,
    },
    /// Whether a number is on WhatsApp.
    Exists {
        /// Its id there; `None` when it is not.
        id: Option<String>,
        /// The other name of whom it is.
        #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
        other_names: OtherNames,
    },
    /// Media; the bytes are the frame's body.
    Media {
        /// Its type, `application/octet-stream` when the page does not say.
        mimetype: String,
        /// Its name, where it has one.
        filename: Option<String>,
    },
    /// The code to type on the phone, as WhatsApp shows it (`ABCD-EFGH`).
    PairingCode {
        /// Eight letters or digits.
        code: crate::Secret,
    },
    /// A snapshot of the registration, in the user's folder of them.
    Snapshot {
        /// When it was taken, in milliseconds since the epoch: its name.
        taken_ms: u64,
        /// The version of the browser whose it is, where it is known.
        browser: Option<String>,
    },
    /// It is done.
    Done,
    /// What an operation answers; [`super::output()`] reads it.
    Value {
        /// Of the operation's own type.
        value: OperationResult,
    },
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// What kind of failure; decides the HTTP status.
    pub kind: CallErrorKind,
    /// For people, in English; carries no message text, number or secret.
    pub message: String,
    /// The disk took nothing more, so nothing was done; the kind is [`CallErrorKind::NotReady`]. Beside the kind, because
    /// who is older would understand no answer with a kind that it does not know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disk_full: bool,
    /// What the account is restricted in, where a send was refused for that: the kind is [`CallErrorKind::Refused`],
    /// which an older supervisor knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restriction: Option<Restriction>,
}

impl CallError {
    /// A failure of this kind.
    pub fn new(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), disk_full: false, restriction: None }
    }

    /// A file could not be put where it belongs: nothing was done. Whether the disk is full is said by its name.
    pub fn no_file(doing: &str, error: &std::io::Error) -> Self {
        let disk_full = crate::errors::is_disk_full(error);
        let why = if disk_full { "the disk is full".to_owned() } else { error.to_string() };
        let failure = Self::new(CallErrorKind::NotReady, format!("{doing}: {why}"));
        Self { disk_full, ..failure }
    }

    /// The same, for this restriction of the account.
    #[must_use]
    pub fn for_restriction(self, restriction: Option<Restriction>) -> Self {
        Self { restriction, ..self }
    }
}

/// The kinds of failure of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallErrorKind {
    /// The session is not ready; nothing was done.
    NotReady,
    /// An argument is wrong; nothing was done.
    InvalidArgument,
    /// The number is not on WhatsApp; nothing was done.
    NotOnWhatsapp,
    /// No such chat or message.
    NotFound,
    /// The message has no media, or WhatsApp no longer has it.
    MediaUnavailable,
    /// The page refused; nothing was sent.
    Refused,
    /// The operation is not possible with this page or account; nothing was done.
    Unsupported,
    /// WhatsApp does not allow this account to do it (it is no admin there, …); nothing was done.
    Forbidden,
    /// The answer does not fit into a frame.
    TooLarge,
    /// Something broke after the page was asked: it may or may not have happened.
    OutcomeUnknown,
}
