//! [`Note`]: what a helper of a session's actor has to say to it.

use std::sync::Arc;

use colmeia::ExitReason;

use super::disk_jobs::Done;
use crate::connection::Handshake;
use crate::worker_process::Ended;

/// What a helper of the task has to say.
#[derive(Debug)]
pub(super) enum Note {
    Handshake(u64, Result<Box<Handshake>, String>),
    /// The process has ended; `over_cap` when the kernel had to kill in its control group.
    Ended {
        ended: Ended,
        over_cap: bool,
    },
    /// The machine has nothing left to reach the worker with; it is tried further.
    Delayed(u64),
    /// The disk has done something.
    Done(Done),
    /// It could not begin, and said why before it ended.
    Refused(u64, ExitReason),
    /// What it logged last.
    Lines(Arc<[String]>),
}
