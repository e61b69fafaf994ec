//! The target `passkey` for libFuzzer.
#![no_main]

#[path = "../stage/mod.rs"]
mod stage;
#[path = "../targets.rs"]
mod targets;

use stage::{journal, uploads};

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::passkey(data));
