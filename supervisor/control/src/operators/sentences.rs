//! Why a worker ended, in a sentence for operators. Owns no state; the users' sentences are `http::reasons`'.

use colmeia::ExitReason;
use colmeia::admin::LastExit;
use colmeia::session::{HealthLevel, LaunchCause};

/// The reason with its words.
pub(super) fn explain(reason: &ExitReason) -> LastExit {
    LastExit { label: reason.label(), sentence: sentence(reason), reason: reason.clone() }
}

fn sentence(reason: &ExitReason) -> String {
    match reason {
        ExitReason::Oom => "It was killed because it used more memory than it may.".into(),
        ExitReason::Crash { process, signal: Some(signal) } => {
            format!("The {process} process died of signal {signal}.")
        }
        ExitReason::Crash { process, signal: None } => {
            format!("The {process} process ended by itself without saying why.")
        }
        ExitReason::Hang { level } => format!(
            "{} did not answer any more and was ended.",
            match level {
                HealthLevel::Ipc => "The worker process",
                HealthLevel::Browser => "The browser",
                HealthLevel::Page => "The page",
            }
        ),
        ExitReason::Stuck { state } => format!("The session stayed in \"{state}\" for too long."),
        ExitReason::LoggedOut => "The link to the phone was ended; the next start shows a new code.".into(),
        ExitReason::Banned => {
            "WhatsApp refuses this number or this client; starting again does not help.".into()
        }
        ExitReason::Conflict => "The same registration is open in another program; close that one.".into(),
        ExitReason::Stopped => "It was asked to stop, and did.".into(),
        ExitReason::LaunchFailed { cause: LaunchCause::NoBrowser, why } => {
            format!("There is no browser that can be run: {why}.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::NoSandbox, why } => {
            format!("Chromium's sandbox cannot be had here: {why}.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, why } => {
            format!("There is no room on the disk: {why}. It starts by itself when there is.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::Proxy, why } => {
            format!("Its proxy does not let the browser through: {why}. Check the session's proxy.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::Unreachable, why } => {
            format!("The page's host cannot be reached: {why}.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::Machine, why } => {
            format!("The machine has no descriptors, processes or memory left: {why}. It starts by itself when it has.")
        }
        ExitReason::LaunchFailed { cause: LaunchCause::Other, why } => {
            format!("It could not be started: {why}.")
        }
        ExitReason::ProfileCorrupt => {
            "The browser's profile was damaged and was set aside; a snapshot takes its place where there is one.".into()
        }
        ExitReason::CapRecycle => "It was replaced in a quiet moment because of its memory.".into(),
        ExitReason::DiskRecycle => {
            "It was replaced because the disk had been full: what its browser could not write down then, the page \
             fetches again."
                .into()
        }
        ExitReason::Orphaned => "No supervisor came back within the grace time.".into(),
    }
}
