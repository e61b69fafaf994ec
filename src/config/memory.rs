//! [`MemoryPolicy`]: what one user's worker and browser may take, with each default and the reason for it.
//!
//! Owns the keys of `[memory]` and of `[users.<uid>.memory]`, and how the second overrides the first. Measures
//! nothing and enforces nothing.

use serde::{Deserialize, Serialize};

use super::InvalidConfig;

/// A number of bytes has to stay a number.
pub(super) const MOST_MB: u64 = 1 << 24;
/// The least soft limit.
pub(super) const LEAST_MB: u64 = 32;

/// The caps of each user's processes, and how they are kept. The same for everyone but for what
/// `[users.<uid>.memory]` sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryPolicy {
    /// Who keeps the caps. Default `auto`.
    pub mode: MemoryMode,
    /// The soft limit in MiB: above it the page is asked to free memory, and then the browser is replaced in a
    /// quiet moment. Default 700: WhatsApp Web's page needs 250 to 350, and a long history half as much again.
    pub high_mb: u64,
    /// The hard limit in MiB: above it the user's processes are killed. Default 1024: runaway sessions were seen
    /// at 1,000 to 2,700, and a page that is well never comes near.
    pub max_mb: u64,
    /// How much of it may lie in swap, in MiB. Default 0: a page that is fetched from the disk misses its
    /// probes, so it is better replaced than swapped. Needs `cgroup`.
    pub swap_max_mb: u64,
    /// After how many seconds in which nothing happened what a session does not touch is moved into swap. Default 0:
    /// never. Where swap is compressed memory (zram, zswap) an idle session of the real page's weight keeps about a
    /// third of its memory, and half of what went out is saved. Needs `cgroup`, Linux 5.19 and `swap_max_mb`.
    pub reclaim_after_secs: u64,
    /// The most processes and threads. Default 512: a browser has about 120. Needs `cgroup`.
    pub pids_max: u64,
    /// The share of the processor when there is too little for all, 1 to 10000. Default 100, the kernel's own:
    /// every user has the same. Needs `cgroup`.
    pub cpu_weight: u64,
    /// How often each user's memory is measured, in milliseconds. Default 2000: a page that leaks 100 MiB a
    /// second overshoots by 200.
    pub poll_ms: u64,
    /// After how many seconds above the soft limit the browser is replaced. Default 30: what the page could
    /// free, it has freed by then.
    pub recycle_after_secs: u64,
    /// How much of the machine's memory is set aside for each worker when the next one asks to start, in MiB;
    /// 0 means `max_mb`, so that all of them may reach their caps at once. Default 0. A smaller number starts
    /// more sessions than could all run wild at the same time.
    pub admit_mb: u64,
}

/// The least number of seconds until an idle session's memory may be moved.
const RECLAIM_LEAST: u64 = 20;

/// Who keeps the caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryMode {
    /// `cgroup` where systemd has delegated a control group, else `polling`.
    Auto,
    /// The kernel, with a control group for each user. An error where that is not possible.
    Cgroup,
    /// The supervisor, by adding up what the user's processes take.
    Polling,
    /// Nobody.
    Off,
}

/// What is set for one user alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserConfig {
    /// Other caps.
    pub memory: MemoryOverrides,
}

/// The keys of [`MemoryPolicy`] that may differ for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryOverrides {
    /// See [`MemoryPolicy::high_mb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_mb: Option<u64>,
    /// See [`MemoryPolicy::max_mb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mb: Option<u64>,
    /// See [`MemoryPolicy::swap_max_mb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swap_max_mb: Option<u64>,
    /// See [`MemoryPolicy::pids_max`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_max: Option<u64>,
    /// See [`MemoryPolicy::cpu_weight`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_weight: Option<u64>,
}

/// A user's own limits that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongLimit {
    /// No object.
    #[error("the body must be a JSON object with some of high_mb, max_mb, swap_max_mb, pids_max, cpu_weight")]
    NoObject,
    /// A field that means nothing.
    #[error("{0}: there is no such limit; there are high_mb, max_mb, swap_max_mb, pids_max, cpu_weight")]
    Unknown(String),
    /// A field with something else in it.
    #[error("{0}: must be a whole number, or null for the configuration's")]
    NoNumber(String),
}

impl MemoryOverrides {
    /// Reads them from JSON such as `{"max_mb": 2000}`.
    ///
    /// # Errors
    /// [`WrongLimit`] names the field.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, WrongLimit> {
        let mut own = Self::default();
        for (field, value) in value.as_object().ok_or(WrongLimit::NoObject)? {
            let place = match field.as_str() {
                "high_mb" => &mut own.high_mb,
                "max_mb" => &mut own.max_mb,
                "swap_max_mb" => &mut own.swap_max_mb,
                "pids_max" => &mut own.pids_max,
                "cpu_weight" => &mut own.cpu_weight,
                _ => return Err(WrongLimit::Unknown(field.clone())),
            };
            *place = match value.as_u64() {
                None if !value.is_null() => return Err(WrongLimit::NoNumber(field.clone())),
                number => number,
            };
        }
        Ok(own)
    }
}

impl Default for MemoryPolicy {
    fn default() -> Self {
        Self {
            mode: MemoryMode::Auto,
            high_mb: 700,
            max_mb: 1024,
            swap_max_mb: 0,
            reclaim_after_secs: 0,
            pids_max: 512,
            cpu_weight: 100,
            poll_ms: 2_000,
            recycle_after_secs: 30,
            admit_mb: 0,
        }
    }
}

impl MemoryPolicy {
    /// With what is set for one user.
    #[must_use]
    pub fn overridden(self, by: MemoryOverrides) -> Self {
        Self {
            high_mb: by.high_mb.unwrap_or(self.high_mb),
            max_mb: by.max_mb.unwrap_or(self.max_mb),
            swap_max_mb: by.swap_max_mb.unwrap_or(self.swap_max_mb),
            pids_max: by.pids_max.unwrap_or(self.pids_max),
            cpu_weight: by.cpu_weight.unwrap_or(self.cpu_weight),
            ..self
        }
    }

    /// What is set aside for a worker, in MiB.
    #[must_use]
    pub fn admitted_mb(&self) -> u64 {
        if self.admit_mb == 0 { self.max_mb } else { self.admit_mb }
    }

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first key that is wrong, and why.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        for (key, value, least) in [
            ("memory.high_mb", self.high_mb, LEAST_MB),
            ("memory.pids_max", self.pids_max, 64),
            ("memory.cpu_weight", self.cpu_weight, 1),
            ("memory.poll_ms", self.poll_ms, 100),
            ("memory.recycle_after_secs", self.recycle_after_secs, 1),
        ] {
            if value < least {
                return Err(InvalidConfig::TooSmall { key, least });
            }
        }
        // Before that a page still gives back what its start needed.
        if (1..RECLAIM_LEAST).contains(&self.reclaim_after_secs) {
            return Err(InvalidConfig::TooSmall { key: "memory.reclaim_after_secs", least: RECLAIM_LEAST });
        }
        for (key, value, most) in [
            ("memory.max_mb", self.max_mb, MOST_MB),
            ("memory.swap_max_mb", self.swap_max_mb, MOST_MB),
            ("memory.reclaim_after_secs", self.reclaim_after_secs, 1 << 24),
            ("memory.admit_mb", self.admit_mb, MOST_MB),
            ("memory.cpu_weight", self.cpu_weight, 10_000),
        ] {
            if value > most {
                return Err(InvalidConfig::TooLarge { key, most });
            }
        }
        if self.max_mb < self.high_mb {
            return Err(InvalidConfig::LessThan { key: "memory.max_mb", other: "memory.high_mb" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryOverrides, WrongLimit};
    use crate::config::ServiceConfig;

    #[test]
    fn one_users_keys_win_and_the_others_stay() {
        let text = "[memory]\nmax_mb = 900\n[users.2_1.memory]\nhigh_mb = 100\nmax_mb = 200\n";
        let config: ServiceConfig = toml::from_str(text).expect("valid");
        config.validate().expect("valid");
        let own = config.memory_of(&"2_1".parse().expect("an id"));
        assert_eq!((own.high_mb, own.max_mb, own.pids_max), (100, 200, 512));
        let other = config.memory_of(&"2".parse().expect("an id"));
        assert_eq!((other.high_mb, other.max_mb), (700, 900));
        let again: ServiceConfig = toml::from_str(&toml::to_string(&config).expect("written")).expect("read");
        assert_eq!(again, config);
    }

    #[test]
    fn limits_in_json_are_read_and_a_wrong_field_is_named() {
        let read = |text: &str| MemoryOverrides::from_json(&serde_json::from_str(text).expect("JSON"));
        let own = read(r#"{"max_mb": 2000, "pids_max": null}"#).expect("fine");
        assert_eq!(own, MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() });
        assert_eq!(serde_json::to_string(&own).expect("JSON"), r#"{"max_mb":2000}"#);
        assert_eq!(read("[]"), Err(WrongLimit::NoObject));
        assert_eq!(read(r#"{"mode": "off"}"#), Err(WrongLimit::Unknown("mode".into())));
        for text in [r#"{"high_mb": "700"}"#, r#"{"high_mb": -1}"#, r#"{"high_mb": 1.5}"#] {
            assert!(read(text).expect_err(text).to_string().starts_with("high_mb: "));
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_the_user_whose_it_is() {
        let error = |text: &str| {
            let config: ServiceConfig = toml::from_str(text).expect("well-formed");
            config.validate().expect_err(text).to_string()
        };
        assert!(error("memory.high_mb = 2000").starts_with("memory.max_mb: "));
        assert!(error("memory.poll_ms = 1").starts_with("memory.poll_ms: "));
        assert!(error("memory.reclaim_after_secs = 19").starts_with("memory.reclaim_after_secs: "));
        assert!(error("memory.cpu_weight = 10001").starts_with("memory.cpu_weight: "));
        assert!(error("users.7.memory.max_mb = 3").starts_with("users.7.memory.max_mb: "));
        for text in ["memory.hi = 1", "users.7.high_mb = 1", "users.7.memory.poll_ms = 1"] {
            assert!(toml::from_str::<ServiceConfig>(text).is_err(), "{text}");
        }
        assert!(toml::from_str::<ServiceConfig>("users.\"../x\".memory.max_mb = 300").is_err());
    }
}
