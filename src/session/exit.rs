//! Why a worker ended: the words that pages, logs and metrics show, and the exit statuses that say so.

use serde::{Deserialize, Serialize};

/// The level at which a session stopped answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// The worker process does not answer on its socket.
    Ipc,
    /// The browser does not answer on its pipe.
    Browser,
    /// The page does not answer its probe.
    Page,
}

/// Why a browser could not be started, where there is a name for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchCause {
    /// The browser's program is missing or cannot be run.
    NoBrowser,
    /// Chromium's sandbox is wanted and cannot be had.
    NoSandbox,
    /// The disk is full.
    DiskFull,
    /// The proxy does not let the browser through, or cannot be reached.
    Proxy,
    /// The page's host cannot be reached.
    Unreachable,
    /// The machine has no descriptors, processes or memory left for it.
    Machine,
    /// Something else, or a kind that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}

/// The exit status of a worker that could not begin because the disk is full.
pub const EXIT_DISK_FULL: u8 = 28;

/// The exit status of a worker that could not begin because the machine has no descriptors, processes or memory left.
pub const EXIT_MACHINE: u8 = 24;

/// Why a worker process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ExitReason {
    /// Killed for its memory.
    Oom,
    /// A process of the session died of a signal, or by itself.
    Crash {
        /// Which process: `worker` or `browser`.
        process: String,
        /// The signal, where there was one.
        signal: Option<i32>,
    },
    /// Something stopped answering and did not come back.
    Hang {
        /// At which level.
        level: HealthLevel,
    },
    /// A state lasted longer than its deadline allows.
    Stuck {
        /// The state's name.
        state: String,
    },
    /// The link was ended on request.
    LoggedOut,
    /// WhatsApp refuses this number or this client.
    Banned,
    /// The registration is in use elsewhere, and taking it over did not help.
    Conflict,
    /// We were asked to stop.
    Stopped,
    /// The browser could not be started.
    LaunchFailed {
        /// What kind of trouble it is.
        #[serde(default)]
        cause: LaunchCause,
        /// What to do about it, in words.
        why: String,
    },
    /// The browser cannot open its profile, or the registration in it is gone. The profile was set aside; the next
    /// session begins with a snapshot where there is one ([`super::Recovery`]).
    ProfileCorrupt,
    /// Replaced in a quiet moment because of its memory.
    CapRecycle,
    /// Replaced when there was room again after the disk had been full under its browser.
    DiskRecycle,
    /// No supervisor came back within the grace time.
    Orphaned,
}

impl ExitReason {
    /// The reason's label in lists and metrics.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Oom => "oom".into(),
            Self::Crash { process, signal: Some(signal) } => format!("crash({process}, signal {signal})"),
            Self::Crash { process, signal: None } => format!("crash({process})"),
            Self::Hang { level } => format!(
                "hang({})",
                match level {
                    HealthLevel::Ipc => "ipc",
                    HealthLevel::Browser => "browser",
                    HealthLevel::Page => "page",
                }
            ),
            Self::Stuck { state } => format!("stuck({state})"),
            Self::LoggedOut => "logged_out".into(),
            Self::Banned => "banned".into(),
            Self::Conflict => "conflict".into(),
            Self::Stopped => "stopped".into(),
            Self::LaunchFailed { cause: LaunchCause::NoBrowser, .. } => "launch_failed(no_browser)".into(),
            Self::LaunchFailed { cause: LaunchCause::NoSandbox, .. } => "launch_failed(no_sandbox)".into(),
            Self::LaunchFailed { cause: LaunchCause::DiskFull, .. } => "launch_failed(disk_full)".into(),
            Self::LaunchFailed { cause: LaunchCause::Proxy, .. } => "launch_failed(proxy)".into(),
            Self::LaunchFailed { cause: LaunchCause::Unreachable, .. } => "launch_failed(unreachable)".into(),
            Self::LaunchFailed { cause: LaunchCause::Machine, .. } => "launch_failed(machine)".into(),
            Self::LaunchFailed { cause: LaunchCause::Other, why } => format!("launch_failed({why})"),
            Self::ProfileCorrupt => "profile_corrupt".into(),
            Self::CapRecycle => "cap_recycle".into(),
            Self::DiskRecycle => "disk_recycle".into(),
            Self::Orphaned => "orphaned".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_launch_of_any_release_is_read() {
        for (json, label) in [
            (r#"{"reason":"launch_failed","why":"x"}"#, "launch_failed(x)"),
            (r#"{"reason":"launch_failed","cause":"no_browser","why":"x"}"#, "launch_failed(no_browser)"),
            (r#"{"reason":"launch_failed","cause":"no_sandbox","why":"x"}"#, "launch_failed(no_sandbox)"),
            (r#"{"reason":"launch_failed","cause":"of_a_later_release","why":"x"}"#, "launch_failed(x)"),
        ] {
            let reason: ExitReason = serde_json::from_str(json).expect(json);
            assert_eq!(reason.label(), label);
        }
    }
}
