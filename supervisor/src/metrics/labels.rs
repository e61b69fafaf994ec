//! The words on labels: fixed, few, and without anything that a stranger chose. Pure.

use colmeia::ExitReason;
use colmeia::protocol::{CallError, CallErrorKind};

use crate::uploads::NotFetched;
use crate::user::{CallFailure, CallResult};

/// How a call ended.
pub(super) fn outcome(result: &CallResult) -> &'static str {
    let Err(failure) = result else { return "ok" };
    match failure {
        CallFailure::NotReady => "not_ready",
        CallFailure::WorkerGone => "worker_gone",
        CallFailure::Deadline => "deadline",
        CallFailure::TooLarge => "too_large",
        CallFailure::DiskFull => "disk_full",
        CallFailure::NotTaken(NotFetched::NoRoom(_)) => "no_room",
        CallFailure::NotTaken(NotFetched::Disk(_)) => "disk",
        CallFailure::ShuttingDown => "shutting_down",
        CallFailure::Session(CallError { restriction: Some(_), kind: CallErrorKind::Refused, .. }) => {
            "restricted"
        }
        CallFailure::Session(error) => match error.kind {
            CallErrorKind::NotReady => "not_ready",
            CallErrorKind::InvalidArgument => "invalid_argument",
            CallErrorKind::NotOnWhatsapp => "not_on_whatsapp",
            CallErrorKind::NotFound => "not_found",
            CallErrorKind::MediaUnavailable => "media_unavailable",
            CallErrorKind::Refused => "refused",
            CallErrorKind::Forbidden => "forbidden",
            CallErrorKind::Unsupported => "unsupported",
            CallErrorKind::TooLarge => "too_large",
            CallErrorKind::OutcomeUnknown => "outcome_unknown",
        },
    }
}

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
