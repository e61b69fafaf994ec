//! The machine that Colmeia runs on: processes, `/proc`, control groups and memory, user ids, disks, files that are ours
//! alone, names of other machines, and shares of what there is only so much of.
//!
//! Knows the layout of our directories and the ids of users. Never knows a session, a request or an event.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

pub mod blocking;
pub mod connecting;
pub mod database;
pub mod disk;
pub mod dns;
pub mod folders;
pub mod kept;
pub mod locks;
pub mod log_limit;
pub mod memory;
pub mod migrations;
pub mod private;
pub mod process;
pub mod shares;
pub mod shortage;
pub mod ssrf;
pub mod staging;
pub mod token_bucket;
pub mod uids;
pub mod uploads;
pub mod vitals;
