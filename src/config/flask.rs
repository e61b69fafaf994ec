//! [`FlaskConfig`]: how Flask's receiver is dealt with.
//!
//! Owns the keys of `[flask]`. Its address is `webhook_url`; what follows from each answer is the supervisor's
//! delivery.

use serde::{Deserialize, Serialize};

use super::InvalidConfig;

/// How Flask's receiver is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FlaskConfig {
    /// For how many seconds an answer is waited for, once a request was sent completely. One that was and got no
    /// answer counts as handed over: it did arrive. Default 60: handlers there wait (a step of Flask's own flow editor
    /// takes 12 s) and ask language models before they answer. The same user's next message waits as long.
    pub timeout_seconds: u32,
}

/// More can only be a mistake: a user's messages would stand still that long.
const LONGEST_TIMEOUT: u32 = 600;

impl Default for FlaskConfig {
    fn default() -> Self {
        Self { timeout_seconds: 60 }
    }
}

impl FlaskConfig {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub(super) fn validate(&self) -> Result<(), InvalidConfig> {
        let key = "flask.timeout_seconds";
        match self.timeout_seconds {
            0 => Err(InvalidConfig::TooSmall { key, least: 1 }),
            1..=LONGEST_TIMEOUT => Ok(()),
            _ => Err(InvalidConfig::TooLarge { key, most: LONGEST_TIMEOUT.into() }),
        }
    }
}
