//! [`HostId`], the name of one host of the cluster, and [`Key`], that of one record or log.
//!
//! Owns their alphabets. They become parts of subjects, so nothing that means something in one may be in them.

use std::fmt;
use std::str::FromStr;

use colmeia::UserId;
use serde::{Deserialize, Deserializer, Serialize};

/// The longest name of a host, in bytes: as for a label of the DNS.
pub const MAX_HOST_ID: usize = 63;

/// A valid name: 1 to 63 characters of `[a-z0-9-]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct HostId(Box<str>);

/// Why a text is no name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHostId {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_HOST_ID`] bytes.
    #[error("has {0} bytes; at most {MAX_HOST_ID} are allowed")]
    TooLong(usize),
    /// A character outside the alphabet.
    #[error("may only have small letters, digits and '-' (offending character at byte {0})")]
    Character(usize),
}

impl HostId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostId {
    type Err = InvalidHostId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidHostId::Empty);
        }
        if text.len() > MAX_HOST_ID {
            return Err(InvalidHostId::TooLong(text.len()));
        }
        match text.bytes().position(|b| !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')) {
            Some(at) => Err(InvalidHostId::Character(at)),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for HostId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The longest key, in bytes.
pub const MAX_KEY: usize = 160;

/// The name of a record or of a log: words of `[A-Za-z0-9_-]` with dots between them, such as `host.a` or `user.42`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key has words of letters, digits, '_' and '-' with dots between them, and at most {MAX_KEY} bytes"
)]
pub struct InvalidKey;

impl Key {
    /// That of a host's record.
    #[must_use]
    pub fn host(host: &HostId) -> Self {
        Self(format!("host.{host}").into())
    }

    /// That of a user's record.
    #[must_use]
    pub fn user(user: &UserId) -> Self {
        Self(format!("user.{user}").into())
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_valid = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_valid);
        if text.len() <= MAX_KEY && text.split('.').all(is_word) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidKey)
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_nothing_that_means_something_in_a_subject_or_a_path() {
        assert_eq!("host-1".parse::<HostId>().expect("valid").as_str(), "host-1");
        for (text, error) in [
            ("", InvalidHostId::Empty),
            ("a.b", InvalidHostId::Character(1)),
            ("a*", InvalidHostId::Character(1)),
            (">", InvalidHostId::Character(0)),
            ("../x", InvalidHostId::Character(0)),
            ("Host", InvalidHostId::Character(0)),
        ] {
            assert_eq!(text.parse::<HostId>(), Err(error), "{text}");
        }
        assert_eq!("a".repeat(64).parse::<HostId>(), Err(InvalidHostId::TooLong(64)));
        assert!(serde_json::from_str::<HostId>("\"a b\"").is_err());
    }
    #[test]
    fn a_key_has_words_and_nothing_that_matches_others() {
        let (host, user) = ("a".parse().expect("valid"), "42".parse().expect("valid"));
        for key in [Key::host(&host), Key::user(&user)] {
            assert_eq!(key.as_str().parse(), Ok(key));
        }
        for text in ["", ".", "a.", ".a", "a..b", "a b", "user.*", "user.>", "user.\n", &"a".repeat(161)] {
            assert_eq!(text.parse::<Key>(), Err(InvalidKey), "{text}");
        }
    }
}
