//! [`SessionLimits`]: what one session may take, as its own configuration says.
//!
//! Owns the names and the rules of single numbers. What holds in the end, with the service's configuration around it, is the
//! supervisor's to say.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::memory::{LEAST_MB, MOST_MB};
use super::{InvalidSettings, MemoryOverrides, MemoryPolicy};

/// No person sends faster; more is a slip of the finger.
const MOST_SENDS: u64 = 10_000;

/// What one session may take; what is absent is as the service's configuration says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SessionLimits {
    /// The soft limit of its memory in MiB: [`super::MemoryPolicy::high_mb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_high_mb: Option<u64>,
    /// The hard limit of its memory in MiB: [`super::MemoryPolicy::max_mb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_max_mb: Option<u64>,
    /// How many messages it may send in a minute, in the long run; 0 means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sends_per_minute: Option<u32>,
    /// How many messages it may send at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_burst: Option<u32>,
}

/// One of a session's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`SessionLimits::memory_high_mb`].
    MemoryHigh,
    /// [`SessionLimits::memory_max_mb`].
    MemoryMax,
    /// [`SessionLimits::sends_per_minute`].
    SendsPerMinute,
    /// [`SessionLimits::send_burst`].
    SendBurst,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MemoryHigh, Self::MemoryMax, Self::SendsPerMinute, Self::SendBurst];

    /// Its field in a session's configuration.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::MemoryHigh => "config.limits.memoryHighMb",
            Self::MemoryMax => "config.limits.memoryMaxMb",
            Self::SendsPerMinute => "config.limits.sendsPerMinute",
            Self::SendBurst => "config.limits.sendBurst",
        }
    }

    /// What it may be.
    #[must_use]
    pub fn range(self) -> RangeInclusive<u64> {
        match self {
            Self::MemoryHigh | Self::MemoryMax => LEAST_MB..=MOST_MB,
            Self::SendsPerMinute => 0..=MOST_SENDS,
            Self::SendBurst => 1..=MOST_SENDS,
        }
    }

    /// What these say.
    #[must_use]
    pub fn of(self, limits: &SessionLimits) -> Option<u64> {
        match self {
            Self::MemoryHigh => limits.memory_high_mb,
            Self::MemoryMax => limits.memory_max_mb,
            Self::SendsPerMinute => limits.sends_per_minute.map(u64::from),
            Self::SendBurst => limits.send_burst.map(u64::from),
        }
    }

    fn rule(self) -> String {
        let (least, most) = self.range().into_inner();
        match self {
            Self::MemoryHigh | Self::MemoryMax => format!("must be {least} to {most} MiB"),
            Self::SendsPerMinute => format!("must be {least} (no limit) to {most}"),
            Self::SendBurst => format!("must be {least} to {most}"),
        }
    }
}

impl SessionLimits {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Those of memory.
    #[must_use]
    pub fn memory(self) -> MemoryOverrides {
        MemoryOverrides {
            high_mb: self.memory_high_mb,
            max_mb: self.memory_max_mb,
            ..MemoryOverrides::default()
        }
    }

    /// What holds for the session's memory with these over what the service's configuration says.
    ///
    /// # Errors
    /// When they contradict each other, or what is configured for everyone.
    pub fn over(self, service: MemoryPolicy) -> Result<MemoryPolicy, InvalidSettings> {
        let policy = service.overridden(self.memory());
        if policy.max_mb >= policy.high_mb {
            return Ok(policy);
        }
        let (limit, rule) = match self.memory_max_mb {
            Some(_) => (Limit::MemoryMax, "must not be less than the soft limit that holds"),
            None => (Limit::MemoryHigh, "must not be more than the hard limit that holds"),
        };
        Err(InvalidSettings::new(limit.field(), rule))
    }

    /// Checks what can be said without the service's configuration.
    pub(super) fn validate(&self) -> Result<(), InvalidSettings> {
        let out = |limit: &Limit| limit.of(self).is_some_and(|number| !limit.range().contains(&number));
        let wrong = Limit::ALL.into_iter().find(out);
        wrong.map_or(Ok(()), |limit| Err(InvalidSettings::new(limit.field(), limit.rule())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SessionSettings;

    fn read(text: &str) -> Result<SessionSettings, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_is_absent_is_not_written_and_null_is_absent() {
        let all = r#"{"limits":{"memoryHighMb":500,"memoryMaxMb":800,"sendsPerMinute":0,"sendBurst":1}}"#;
        let settings = read(all).expect("known");
        assert_eq!(settings.validate(), Ok(()));
        assert_eq!(serde_json::to_string(&settings).expect("JSON"), all);
        for none in ["{}", r#"{"limits":null}"#, r#"{"limits":{"sendBurst":null}}"#] {
            assert_eq!(serde_json::to_string(&read(none).expect("known")).expect("JSON"), "{}", "{none}");
        }
        assert!(read(r#"{"limits":{"memoryMb":1}}"#).is_err());
    }

    #[test]
    fn limits_of_memory_fit_what_is_configured_for_everyone() {
        let with = |high, max| SessionLimits {
            memory_high_mb: high,
            memory_max_mb: max,
            ..SessionLimits::default()
        };
        let held = |limits: SessionLimits| {
            limits
                .over(MemoryPolicy::default())
                .map(|held| (held.high_mb, held.max_mb))
                .map_err(|no| no.field)
        };
        assert_eq!(held(with(None, None)), Ok((700, 1024)));
        assert_eq!(held(with(None, Some(2000))), Ok((700, 2000)));
        assert_eq!(held(with(Some(1500), Some(2000))), Ok((1500, 2000)));
        assert_eq!(held(with(None, Some(699))), Err("config.limits.memoryMaxMb".into()));
        assert_eq!(held(with(Some(1025), None)), Err("config.limits.memoryHighMb".into()));
    }

    #[test]
    fn a_number_that_makes_no_sense_names_its_field() {
        for (limits, field) in [
            (r#"{"memoryHighMb":31}"#, "config.limits.memoryHighMb"),
            (r#"{"memoryMaxMb":16777217}"#, "config.limits.memoryMaxMb"),
            (r#"{"sendsPerMinute":10001}"#, "config.limits.sendsPerMinute"),
            (r#"{"sendBurst":0}"#, "config.limits.sendBurst"),
        ] {
            let settings = read(&format!(r#"{{"limits":{limits}}}"#)).expect("known");
            assert_eq!(settings.validate().expect_err(limits).field, field);
        }
    }
}
