//! The browser's processes: how one is started, talked to, watched and ended, and what it finds on disk.
//!
//! ```text
//! profile ──free?──▶ launch ──fds 3, 4──▶ pipe ◀──loopback WebSocket── the CDP client of `page`
//!                      │
//!                      └──▶ process: its end is observed by a thread of its own
//! ```
//!
//! Knows nothing of WhatsApp or of any page.

mod flags;
mod launch;
mod pipe;
mod proc_table;
mod process;
mod profile_lock;
mod sandbox;
mod version;

pub(crate) use flags::Flags;
pub(crate) use launch::{LaunchSpec, Launched, launch};
pub(crate) use pipe::{PipeBridge, bridge};
pub(crate) use proc_table::{kill_descendants, kill_renderers};
pub(crate) use process::{BrowserProcess, Exit};
pub(crate) use profile_lock::{marker, prepare};
pub(crate) use sandbox::{Sandbox, try_out};
pub(crate) use version::version;
