//! What a supervisor tells the program that converts a file, and how that ends: [`Order`] and exit codes.
//!
//! The order is the argument after `convert`, as JSON. Standard input is the file, standard output where the other one
//! goes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::Landlock;

/// One conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// A video; else a voice message.
    pub video: bool,
    /// The converter's program.
    pub ffmpeg: PathBuf,
    /// How much memory it may take, in MiB.
    pub memory_mb: u64,
    /// How much processor time it may use, in seconds.
    pub cpu_secs: u64,
    /// How large the other file may become, in bytes.
    pub most_bytes: u64,
    /// Whether the kernel's Landlock shuts it in.
    pub landlock: Landlock,
    /// The user id that it shall have; absent: whoever it is, but root is nobody.
    pub uid: Option<u32>,
}

/// The file is of no kind that is converted.
pub const UNKNOWN_KIND: u8 = 90;
/// The converter's program cannot be run.
pub const CANNOT_RUN: u8 = 91;
/// It cannot be set up or shut in, and was not run.
pub const CANNOT_SHUT_IN: u8 = 92;
