//! The public states of a session and the reasons for which one ends.
//!
//! Owns the vocabulary: worker and supervisor say the same word for the same thing, and pages, logs and
//! metrics show it. How a session moves between the states is the worker's `session::machine`.

use serde::{Deserialize, Serialize};

use crate::restrictions::Restrictions;
use crate::{Secret, passkey};

/// The linked account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// `5511999998888@c.us`; always a string.
    pub wid: String,
    /// `98765432101234@lid`, where the page says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lid: Option<String>,
    /// The name that the phone's owner chose; may be empty.
    #[serde(default)]
    pub pushname: String,
    /// `android`, `iphone`, …; empty when the page does not say.
    #[serde(default)]
    pub platform: String,
}

/// The phone number is personal data and stays out of logs.
impl std::fmt::Debug for Me {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Me")
    }
}

/// Why a session that was connected is not connected just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// The page says that it has no connection to WhatsApp.
    ConnectionLost,
    /// The same registration was opened elsewhere.
    Conflict,
    /// The page did not answer its probe in time.
    PageUnresponsive,
    /// The renderer is gone; the page is being loaded anew.
    PageCrashed,
    /// WhatsApp says that its service is not available.
    ServiceUnavailable,
    /// WhatsApp refuses this number for some time; [`SessionReport::until_ms`] says how long.
    TemporaryBan,
    /// WhatsApp lets this version of its page in no more, or the page has stopped without a word.
    PageOutdated,
    /// The page waits for the passcode with which somebody locked it in this profile.
    ScreenLocked,
    /// The proxy does not let the browser through, or cannot be reached.
    ProxyRefused,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

impl Disruption {
    /// The cause's name as it is logged and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionLost => "connection_lost",
            Self::Conflict => "conflict",
            Self::PageUnresponsive => "page_unresponsive",
            Self::PageCrashed => "page_crashed",
            Self::ServiceUnavailable => "service_unavailable",
            Self::TemporaryBan => "temporary_ban",
            Self::PageOutdated => "page_outdated",
            Self::ScreenLocked => "screen_locked",
            Self::ProxyRefused => "proxy_refused",
            Self::Other => "other",
        }
    }
}

/// Who ended the link between phone and session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutCause {
    /// The phone's owner removed this device, or WhatsApp did.
    Phone,
    /// We were asked to.
    Request,
}

/// Where a session is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SessionState {
    /// The browser is being started.
    Launching,
    /// The page is loading, or its modules are being registered.
    Loading,
    /// The page waits for a phone; `qr` is absent between two codes.
    AwaitingScan {
        /// The complete string that the phone scans.
        qr: Option<Secret>,
    },
    /// The account asks for a passkey, which its owner has to use in a browser of their own.
    Passkey {
        /// The account, where it is linked already and has to prove itself to stay so.
        me: Option<Me>,
        /// How far it is.
        step: PasskeyStep,
        /// What has to be signed, while that is awaited.
        request: Option<Box<passkey::Request>>,
        /// How often an answer was not accepted since the phone asked.
        #[serde(default)]
        refused: u32,
    },
    /// Phone and page show the same code; the page waits until somebody says so.
    PasskeyConfirm {
        /// `ABCD-EFGH`.
        code: Secret,
    },
    /// The code was scanned; keys are being exchanged.
    Pairing,
    /// Registered; the history is being fetched.
    Syncing {
        /// The account, once known.
        me: Option<Me>,
        /// Progress in percent, where the page tells.
        percent: Option<u8>,
    },
    /// Messages can be sent and received: a probe said so not longer ago than the probe interval.
    Ready {
        /// The account.
        me: Me,
    },
    /// Registered, but nothing can be sent now.
    Reconnecting {
        /// The account, once known.
        me: Option<Me>,
        /// What is wrong.
        cause: Disruption,
    },
    /// The link was ended; the page goes back to showing a code.
    LoggedOut {
        /// By whom.
        cause: LogoutCause,
    },
    /// The browser is being closed, with its data flushed to disk.
    Stopping,
    /// This session's process ends.
    Failed {
        /// Why.
        reason: ExitReason,
    },
}

impl SessionState {
    /// The state's name as it is logged and shown.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Launching => "launching",
            Self::Loading => "loading",
            Self::AwaitingScan { .. } => "awaiting_scan",
            Self::Passkey { me: None, step: PasskeyStep::Off, .. } => "passkey_off",
            Self::Passkey { me: None, .. } => "passkey",
            Self::Passkey { me: Some(_), .. } => "passkey_checkpoint",
            Self::PasskeyConfirm { .. } => "passkey_confirm",
            Self::Pairing => "pairing",
            Self::Syncing { .. } => "syncing",
            Self::Ready { .. } => "ready",
            Self::Reconnecting { .. } => "reconnecting",
            Self::LoggedOut { .. } => "logged_out",
            Self::Stopping => "stopping",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether messages can be sent now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// The account, where the state knows it.
    #[must_use]
    pub fn me(&self) -> Option<&Me> {
        match self {
            Self::Ready { me } => Some(me),
            Self::Syncing { me, .. } | Self::Reconnecting { me, .. } | Self::Passkey { me, .. } => {
                me.as_ref()
            }
            _ => None,
        }
    }
}

/// How far a session is whose account asks for a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasskeyStep {
    /// The page is about to say what has to be signed.
    Asking,
    /// The account's owner has to sign.
    Signing,
    /// Signed and handed to the page; WhatsApp's answer is awaited.
    Answered,
    /// The operator has switched passkeys off: nobody is asked, and a new code follows.
    Off,
}

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
    /// session begins with a snapshot where there is one ([`Recovery`]).
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

/// What was done about a damaged profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// What was wrong.
    pub why: String,
    /// When the snapshot was taken that took its place, in milliseconds since the epoch; `None` when there was
    /// none that could be used, so that the phone has to be linked again.
    pub restored_ms: Option<u64>,
    /// Where the damaged profile lies now, where there was one.
    pub aside: Option<String>,
}

/// A member of WhatsApp's page that a session misses although the page is complete: WhatsApp has changed it. Names of
/// modules and of operations only, so that it can be shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lack {
    /// The page's name of it, `module.member`; `wa-js` where that could not be put into the page.
    pub member: String,
    /// Whether its whole module is gone; otherwise the module has another member in its place. `None` where the page
    /// does not say which modules it has.
    #[serde(default)]
    pub module_absent: Option<bool>,
    /// Whether wa-js does it instead.
    #[serde(default)]
    pub stand_in: bool,
    /// The operations that need it.
    #[serde(default)]
    pub operations: Vec<String>,
    /// The operations that need it for some of their arguments only.
    #[serde(default)]
    pub partly: Vec<String>,
}

/// The operations that are not possible with what is missing, by name.
#[must_use]
pub fn impossible(lacks: &[Lack]) -> Vec<&str> {
    let gone = lacks.iter().filter(|lack| !lack.stand_in);
    let names: std::collections::BTreeSet<&str> =
        gone.flat_map(|lack| lack.operations.iter().map(String::as_str)).collect();
    names.into_iter().collect()
}

/// What a worker tells about its session, sent at every change and after every probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Where the session is.
    #[serde(flatten)]
    pub state: SessionState,
    /// Members of the page that our bridge misses, so that wa-js stands in for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
    /// The same and what follows from each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
    /// Until when the disruption lasts, in milliseconds since the epoch, where WhatsApp says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The browser's process id, once it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_pid: Option<u32>,
    /// The page's own version, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_version: Option<String>,
    /// When the newest snapshot of the registration was taken, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_ms: Option<u64>,
    /// What was last done about a damaged profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Box<Recovery>>,
    /// What the last probe found, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<Probes>,
    /// How many events wait for a disk that does not take them, and are only in the worker's memory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsaved: usize,
    /// What WhatsApp restricts the account in, as far as the page has said.
    #[serde(default, skip_serializing_if = "Restrictions::is_unknown")]
    pub restrictions: Box<Restrictions>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The last result of the two levels of health that a worker probes. (The third, its own answer on the socket, is
/// the supervisor's to measure.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// When the probe was answered or given up, in milliseconds since the epoch.
    pub at_ms: u64,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
    /// Whether the browser answered. A page that answers does so through its browser.
    pub browser: bool,
    /// Whether the page answered.
    pub page: bool,
}

impl SessionReport {
    /// A report that knows nothing but the state.
    #[must_use]
    pub fn of(state: SessionState) -> Self {
        Self {
            state,
            degraded: Vec::new(),
            lacks: Vec::new(),
            until_ms: None,
            browser_pid: None,
            page_version: None,
            snapshot_ms: None,
            recovery: None,
            probes: None,
            unsaved: 0,
            restrictions: Box::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restrictions::ReachoutTimelock;

    #[test]
    fn a_failed_launch_of_any_release_is_read() {
        for (json, label) in [
            (r#"{"reason":"launch_failed","why":"x"}"#, "launch_failed(x)"),
            (r#"{"reason":"launch_failed","cause":"no_browser","why":"x"}"#, "launch_failed(no_browser)"),
            (r#"{"reason":"launch_failed","cause":"of_a_later_release","why":"x"}"#, "launch_failed(x)"),
        ] {
            let reason: ExitReason = serde_json::from_str(json).expect(json);
            assert_eq!(reason.label(), label);
        }
    }

    #[test]
    fn a_report_without_probes_is_what_an_older_worker_sends() {
        let older = r#"{"state":"pairing"}"#;
        let report: SessionReport = serde_json::from_str(older).expect("readable");
        assert_eq!(report, SessionReport::of(SessionState::Pairing));
        let probes = Probes { at_ms: 1, took_ms: 2, browser: true, page: false };
        let lock = ReachoutTimelock { active: true, enforcement: "DEFAULT".into(), until_ms: Some(5) };
        let restrictions = Restrictions { timelock: Some(lock), capping: None };
        let newer = SessionReport {
            probes: Some(probes),
            unsaved: 3,
            restrictions: Box::new(restrictions),
            ..report
        };
        let text = serde_json::to_string(&newer).expect("plain data");
        assert_eq!(serde_json::from_str::<SessionReport>(&text).expect("readable"), newer);
    }

    #[test]
    fn neither_number_nor_code_shows_in_debug() {
        let me = Me {
            wid: "5511999998888@c.us".into(),
            lid: None,
            pushname: "Ana".into(),
            platform: "android".into(),
        };
        let shown = format!(
            "{:?} {:?}",
            SessionState::Ready { me },
            SessionState::AwaitingScan { qr: Some(Secret::new("2@abc,def")) }
        ) + &format!("{:?}", SessionState::PasskeyConfirm { code: Secret::new("2@") });
        assert!(!shown.contains("5511") && !shown.contains("Ana") && !shown.contains("2@"), "{shown}");
    }
}
