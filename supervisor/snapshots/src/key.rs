//! [`Key`]: the one secret of a target, and what follows from it: names that tell nothing, and a key for each object.
//!
//! Owns the derivation. A key never leaves here as text.

use std::fmt;

use colmeia::{Secret, UserId};
use ring::aead::{CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use ring::hmac::{self, HMAC_SHA256, Tag};

/// The bytes of a key.
const LENGTH: usize = 32;

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key file has no key: it must hold 64 hexadecimal digits, as `colmeiactl backup --make-key` writes them"
)]
pub struct InvalidKey;

/// What a target's objects are named and sealed with.
#[derive(Clone)]
pub struct Key {
    names: hmac::Key,
    seals: hmac::Key,
    id: String,
}

impl Key {
    /// Reads what a key file holds.
    ///
    /// # Errors
    /// [`InvalidKey`], without a word of what stands there.
    pub fn read(text: &Secret) -> Result<Self, InvalidKey> {
        let bytes = hex::decode(text.expose().trim()).map_err(|_| InvalidKey)?;
        if bytes.len() != LENGTH {
            return Err(InvalidKey);
        }
        let master = hmac::Key::new(HMAC_SHA256, &bytes);
        let derived = |purpose: &str| hmac::sign(&master, purpose.as_bytes());
        let key = |purpose| hmac::Key::new(HMAC_SHA256, derived(purpose).as_ref());
        let id = hex::encode(&derived("colmeia snapshots 1: id").as_ref()[..16]);
        Ok(Self { names: key("colmeia snapshots 1: names"), seals: key("colmeia snapshots 1: seals"), id })
    }

    /// Tells one key from another, and nothing else of it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The name of the user's folder.
    pub(crate) fn user(&self, user: &UserId) -> String {
        hex::encode(&self.sign("user", &[user.as_str().as_bytes()]).as_ref()[..16])
    }

    /// The name of what has this content.
    pub(crate) fn content(&self, kind: &str, content: &[u8]) -> String {
        hex::encode(self.sign(kind, &[content]).as_ref())
    }

    /// The key of one object. The salt makes it one that no other object ever has.
    pub(crate) fn seal(&self, kind: &str, name: &str, salt: &[u8]) -> Option<LessSafeKey> {
        let derived = keyed(&self.seals, kind, &[name.as_bytes(), salt]);
        Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref()).ok()?))
    }

    fn sign(&self, kind: &str, parts: &[&[u8]]) -> Tag {
        keyed(&self.names, kind, parts)
    }
}

/// Each part with its length, so that no two lists of parts are the same text.
fn keyed(key: &hmac::Key, kind: &str, parts: &[&[u8]]) -> Tag {
    let mut context = hmac::Context::with_key(key);
    for part in std::iter::once(&kind.as_bytes()).chain(parts) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.sign()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

#[cfg(test)]
pub(crate) fn test_key(digit: char) -> Key {
    Key::read(&Secret::new(digit.to_string().repeat(2 * LENGTH))).expect("a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_are_read_and_none_is_shown() {
        for text in ["", "0123", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
            assert_eq!(Key::read(&Secret::new(text)).map(|_| ()), Err(InvalidKey), "{text}");
        }
        let key = Key::read(&Secret::new(format!("{}\n", "ab".repeat(32)))).expect("with a line's end");
        assert!(!format!("{key:?}").contains("abab"));
    }

    #[test]
    fn names_depend_on_key_kind_and_content() {
        let (one, other) = (test_key('1'), test_key('2'));
        let user: UserId = "7".parse().expect("valid");
        assert_ne!(one.user(&user), other.user(&user));
        assert_ne!(one.id(), other.id());
        assert_ne!(one.content("object", b"x"), one.content("manifest", b"x"));
        assert_ne!(one.content("object", b"x"), one.content("object", b"y"));
        assert_eq!(one.content("object", b"x"), one.content("object", b"x"));
    }
}
