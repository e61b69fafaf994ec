//! What WhatsApp restricts an account in while its session works: it may be kept from writing to people who never wrote
//! to it ([`ReachoutTimelock`]), and have only so many new chats in a time ([`MessageCapping`]).
//!
//! Owns the shapes in which worker and supervisor tell of them, and what each means at a moment. Never decides what is
//! sent: that is WhatsApp's word. Times are in milliseconds since the epoch.

use serde::{Deserialize, Serialize};

/// How many characters of a word of WhatsApp's are kept.
const LONGEST_WORD: usize = 64;

/// The lock on writing to people who never wrote to this account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachoutTimelock {
    /// Whether WhatsApp said that it is in force.
    pub active: bool,
    /// WhatsApp's word for it (`DEFAULT`, `RESTRICT_ALL_COMPANIONS`, …); new ones come, so it is no enum.
    #[serde(default = "default_enforcement", deserialize_with = "word")]
    pub enforcement: String,
    /// When it ends, while it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// How far an account is with its new chats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCapping {
    /// `NONE`, `FIRST_WARNING`, `SECOND_WARNING`, `CAPPED`, or what WhatsApp says some day.
    #[serde(deserialize_with = "word")]
    pub status: String,
    /// New chats in a cycle; -1: as many as one likes.
    pub total: i64,
    /// Of which so many are used.
    pub used: i64,
    /// When the cycle began, where WhatsApp says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle_start_ms: Option<u64>,
    /// When it ends, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle_end_ms: Option<u64>,
    /// WhatsApp's word on Meta Verified, which has a larger quota; may be empty.
    #[serde(default, deserialize_with = "word")]
    pub mv_status: String,
    /// WhatsApp's word on a quota that is raised once; may be empty.
    #[serde(default, deserialize_with = "word")]
    pub ote_status: String,
}

/// Both, as far as they are known. What a page does not tell stays unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restrictions {
    /// The lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timelock: Option<ReachoutTimelock>,
    /// The quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capping: Option<MessageCapping>,
}

/// Which of them a send was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestrictionName {
    /// [`ReachoutTimelock`].
    ReachoutTimelock,
    /// [`MessageCapping`].
    MessageCapping,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

/// What a send was refused for, and until when it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// Which.
    pub name: RestrictionName,
    /// When it ends, where WhatsApp says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

fn default_enforcement() -> String {
    "DEFAULT".to_owned()
}

/// A word of WhatsApp's as it is shown to others: letters, digits and `_`, and not too many of them.
fn word<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let said = String::deserialize(deserializer)?;
    Ok(said.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(LONGEST_WORD).collect())
}

impl ReachoutTimelock {
    /// Whether it is in force at this moment. Its end needs no word of WhatsApp's.
    #[must_use]
    pub fn is_in_force(&self, now_ms: u64) -> bool {
        self.active && self.until_ms.is_none_or(|until| until > now_ms)
    }
}

impl MessageCapping {
    /// Whether no new chat can be begun at this moment. With its cycle it is over.
    #[must_use]
    pub fn is_capped(&self, now_ms: u64) -> bool {
        self.status == "CAPPED" && self.is_current(now_ms)
    }

    /// Whether WhatsApp warns at this moment that the quota is nearly used.
    #[must_use]
    pub fn is_warned(&self, now_ms: u64) -> bool {
        matches!(self.status.as_str(), "FIRST_WARNING" | "SECOND_WARNING") && self.is_current(now_ms)
    }

    fn is_current(&self, now_ms: u64) -> bool {
        self.cycle_end_ms.is_none_or(|end| end > now_ms)
    }
}

impl Restrictions {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl RestrictionName {
    /// Its name as errors carry it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReachoutTimelock => "reachout_timelock",
            Self::MessageCapping => "message_capping",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_over_at_its_end_and_a_quota_with_its_cycle() {
        let lock = |active, until_ms| ReachoutTimelock { active, enforcement: "DEFAULT".into(), until_ms };
        assert!(lock(true, Some(10)).is_in_force(9) && !lock(true, Some(10)).is_in_force(10));
        assert!(lock(true, None).is_in_force(10) && !lock(false, Some(10)).is_in_force(9));
        let quota = |status: &str, cycle_end_ms| MessageCapping {
            status: status.into(),
            total: 10,
            used: 10,
            cycle_start_ms: None,
            cycle_end_ms,
            mv_status: String::new(),
            ote_status: String::new(),
        };
        assert!(quota("CAPPED", Some(10)).is_capped(9) && !quota("CAPPED", Some(10)).is_capped(10));
        assert!(quota("SECOND_WARNING", None).is_warned(10) && !quota("SECOND_WARNING", None).is_capped(10));
        assert!(!quota("OF_A_LATER_DAY", None).is_capped(10) && !quota("NONE", None).is_warned(10));
    }

    #[test]
    fn what_others_see_of_whatsapps_words_is_short_and_plain() {
        let long = format!(r#"{{"active":true,"enforcement":"<b>A_{}","until_ms":5}}"#, "x".repeat(500));
        let lock: ReachoutTimelock = serde_json::from_str(&long).expect("readable");
        assert_eq!((lock.enforcement.len(), lock.enforcement.starts_with("bA_x")), (LONGEST_WORD, true));
        let bare: ReachoutTimelock = serde_json::from_str(r#"{"active":false}"#).expect("readable");
        assert_eq!((bare.enforcement.as_str(), bare.until_ms), ("DEFAULT", None));
        assert!(serde_json::from_str::<Restrictions>("{}").expect("readable").is_unknown());
        let later: Restriction = serde_json::from_str(r#"{"name":"of_a_later_day"}"#).expect("readable");
        assert_eq!((later.name, later.until_ms), (RestrictionName::Other, None));
    }
}
