//! Memory: who keeps each user's caps, what is measured, and what follows from it.
//!
//! Owns the list of who is measured (`monitor`) and the one thread that measures (`sampler`), off the way of every request.
//! What a user's processes take is found in `cgroup` or `process_tree`, what follows from it is decided in `policy`, which is
//! pure. Nothing in here ends a process of its own accord: readings go to the user's task.

mod budget;
mod cgroup;
mod idle;
mod ksm;
mod monitor;
mod policy;
mod process_tree;
mod sampler;

pub use cgroup::{CgroupError, Group};
pub use idle::Idle;
pub use ksm::of as merged_of;
pub(crate) use monitor::capped_around;
pub use monitor::{Followed, Memory, MemoryError, Reading};
pub use policy::{Limits, MemoryStep, Watch};
pub(crate) use process_tree::parse as of_meminfo;
pub use process_tree::share as share_of;

/// Which way of keeping the caps is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// The kernel ends, the supervisor measures.
    Cgroup,
    /// The supervisor measures and ends.
    Polling,
    /// Nobody does.
    Off,
}

impl InForce {
    /// Its name in logs and lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Polling => "polling",
            Self::Off => "off",
        }
    }
}
