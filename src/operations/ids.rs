//! Types of single fields: [`ChannelId`], [`MessageRef`], [`Degrees`]. Owns what is valid in each.

use serde::{Deserialize, Serialize};

/// A channel: `<digits>@newsletter`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelId(String);

/// A text names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has to be a channel's id: digits and '@newsletter'")]
pub struct InvalidChannelId;

impl ChannelId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ChannelId {
    type Error = InvalidChannelId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let user = text.strip_suffix("@newsletter").ok_or(InvalidChannelId)?;
        if !(5..=40).contains(&user.len()) || !user.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidChannelId);
        }
        Ok(Self(text))
    }
}

impl From<ChannelId> for String {
    fn from(id: ChannelId) -> Self {
        id.0
    }
}

/// A message's id, `true_<chat>_<id>` or `false_<chat>_<id>`, with `_<author>` in groups. The direction, the chat and
/// the author may be absent where the rest names one message only.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageRef(String);

/// A text names no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "has to be a message's id: 'true_' or 'false_', the chat's id, '_' and the id in the chat, or only that"
)]
pub struct InvalidMessageRef;

impl MessageRef {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The chat that it names, if it names one.
    #[must_use]
    pub fn chat(&self) -> Option<&str> {
        self.0.split('_').find(|part| part.contains('@'))
    }

    /// The same within this chat, where it names none.
    #[must_use]
    pub fn within(self, chat: &str) -> Self {
        if self.chat().is_some() { self } else { Self(format!("{chat}_{}", self.0)) }
    }
}

impl TryFrom<String> for MessageRef {
    type Error = InvalidMessageRef;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let whole = text.strip_prefix("true_").or_else(|| text.strip_prefix("false_"));
        let (chat, rest) =
            whole.unwrap_or(&text).split_once('_').map_or((None, &*text), |(c, r)| (Some(c), r));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_graphic());
        let bare = |part: &str| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let valid = match chat {
            Some(chat) => plain(&text) && chat.contains('@') && !rest.is_empty(),
            None => whole.is_none() && bare(rest),
        };
        if valid && text.len() <= 256 { Ok(Self(text)) } else { Err(InvalidMessageRef) }
    }
}

impl From<MessageRef> for String {
    fn from(id: MessageRef) -> Self {
        id.0
    }
}

/// An angle of a place, kept to a ten-millionth of a degree (about a centimetre).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Degrees(i32);

/// A number is no angle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has to be between -180 and 180 degrees")]
pub struct InvalidDegrees;

const PER_DEGREE: f64 = 1e7;

impl TryFrom<f64> for Degrees {
    type Error = InvalidDegrees;

    #[allow(clippy::cast_possible_truncation, reason = "180 degrees fit")]
    fn try_from(degrees: f64) -> Result<Self, Self::Error> {
        if degrees.is_finite() && degrees.abs() <= 180.0 {
            Ok(Self((degrees * PER_DEGREE).round() as i32))
        } else {
            Err(InvalidDegrees)
        }
    }
}

impl From<Degrees> for f64 {
    fn from(degrees: Degrees) -> Self {
        Self::from(degrees.0) / PER_DEGREE
    }
}

/// Where somebody is, is private.
impl std::fmt::Debug for Degrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Degrees")
    }
}

super::private!(ChannelId, MessageRef);
