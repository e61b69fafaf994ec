//! Owns what the server restricts an account in: the lock on writing to people who never wrote to it, and its quota of
//! new chats; whether a chat is begun all the same, and how it tells of both. Never tells by itself: the phone's API does.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::now_s;

/// The server's numbers for a send that it refuses.
const NACK_OF_TIMELOCK: u16 = 463;
const NACK_OF_CAP: u16 = 475;

/// Of one account.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// The lock, while there is one.
    #[serde(default)]
    pub(crate) timelock: Option<Timelock>,
    /// The quota; without one there is no cap.
    #[serde(default)]
    pub(crate) capping: Option<Capping>,
}

/// The lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timelock {
    /// When it ends, in seconds; the server need not say so.
    pub(crate) ends: Option<u64>,
    /// `DEFAULT`, `RESTRICT_ALL_COMPANIONS`, …
    pub(crate) enforcement: String,
}

/// The quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Capping {
    /// `NONE`, `FIRST_WARNING`, `SECOND_WARNING`, `CAPPED`.
    pub(crate) status: String,
    /// New chats in a cycle.
    pub(crate) total: i64,
    /// Of which so many are used.
    pub(crate) used: i64,
    /// The cycle, in seconds.
    pub(crate) cycle: (u64, u64),
}

impl Limits {
    fn locked(&self) -> Option<&Timelock> {
        self.timelock.as_ref().filter(|lock| lock.ends.is_none_or(|ends| ends > now_s()))
    }

    /// The number with which the server refuses to let the account begin a chat, if it does.
    pub(crate) fn nack(&self) -> Option<u16> {
        if self.locked().is_some() {
            return Some(NACK_OF_TIMELOCK);
        }
        let capping = self.capping.as_ref();
        let is_capped =
            capping.is_some_and(|capping| capping.status == "CAPPED" && capping.cycle.1 > now_s());
        is_capped.then_some(NACK_OF_CAP)
    }

    /// What the server answers to who asks for the lock. Numbers are texts there.
    pub(crate) fn timelock_told(&self) -> Value {
        let lock = self.locked();
        json!({
            "is_active": lock.is_some(),
            "time_enforcement_ends": lock.and_then(|lock| lock.ends).map(|ends| ends.to_string()),
            "enforcement_type": lock.map(|lock| &lock.enforcement),
        })
    }

    /// What the server answers to who asks for the quota.
    pub(crate) fn capping_told(&self) -> Value {
        let none = Capping { status: "NONE".to_owned(), total: -1, used: 0, cycle: (0, 0) };
        let Capping { status, total, used, cycle } = self.capping.as_ref().unwrap_or(&none);
        json!({
            "total_quota": total,
            "used_quota": used,
            "cycle_start_timestamp": cycle.0.to_string(),
            "cycle_end_timestamp": cycle.1.to_string(),
            "server_sent_timestamp": now_s().to_string(),
            "ote_status": "NOT_ELIGIBLE",
            "mv_status": "NOT_ELIGIBLE",
            "capping_status": status,
        })
    }
}
