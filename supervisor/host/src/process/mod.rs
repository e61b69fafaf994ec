//! Processes of this machine: those of a worker are recognised and ended ([`sweep`]), those that were handed to us
//! reaped ([`Children`]), and a program that does one thing is waited for ([`Helper`]).
//!
//! Owns the way of looking at processes. Knows no user and no worker's protocol.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::signal::SigSet;

mod helper;
mod orphans;
pub mod pidfd;

pub use helper::Helper;
pub use orphans::{Children, Family, Marks, Table, Traces, number, real_uid, sweep};
pub use rustix::process::Pid;

/// Signals reach it. Those that we hold back (`signals`) would be held back in whatever we start, too, and for ever: a mask
/// is inherited, and a worker that was asked to end by SIGTERM would never hear of it.
#[allow(unsafe_code)]
fn hears_signals(command: &mut Command) {
    let before_exec = || SigSet::empty().thread_set_mask().map_err(io::Error::from);
    // SAFETY: between fork and exec only pthread_sigmask(3) is called: async-signal-safe, no allocation, no lock.
    unsafe { command.pre_exec(before_exec) };
}
