//! [`Secret`]: text that must not reach a log or an error by accident.
//!
//! Owns nothing but the redaction; it does not encrypt or wipe.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// Text whose `Debug` shows nothing. It has no `Display`: reading it takes an explicit [`Secret::expose`].
///
/// QR strings are secrets: whoever scans one owns the session.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether both are the same, in a time that tells nothing about where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("0123");
        assert!(secret.matches(&Secret::new("0123")));
        for other in ["", "012", "0124", "01234"] {
            assert!(!secret.matches(&Secret::new(other)), "{other}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Some(Secret::new("2@abc"))), "Some([secret])");
    }
}
