//! End to end: the real binaries, real Chromium, the simulator in the place of WhatsApp and the phone.
//!
//! Each test has its own simulator, supervisor, webhook receiver and directories, on free ports. It runs in a
//! process of its own (nextest), which is a subreaper: when it ends, however it ends, no process that it
//! caused is left, and a test can see whether one was.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

#[allow(dead_code, unused_imports, reason = "shared with tests/chaos, which needs other parts of it")]
mod harness;

mod accessible;
mod backup;
mod bad_input;
mod collections;
mod crashes;
mod damage;
mod dashboard;
mod deletion;
mod drill;
mod ends;
mod events;
mod examples;
mod faults;
mod flask;
mod foreign;
mod full_disk;
mod gap;
mod hostile;
mod identity;
mod isolation;
mod keyboard;
mod left_open;
mod lifecycle;
mod media;
mod memory;
mod messages;
mod network;
mod operators;
mod own_uids;
mod passkey;
mod profiles;
mod proxies;
mod proxy;
mod qr_page;
mod restrictions;
mod snippets;
mod upgrade;
mod uploads;
mod visitor;
