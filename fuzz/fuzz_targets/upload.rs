//! The target `upload` for libFuzzer.
#![no_main]

#[path = "../stage/mod.rs"]
mod stage;
#[path = "../targets.rs"]
mod targets;

use stage::uploads;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::upload(data));
