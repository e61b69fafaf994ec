//! What WhatsApp restricts an account in, in WAHA's shapes: of `me`, of `session.status` and of the two operations. Times
//! are in seconds there.

use colmeia::{MessageCapping, ReachoutTimelock, Restrictions};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Whether the account is kept from writing to people who never wrote to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReachoutTimelockData {
    /// WhatsApp's word for it, such as `DEFAULT` or `RESTRICT_ALL_COMPANIONS`; new ones come.
    pub enforcement_type: String,
    /// Whether it is in force.
    pub is_active: bool,
    /// When it ends, in seconds since the epoch; 0 while it is not in force.
    pub time_enforcement_ends: u64,
}

/// How much of its quota of new chats the account has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageCappingData {
    /// `NONE`, `FIRST_WARNING`, `SECOND_WARNING` or `CAPPED`: no new chats; new words may come.
    pub capping_status: String,
    /// New chats in a cycle; -1: there is no cap.
    pub total_quota: i64,
    /// Of which so many are used.
    pub used_quota: i64,
    /// When the cycle began, in seconds since the epoch; 0 where there is none.
    pub cycle_start: u64,
    /// When it ends, likewise.
    pub cycle_end: u64,
    /// WhatsApp's word on Meta Verified.
    pub mv_status: String,
    /// WhatsApp's word on a quota that is raised once.
    pub ote_status: String,
}

impl ReachoutTimelockData {
    /// At this moment: an end needs no word of WhatsApp's.
    pub fn of(lock: &ReachoutTimelock, now_ms: u64) -> Self {
        let is_active = lock.is_in_force(now_ms);
        Self {
            enforcement_type: lock.enforcement.clone(),
            is_active,
            time_enforcement_ends: lock.until_ms.filter(|_| is_active).unwrap_or_default() / 1000,
        }
    }
}

impl From<&MessageCapping> for MessageCappingData {
    fn from(capping: &MessageCapping) -> Self {
        let total_quota = capping.total;
        Self {
            capping_status: capping.status.clone(),
            total_quota,
            // The page shows no more than there is.
            used_quota: if total_quota >= 0 { capping.used.min(total_quota) } else { capping.used },
            cycle_start: capping.cycle_start_ms.unwrap_or_default() / 1000,
            cycle_end: capping.cycle_end_ms.unwrap_or_default() / 1000,
            mv_status: capping.mv_status.clone(),
            ote_status: capping.ote_status.clone(),
        }
    }
}

/// What of `session.status`'s `data` is about restrictions.
pub(super) fn data(restrictions: &Restrictions, at_ms: u64) -> Map<String, Value> {
    let timelock = restrictions.timelock.as_ref().map(|lock| json!(ReachoutTimelockData::of(lock, at_ms)));
    let capping = restrictions.capping.as_ref().map(|capping| json!(MessageCappingData::from(capping)));
    [("reachoutTimelock", timelock), ("messageCapping", capping)]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_told_as_the_sdks_read_them() {
        let lock = ReachoutTimelock {
            active: true,
            enforcement: "RESTRICT_ALL_COMPANIONS".into(),
            until_ms: Some(1_784_477_333_500),
        };
        let capping = MessageCapping {
            status: "CAPPED".into(),
            total: 100,
            used: 130,
            cycle_start_ms: Some(1_782_874_800_000),
            cycle_end_ms: Some(1_785_553_199_000),
            mv_status: "NOT_ELIGIBLE".into(),
            ote_status: String::new(),
        };
        let both = Restrictions { timelock: Some(lock), capping: Some(capping) };
        let told = data(&both, 1_784_000_000_000);
        assert_eq!(
            Value::from(told),
            json!({
                "reachoutTimelock": {
                    "enforcementType": "RESTRICT_ALL_COMPANIONS", "isActive": true,
                    "timeEnforcementEnds": 1_784_477_333,
                },
                "messageCapping": {
                    "cappingStatus": "CAPPED", "totalQuota": 100, "usedQuota": 100, "cycleStart": 1_782_874_800,
                    "cycleEnd": 1_785_553_199, "mvStatus": "NOT_ELIGIBLE", "oteStatus": "",
                },
            })
        );
        let after = data(&both, 1_784_477_333_500);
        assert_eq!(after["reachoutTimelock"]["isActive"], false);
        assert_eq!(after["reachoutTimelock"]["timeEnforcementEnds"], 0);
        assert!(data(&Restrictions::default(), 0).is_empty());
    }
}
