//! [`MessageDetails`]: what a message says beyond its text. A part of [`crate::protocol::MessageRecord`].

use serde::{Deserialize, Serialize};

use super::private;

/// What most messages do not have.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageDetails {
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<QuotedMessage>,
    /// Whom it mentions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// A place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<PlaceRecord>,
    /// Contact cards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vcards: Vec<String>,
    /// A poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll: Option<PollRecord>,
    /// The message's button or row that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Whether the user has starred it.
    #[serde(skip_serializing_if = "is_false")]
    pub starred: bool,
    /// Whether it was forwarded.
    #[serde(skip_serializing_if = "is_false")]
    pub forwarded: bool,
    /// Whether its text was changed.
    #[serde(skip_serializing_if = "is_false")]
    pub edited: bool,
    /// Whether it was sent from here, and not by the phone or another device.
    #[serde(skip_serializing_if = "is_false")]
    pub by_api: bool,
    /// Whether it can be looked at only once. What a linked device is given of such a message is a note that it came;
    /// where the page has the file too, it is a file like any other.
    #[serde(skip_serializing_if = "is_false")]
    pub view_once: bool,
    /// The advertisement through which somebody came to write it, in the page's own words: `sourceUrl`, `sourceId`,
    /// `title`, `ctwaClid`, …; texts, numbers and truth values only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<serde_json::Map<String, serde_json::Value>>,
    /// What others said to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionRecord>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The message that another one answers, as far as that one carries it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedMessage {
    /// The complete id where the page knows it, else the id within the chat.
    pub id: String,
    /// Who wrote it.
    pub participant: Option<String>,
    /// As [`crate::protocol::MessageRecord::kind`].
    pub kind: Option<String>,
    /// Its text or caption.
    #[serde(default)]
    pub body: String,
    /// Whether it has media.
    #[serde(default)]
    pub has_media: bool,
}

/// A place that somebody sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceRecord {
    /// North is positive; decimal degrees.
    pub latitude: String,
    /// East is positive; decimal degrees.
    pub longitude: String,
    /// Its name.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// A link.
    pub url: Option<String>,
    /// Whether it moves.
    #[serde(default)]
    pub live: bool,
}

/// A poll.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollRecord {
    /// The question.
    pub question: String,
    /// What can be answered.
    pub choices: Vec<String>,
    /// Whether one may give several answers.
    pub multiple: bool,
}

/// A reaction.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionRecord {
    /// Who.
    pub sender: String,
    /// The emoji.
    pub reaction: String,
}

private!(MessageDetails, QuotedMessage, PlaceRecord, PollRecord, ReactionRecord);
