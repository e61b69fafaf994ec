//! Records of what a session knows: messages, chats, contacts and groups, as answers and events carry them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::OtherNames;
use crate::operations::record::MessageDetails;

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
    pub to: Option<String>,
    /// The member of a group who wrote it.
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
    /// How far it went, as in [`super::Event::Ack`].
    #[serde(default)]
    pub ack: i32,
    /// Whether there is media to download.
    #[serde(default)]
    pub has_media: bool,
    /// The media's type.
    pub mimetype: Option<String>,
    /// The media's name.
    pub filename: Option<String>,
    /// The sender's name as this account knows it.
    pub sender_name: Option<String>,
    /// What most messages do not have: a quoted message, mentions, a place, a poll, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<MessageDetails>>,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// One chat of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSummary {
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Whether it is a group.
    pub is_group: bool,
    /// Unread messages; negative when marked as unread by hand.
    pub unread: i64,
    /// The newest message.
    pub last_message: Option<MessageRecord>,
    /// When something last happened; 0 when unknown.
    pub timestamp_ms: i64,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRecord {
    /// Its id.
    pub id: String,
    /// The name in the phone's address book.
    pub name: Option<String>,
    /// The name that the contact chose.
    pub pushname: Option<String>,
    /// Whether it is in the phone's address book.
    pub is_my_contact: bool,
    /// Whether it is blocked.
    pub is_blocked: bool,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its id.
    pub id: String,
    /// Its subject.
    pub name: Option<String>,
    /// The members' ids.
    pub participants: Vec<String>,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

impl fmt::Debug for MessageRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}, from_me: {})", self.kind, self.from_me)
    }
}
