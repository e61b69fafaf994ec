//! What is told of a session's status, as a user's task says it and as it is kept. Types only.

use colmeia::{ExitReason, Me, Restrictions};
use serde::{Deserialize, Serialize};

/// What a user's task says of its session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusChange {
    /// The new status, such as `WORKING`.
    pub status: &'static str,
    /// The account, while there is one.
    pub me: Option<Me>,
    /// Why the last worker ended, where that is why the status changed.
    pub exit: Option<ExitReason>,
    /// It is told although the status is the same as before: there is another code to scan.
    pub again: bool,
    /// How many changes before it are not told one by one, because there were too many.
    pub joined: u32,
    /// What the account is restricted in, or no longer: only what there is to tell.
    pub restrictions: Box<Restrictions>,
}

/// It as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRecord {
    /// The status as WAHA names it.
    pub status: String,
    /// It and those before it, the newest last.
    pub statuses: Vec<StatusPoint>,
    /// Why the last worker ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<ExitReason>,
    /// How many changes before it are told with it alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub joined: u32,
    /// What the account is restricted in, or no longer.
    #[serde(default, skip_serializing_if = "Restrictions::is_unknown")]
    pub restrictions: Restrictions,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A status and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPoint {
    pub status: String,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}
