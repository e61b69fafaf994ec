//! Memory: who keeps each user's caps, what is measured, and what follows from it.
//!
//! Owns the list of who is measured (`gauge`) and the one thread that measures (`rounds`), off the way of every request.
//! What a user's processes take is found in `cgroup` or `tree`, what follows from it is decided in `policy`, which is
//! pure. Nothing in here ends a process of its own accord: readings go to the user's task.

mod cgroup;
mod gauge;
mod idle;
mod merged;
mod policy;
mod room;
mod rounds;
mod tree;

pub(crate) use cgroup::{CgroupError, Group};
pub(crate) use gauge::{Followed, Memory, MemoryError, Reading};
pub(crate) use idle::Idle;
pub(crate) use merged::of as merged_of;
pub(crate) use policy::{Limits, Step, Watch};
pub(crate) use tree::share as share_of;

/// Which way of keeping the caps is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InForce {
    /// The kernel ends, the supervisor measures.
    Cgroup,
    /// The supervisor measures and ends.
    Polling,
    /// Nobody does.
    Off,
}

impl InForce {
    /// Its name in logs and lists.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Polling => "polling",
            Self::Off => "off",
        }
    }
}
