//! [`ConversionConfig`]: how voice and video are made into what phones play, and what that may take. Owns the keys, their
//! defaults and the reasons for them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The converter and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConversionConfig {
    /// The program. Default `/usr/bin/ffmpeg`, of Debian's package `ffmpeg`.
    pub ffmpeg: PathBuf,
    /// How many run at once, each for another session. Default 2: each takes a whole core.
    pub at_once: usize,
    /// How long one may take, in seconds; as much processor time it may use. Default 60: a minute of video takes ten.
    pub timeout_secs: u64,
    /// How much memory one may take, in MiB. Default 768: 1080p takes 300.
    pub memory_mb: u64,
}

impl Default for ConversionConfig {
    fn default() -> Self {
        Self { ffmpeg: "/usr/bin/ffmpeg".into(), at_once: 2, timeout_secs: 60, memory_mb: 768 }
    }
}
