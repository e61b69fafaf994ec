//! Processes of this machine: those of a worker are recognised and ended ([`sweep`]), those that were handed to us
//! reaped ([`Children`]), and a program that does one thing is waited for ([`Helper`]).
//!
//! Owns the way of looking at processes. Knows no user and no worker's protocol.

mod helper;
mod orphans;
pub mod pidfd;

pub use helper::Helper;
pub use orphans::{Children, Family, Marks, Table, Traces, number, real_uid, sweep};
pub use rustix::process::Pid;
