//! [`UserId`]: the name of one user, and with it of one worker, one socket and one auth directory.
//!
//! Owns the alphabet of that name. Because the name becomes part of file names, nothing else in the
//! workspace may build a path from an unparsed string.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest user id, in bytes. The Flask contract says 64; a Unix socket's path has room for it.
pub const MAX_USER_ID: usize = 64;

/// Names that stand in the routes of the API and of the dashboard where a session's may stand, so that something of a
/// session of that name could not be reached. A test of the supervisor holds this list to its routes.
pub const RESERVED: [&str; 8] = ["apps", "events", "files", "keys", "logout", "sessions", "start", "stop"];

/// A valid user id: 1 to 64 characters of `[A-Za-z0-9_-]`, and none of [`RESERVED`].
///
/// A value of this type can stand in a file name: it has no separator, no dot and no NUL.
///
/// ```
/// use colmeia::UserId;
///
/// let user: UserId = "loja_42".parse().expect("a user id");
/// assert_eq!(user.as_str(), "loja_42");
/// assert!("../etc".parse::<UserId>().is_err());
/// assert!("sessions".parse::<UserId>().is_err(), "a word of the API's own addresses");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Box<str>);

/// Why a string is no user id. The rejected text is not repeated: it may be hostile or huge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserId {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_USER_ID`] bytes.
    #[error("has {0} bytes; at most {MAX_USER_ID} are allowed")]
    TooLong(usize),
    /// A character outside the alphabet.
    #[error("may only have letters, digits, '_' and '-' (offending character at byte {0})")]
    Character(usize),
    /// One of [`RESERVED`].
    #[error(
        "is a word of the API's own addresses, where a session of this name could not be reached; take another"
    )]
    Reserved,
}

impl UserId {
    /// The user of calls that name none: `port_<port>`. Flask's send path relies on it.
    #[must_use]
    pub fn for_port(port: u16) -> Self {
        Self(format!("port_{port}").into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = InvalidUserId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidUserId::Empty);
        }
        if text.len() > MAX_USER_ID {
            return Err(InvalidUserId::TooLong(text.len()));
        }
        match text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'-')) {
            Some(at) => Err(InvalidUserId::Character(at)),
            None if RESERVED.contains(&text) => Err(InvalidUserId::Reserved),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ids_that_flask_sends_are_valid() {
        for id in ["1", "2_1", "3", "port_5001", "a-b_C9", &"x".repeat(64)] {
            assert_eq!(id.parse::<UserId>().expect("valid").as_str(), id);
        }
        assert_eq!(UserId::for_port(5001).as_str(), "port_5001");
    }

    #[test]
    fn what_could_leave_the_folder_is_refused() {
        for id in ["", "..", "../x", "a/b", "a.b", "a b", "ã", "a\0", "%2e", "start", "keys", &"x".repeat(65)]
        {
            assert!(id.parse::<UserId>().is_err(), "{id:?} must be refused");
        }
    }

    proptest! {
        #[test]
        fn every_valid_id_is_one_plain_path_component(id in "\\PC{0,80}") {
            if let Ok(user) = id.parse::<UserId>() {
                let path = std::path::Path::new(user.as_str());
                prop_assert_eq!(path.components().count(), 1);
                prop_assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))));
            }
        }
    }
}
