//! What a backup does not have to write again, and what is collected after it. Pure.
//!
//! **Invariant:** only what the newest manifest names counts as there. What a backup that broke off has left may be collected
//! at any moment, and what the newest manifest names is not, until so many newer ones were made that a backup which began
//! with this one is stale.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::manifest::{Manifest, content_of};

/// The least number of backups that is kept: see above.
pub(crate) const LEAST_KEPT: usize = 2;

/// Which object has which content.
#[derive(Debug, Default)]
pub(crate) struct Stored(BTreeMap<String, String>);

impl Stored {
    /// What this manifest names, as far as it is there.
    pub(crate) fn of(newest: &Manifest, there: &BTreeSet<String>) -> Self {
        let mut stored = Self::default();
        for object in newest.files.iter().flat_map(|file| &file.pieces).filter(|name| there.contains(*name)) {
            stored.add(object);
        }
        stored
    }

    pub(crate) fn add(&mut self, object: &str) {
        if let Some(content) = content_of(object) {
            self.0.insert(content.to_owned(), object.to_owned());
        }
    }

    /// The object that has this content.
    pub(crate) fn get(&self, content: &str) -> Option<&str> {
        self.0.get(content).map(String::as_str)
    }
}

/// An object at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: String,
    /// When it was written, by the target's clock.
    pub(crate) modified: SystemTime,
}

/// The pointers that are given up; given the oldest first.
pub(crate) fn retired(numbers: &[u64], keep: usize) -> &[u64] {
    &numbers[..numbers.len().saturating_sub(keep.max(LEAST_KEPT))]
}

/// Which of these are deleted: those that nothing names, and that are older than the grace time. `now` is by the target's
/// clock too.
pub(crate) fn collectable(
    found: &[Found],
    named: &BTreeSet<String>,
    now: SystemTime,
    grace: Duration,
) -> Vec<String> {
    let old = |found: &&Found| now.duration_since(found.modified).is_ok_and(|age| age > grace);
    found
        .iter()
        .filter(old)
        .filter(|found| !named.contains(&found.name))
        .map(|found| found.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{About, FileEntry};

    const GRACE: Duration = Duration::from_secs(100);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_the_clock_says_to_be_younger_than_now_stays() {
        let found = [Found { name: "a".into(), modified: at(2_000) }];
        assert!(collectable(&found, &BTreeSet::new(), at(1_000), GRACE).is_empty());
    }

    proptest! {
        #[test]
        fn only_what_nothing_names_and_is_old_is_collected(
            ages in proptest::collection::btree_map("[a-d]{1,3}", 0..300_u64, 0..30),
            named in proptest::collection::btree_set("[a-d]{1,3}", 0..30),
        ) {
            let found: Vec<Found> =
                ages.iter().map(|(name, age)| Found { name: name.clone(), modified: at(1_000 - age) }).collect();
            let gone: BTreeSet<String> = collectable(&found, &named, at(1_000), GRACE).into_iter().collect();
            for (name, age) in &ages {
                prop_assert_eq!(gone.contains(name), *age > 100 && !named.contains(name), "{}", name);
            }
        }

        #[test]
        fn the_newest_pointers_stay(mut numbers in proptest::collection::vec(any::<u64>(), 0..20), keep in 0..10_usize) {
            numbers.sort_unstable();
            let gone = retired(&numbers, keep);
            prop_assert_eq!(numbers.len() - gone.len(), numbers.len().min(keep.max(LEAST_KEPT)));
            prop_assert_eq!(gone, &numbers[..gone.len()], "the oldest ones");
        }

        #[test]
        fn what_is_not_there_is_written_again(there in proptest::collection::btree_set(0..20_u8, 0..20)) {
            let name = |n: u8| format!("{n:064x}-{n:032x}");
            let files = (0..20).map(|n| FileEntry { path: n.to_string(), size: 1, pieces: vec![name(n)] });
            let about = About { user: "7".parse().expect("valid"), taken_ms: 1, browser: None, settings: None };
            let newest = Manifest { format: 1, about, colmeia: String::new(), files: files.collect() };
            let stored = Stored::of(&newest, &there.iter().map(|n| name(*n)).collect());
            for n in 0..20 {
                prop_assert_eq!(stored.get(&format!("{n:064x}")).is_some(), there.contains(&n));
            }
        }
    }
}
