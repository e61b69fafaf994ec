//! The public states of a session; why one ends (`exit`); what a worker tells of it (`report`).
//!
//! Owns the vocabulary: worker and supervisor say the same word for the same thing, and pages, logs and
//! metrics show it. How a session moves between the states is the worker's `session::machine`.

mod exit;
mod report;

use serde::{Deserialize, Serialize};

use crate::{Secret, passkey};
pub use exit::{EXIT_DISK_FULL, EXIT_MACHINE, ExitReason, HealthLevel, LaunchCause};
pub use report::{MissingMember, Probes, ProfileRecord, Recovery, SessionReport, impossible};

/// The linked account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// `5511999998888@c.us`; always a string.
    pub wid: String,
    /// `98765432101234@lid`, where the page says it.
    #[serde(skip_serializing_if = "Option::is_none")]
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

#[cfg(test)]
mod tests {
    use super::*;

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
