//! The rules that keep a user from having two browsers. All of them are in force, always; the tests of the model take one
//! away at a time and see that it was needed.

/// Which rules are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// The deadline that workers are given is the lease's, so that they exit by themselves.
    pub(super) dead_man: bool,
    /// Nobody is fenced before a full lease has passed without a sign of life.
    pub(super) fence_wait: bool,
    /// A page takes its connection back only after a renewal that was sent after the conflict.
    pub(super) take_over_waits: bool,
    /// A lease counts from before its renewal was sent.
    pub(super) counted_from_sending: bool,
    /// A host that joins again does so in a new epoch.
    pub(super) new_epoch: bool,
    /// After a gap of the engine nobody is fenced before a healthy one was watched for a full lease.
    pub(super) gap_wait: bool,
    /// A program joins under a name that another one renews only when that has been silent for a full lease.
    pub(super) name_wait: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            dead_man: true,
            fence_wait: true,
            take_over_waits: true,
            counted_from_sending: true,
            new_epoch: true,
            gap_wait: true,
            name_wait: true,
        }
    }
}
