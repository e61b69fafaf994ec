//! What hosts write down for each other: `host.<id>`, one for each host, and `user.<id>`, one for each user.
//!
//! Owns their form, which is JSON. Hosts of two neighbouring versions share these records: a field that this version
//! does not know is kept when the record is written again. Never says what follows from a record.

use std::collections::BTreeMap;

use colmeia::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::{HostId, Key};

/// Which change of the ground a record is at. A later change has a higher one, whatever it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// Whether a host may own users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostState {
    /// It renews its lease and takes users.
    Live,
    /// It renews its lease and hands its users on.
    Leaving,
    /// Its epoch is over: others fenced it, or it left.
    Dead,
}

/// `host.<id>`: the lease of a host. To write it is to renew it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Which program wrote it; chosen at random when it began. Two that were given one name by mistake differ in it.
    pub instance: u64,
    /// Counts how often the host joined. What it owned in an earlier one it owns no more.
    pub epoch: u64,
    /// Counts this program's tries to write. A record whose answer was lost is recognised by it.
    pub beat: u64,
    /// Whether it may own users.
    pub state: HostState,
    /// Where other hosts reach it.
    pub address: String,
    /// For how many users more it has room.
    pub room: u32,
    /// What a newer version keeps here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// `user.<id>`: who owns a user. The revision at which an owner's claim was written is its fencing token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The owner, if anybody.
    pub host: Option<HostId>,
    /// The owner's epoch. If that is over, nobody owns the user.
    pub epoch: u64,
    /// The profile's last snapshot.
    pub snapshot: Option<String>,
    /// Whether a browser is to run: an operator's stop takes it away.
    pub wanted: bool,
    /// What a newer version keeps here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A record with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// That of a host.
    Host(HostId, HostRecord),
    /// That of a user.
    User(UserId, UserRecord),
}

impl Record {
    /// The name under which it is kept.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Host(host, _) => Key::host(host),
            Self::User(user, _) => Key::user(user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first version wrote them: these have to load for good.
    const FIRST: [&str; 2] = [
        r#"{"instance":7,"epoch":3,"beat":41,"state":"leaving","address":"10.0.0.1:8443","room":5}"#,
        r#"{"host":"a","epoch":3,"snapshot":"m-1","wanted":true}"#,
    ];

    #[test]
    fn records_are_written_as_they_were_read_and_keep_what_a_newer_version_added() {
        let host: HostRecord = serde_json::from_str(FIRST[0]).expect("loads");
        assert_eq!((host.epoch, host.state, host.room), (3, HostState::Leaving, 5));
        assert_eq!(serde_json::to_string(&host).expect("JSON"), FIRST[0]);
        let user: UserRecord = serde_json::from_str(FIRST[1]).expect("loads");
        assert_eq!(serde_json::to_string(&user).expect("JSON"), FIRST[1]);
        let newer = r#"{"host":null,"epoch":0,"snapshot":null,"wanted":false,"weight":4}"#;
        let user: UserRecord = serde_json::from_str(newer).expect("loads");
        assert_eq!(serde_json::to_string(&user).expect("JSON"), newer);
    }
}
