//! The words on labels: fixed, few, and without anything that a stranger chose. Pure.

use colmeia::ExitReason;

/// Why a worker ended, without the details that an [`ExitReason::label`] has.
pub(super) fn reason(reason: &ExitReason) -> &'static str {
    match reason {
        ExitReason::Oom => "oom",
        ExitReason::Crash { .. } => "crash",
        ExitReason::Hang { .. } => "hang",
        ExitReason::Stuck { .. } => "stuck",
        ExitReason::LoggedOut => "logged_out",
        ExitReason::Banned => "banned",
        ExitReason::Conflict => "conflict",
        ExitReason::Stopped => "stopped",
        ExitReason::LaunchFailed { .. } => "launch_failed",
        ExitReason::ProfileCorrupt => "profile_corrupt",
        ExitReason::CapRecycle => "cap_recycle",
        ExitReason::DiskRecycle => "disk_recycle",
        ExitReason::Orphaned => "orphaned",
    }
}
