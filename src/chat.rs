//! [`ChatId`]: who a message goes to, normalised from what people type.
//!
//! Owns the rules of the Flask contract: non-digits are stripped and `@c.us` is appended, ids that already
//! carry a known server are kept. It never asks WhatsApp whether the number exists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A normalised chat id: `<digits>@c.us`, `<digits or dashes>@g.us`, `<digits>@lid` or `<digits>@newsletter`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChatId(String);

/// Why a text names no chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChatId {
    /// No digit was given.
    #[error("has no digits")]
    NoDigits,
    /// E.164 has at most 15 digits; WhatsApp's own ids have up to 25.
    #[error("has {0} digits; between 5 and 25 are expected")]
    Length(usize),
    /// A server that messages cannot be sent to.
    #[error("has to end with @c.us, @s.whatsapp.net, @g.us, @lid or @newsletter, or to be a number")]
    Server,
    /// A character that no id has before its `@`.
    #[error("may have only digits before '@'")]
    Character,
}

impl ChatId {
    /// Reads what a person or a program gave: `+55 (11) 98888-7777`, `5511…@c.us`, `…@g.us`, `…@lid`, `…@newsletter`.
    ///
    /// ```
    /// use colmeia::ChatId;
    ///
    /// let chat = ChatId::normalise("+55 (11) 98888-7777").expect("a number");
    /// assert_eq!(chat.as_str(), "5511988887777@c.us");
    /// assert!(ChatId::normalise("120363021234567890@g.us").expect("a group").is_group());
    /// assert!(ChatId::normalise("status@broadcast").is_err(), "nobody can be written to there");
    /// ```
    ///
    /// # Errors
    /// Says why the text names no chat.
    pub fn normalise(input: &str) -> Result<Self, InvalidChatId> {
        let input = input.trim();
        let (user, server) = match input.split_once('@') {
            None => (input.chars().filter(char::is_ascii_digit).collect::<String>(), "c.us"),
            Some((user, "c.us" | "s.whatsapp.net")) => (user.to_owned(), "c.us"),
            Some((user, "g.us")) => (user.to_owned(), "g.us"),
            Some((user, "lid")) => (user.to_owned(), "lid"),
            Some((user, "newsletter")) => (user.to_owned(), "newsletter"),
            Some(_) => return Err(InvalidChatId::Server),
        };
        // Old groups are named `<creator>-<time>`.
        let dash_allowed = server == "g.us";
        if user.bytes().any(|b| !(b.is_ascii_digit() || (dash_allowed && b == b'-'))) {
            return Err(InvalidChatId::Character);
        }
        match user.bytes().filter(u8::is_ascii_digit).count() {
            0 => Err(InvalidChatId::NoDigits),
            n if !(5..=40).contains(&n) || (!dash_allowed && n > 25) => Err(InvalidChatId::Length(n)),
            _ => Ok(Self(format!("{user}@{server}"))),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a channel.
    #[must_use]
    pub fn is_channel(&self) -> bool {
        self.0.ends_with("@newsletter")
    }

    /// Whether this is a group.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.0.ends_with("@g.us")
    }
}

impl TryFrom<String> for ChatId {
    type Error = InvalidChatId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::normalise(&text)
    }
}

impl From<ChatId> for String {
    fn from(id: ChatId) -> Self {
        id.0
    }
}

/// A phone number is personal data, so `Debug` keeps only the kind of chat.
impl fmt::Debug for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.0.split_once('@').map_or("", |(_, server)| server);
        write!(f, "[chat]@{server}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_type_becomes_an_id() {
        for (input, id) in [
            ("55 11 98888-7777", "5511988887777@c.us"),
            ("+55 (11) 98888-7777", "5511988887777@c.us"),
            ("5511988887777@c.us", "5511988887777@c.us"),
            ("5511988887777@s.whatsapp.net", "5511988887777@c.us"),
            ("120363021234567890@g.us", "120363021234567890@g.us"),
            ("5511988887777-1600000000@g.us", "5511988887777-1600000000@g.us"),
            ("98765432101234@lid", "98765432101234@lid"),
            ("120363021234567890@newsletter", "120363021234567890@newsletter"),
        ] {
            assert_eq!(ChatId::normalise(input).expect(input).as_str(), id);
        }
    }

    #[test]
    fn what_names_no_chat_is_refused() {
        for input in ["", "abc", "12", "x@c.us", "1;drop@c.us", "5511988887777@evil.com", "status@broadcast"]
        {
            assert!(ChatId::normalise(input).is_err(), "{input:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(input in "\\PC{0,60}") {
            if let Ok(id) = ChatId::normalise(&input) {
                prop_assert_eq!(ChatId::normalise(id.as_str()).expect("an id is an id"), id);
            }
        }
    }
}
