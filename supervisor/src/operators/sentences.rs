//! Why a worker ended, in a sentence for operators. Owns no state; the users' sentences are `http::reasons`'.

use colmeia::ExitReason;
use colmeia::admin::LastExit;
use colmeia::session::HealthLevel;

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
        ExitReason::LaunchFailed { why } => format!("It could not be started: {why}."),
        ExitReason::ProfileCorrupt => "The browser cannot open its profile; a reset makes a new one.".into(),
        ExitReason::CapRecycle => "It was replaced in a quiet moment because of its memory.".into(),
        ExitReason::Orphaned => "No supervisor came back within the grace time.".into(),
    }
}
