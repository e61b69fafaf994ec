//! What a worker tells of its session. Owns the form; when it is told is the worker's to decide.

use serde::{Deserialize, Serialize};

use super::SessionState;
use crate::restrictions::Restrictions;

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

/// What is known of a profile from one worker to the next, in `profile.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileRecord {
    /// The version of the browser that used it last.
    pub browser: Option<String>,
    /// The session was ready with it, and nobody has ended the link since.
    pub linked: bool,
    /// It is a snapshot that was put in place, and the session was not ready with it yet.
    pub on_trial: bool,
    /// How often in a row the browser ended by itself before its page showed anything.
    pub crashes: u32,
    /// What was last done about a damaged profile.
    pub recovery: Option<Recovery>,
}

/// A member of WhatsApp's page that a session misses although the page is complete: WhatsApp has changed it. Names of
/// modules and of operations only, so that it can be shown to anyone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MissingMember {
    /// The page's name of it, `module.member`; `wa-js` where that could not be put into the page.
    pub member: String,
    /// Whether its whole module is gone; otherwise the module has another member in its place. `None` where the page
    /// does not say which modules it has.
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
pub fn impossible(lacks: &[MissingMember]) -> Vec<&str> {
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
    pub lacks: Vec<MissingMember>,
    /// Until when the disruption lasts, in milliseconds since the epoch, where WhatsApp says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The browser's process id, once it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_pid: Option<u32>,
    /// The page's own version, once known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_version: Option<String>,
    /// When the newest snapshot of the registration was taken, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_ms: Option<u64>,
    /// What was last done about a damaged profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Box<Recovery>>,
    /// What the last probe found, once there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
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
}
