//! [`Secret`]: text that must not reach a log or an error by accident.
//!
//! Owns nothing but the redaction; it does not encrypt or wipe.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Some(Secret::new("2@abc"))), "Some([secret])");
    }
}
