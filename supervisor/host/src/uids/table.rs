//! [`Table`]: which user id of the system each user's processes have.
//!
//! Pure. Owns the rule of assignment: a user keeps its id for ever, two never have the same, and an id is handed on
//! only when all others were used up, and then only one that nothing belongs to any more.

use std::collections::BTreeMap;

use colmeia::UserId;
use colmeia::config::UidRange;
use serde::{Deserialize, Serialize};

/// Everyone who ever had one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    users: BTreeMap<UserId, Entry>,
}

/// One user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The user id and the group id.
    pub(super) uid: u32,
    /// Whose the auth directory was before, user and group; it is given back to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<(u32, u32)>,
}

impl Table {
    pub(super) fn of(&self, user: &UserId) -> Option<Entry> {
        self.users.get(user).copied()
    }

    /// The user's id in this range: the one that it has, or a new one. `taken` says which ids something belongs to
    /// that must not be found by another user. `None` when there is none left.
    pub(super) fn assign(
        &mut self,
        user: &UserId,
        range: UidRange,
        taken: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        if let Some(entry) = self.of(user).filter(|entry| range.contains(entry.uid)) {
            return Some(entry.uid);
        }
        let used = self.users.values().map(|entry| entry.uid).filter(|uid| range.contains(*uid)).max();
        let from = used.map_or(Some(range.first), |highest| highest.checked_add(1));
        let fresh = from.and_then(|from| (from..=range.last).find(|uid| !taken(*uid)));
        let uid = fresh.or_else(|| self.hand_on(range, &taken))?;
        self.users.insert(user.clone(), Entry { uid, before: None });
        Some(uid)
    }

    /// The smallest id that nothing belongs to; whoever had it loses it.
    fn hand_on(&mut self, range: UidRange, taken: impl Fn(u32) -> bool) -> Option<u32> {
        let uid = (range.first..=range.last).find(|uid| !taken(*uid))?;
        self.users.retain(|_, entry| entry.uid != uid);
        Some(uid)
    }

    /// The directory of this user already has this owner, though nobody wrote it down. `false` when that is known.
    pub(super) fn learn(&mut self, user: &UserId, uid: u32) -> bool {
        let known = self.users.contains_key(user) || self.users.values().any(|entry| entry.uid == uid);
        if !known {
            self.users.insert(user.clone(), Entry { uid, before: None });
        }
        !known
    }

    /// Keeps whose the directory was. `false` when that is known.
    pub(super) fn remember(&mut self, user: &UserId, before: (u32, u32)) -> bool {
        match self.users.get_mut(user) {
            Some(entry) if entry.before != Some(before) => {
                entry.before = Some(before);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashSet};

    const RANGE: UidRange = UidRange { first: 2000, last: 2004 };

    fn user(id: u8) -> UserId {
        id.to_string().parse().expect("an id")
    }

    #[test]
    fn ids_are_given_in_turn_and_kept_and_nobody_elses_is_touched() {
        let mut table = Table::default();
        let taken = |uid| uid == 2001;
        assert_eq!(table.assign(&user(1), RANGE, taken), Some(2000));
        assert_eq!(table.assign(&user(2), RANGE, taken), Some(2002), "2001 is somebody's");
        assert_eq!(table.assign(&user(1), RANGE, |_| true), Some(2000), "it keeps its own");
        let other = UidRange { first: 3000, last: 3001 };
        assert_eq!(table.assign(&user(1), other, |_| false), Some(3000), "another range, another id");
    }

    #[test]
    fn an_id_is_handed_on_when_all_are_used_up_and_nothing_belongs_to_it() {
        let mut table = Table::default();
        for id in 0..5 {
            assert_eq!(table.assign(&user(id), RANGE, |_| false), Some(2000 + u32::from(id)));
        }
        assert_eq!(table.assign(&user(9), RANGE, |_| true), None);
        assert_eq!(table.assign(&user(9), RANGE, |uid| uid != 2003), Some(2003));
        assert_eq!(table.of(&user(3)), None);
    }

    #[test]
    fn what_was_before_is_kept_and_what_is_found_on_disk_is_learned() {
        let mut table = Table::default();
        assert!(table.learn(&user(1), 2003) && !table.learn(&user(1), 2004) && !table.learn(&user(2), 2003));
        assert!(table.remember(&user(1), (1000, 100)) && !table.remember(&user(1), (1000, 100)));
        let text = serde_json::to_string(&table).expect("JSON");
        assert_eq!(serde_json::from_str::<Table>(&text).expect("the same"), table);
        assert_eq!(table.assign(&user(2), RANGE, |_| false), Some(2004));
    }

    proptest! {
        /// Users come, leave files behind or not, and go; the range is smaller than the number of users.
        #[test]
        fn two_users_never_share_an_id_and_none_gets_what_somebody_left(
            steps in prop::collection::vec((0u8..9, any::<bool>()), 0..60),
        ) {
            let mut table = Table::default();
            let mut files: HashSet<u32> = HashSet::new();
            let mut ever: BTreeSet<u32> = BTreeSet::new();
            for (id, leaves) in steps {
                let before = table.of(&user(id));
                let Some(uid) = table.assign(&user(id), RANGE, |uid| files.contains(&uid)) else {
                    prop_assert!(before.is_none() && files.len() == 5, "there was one");
                    continue;
                };
                prop_assert!(RANGE.contains(uid));
                match before {
                    Some(entry) => prop_assert_eq!(entry.uid, uid, "it keeps its own"),
                    None => {
                        prop_assert!(!files.contains(&uid), "somebody's files");
                        prop_assert!(!ever.contains(&uid) || ever.len() == 5, "handed on before its time");
                    }
                }
                ever.insert(uid);
                if leaves { files.insert(uid); } else { files.remove(&uid); }
                let all: Vec<u32> = table.users.values().map(|entry| entry.uid).collect();
                prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
            }
        }
    }
}
