//! [`EventsConfig`]: what is kept of events, with each default and the reason for it.
//!
//! Owns the keys of `[events]`. Keeps nothing itself: that is the supervisor's journal.

use serde::{Deserialize, Serialize};

use super::InvalidConfig;

/// How long events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// After how many days an event is deleted that nobody waits for, dead letters among them. Default 30: what
    /// WhatsApp or a worker tells again within this time is recognised.
    pub keep_days: u32,
    /// Above how many MiB the oldest events that nobody waits for are deleted earlier. Default 2048: some millions
    /// of messages.
    pub keep_mb: u32,
    /// After how many hours an event that could not be delivered to a webhook becomes a dead letter, however often it
    /// is to be tried. Default 72: a receiver that is down over a weekend misses nothing. Flask is waited for without
    /// end.
    pub give_up_hours: u32,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { keep_days: 30, keep_mb: 2048, give_up_hours: 72 }
    }
}

impl EventsConfig {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first key that is wrong, and why.
    pub(super) fn validate(&self) -> Result<(), InvalidConfig> {
        for (key, value) in [
            ("events.keep_days", self.keep_days),
            ("events.keep_mb", self.keep_mb),
            ("events.give_up_hours", self.give_up_hours),
        ] {
            if value == 0 {
                return Err(InvalidConfig::TooSmall { key, least: 1 });
            }
        }
        Ok(())
    }
}
