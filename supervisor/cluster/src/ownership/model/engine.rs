//! The engine as the ground's contract describes it: one order of all changes, compare-and-set, and it is away at times.

use std::collections::BTreeMap;

use crate::names::Key;
use crate::ownership::words::Outcome;
use crate::records::{Record, Revision};

#[derive(Debug, Default)]
pub(super) struct Engine {
    pub(super) records: BTreeMap<Key, (Revision, Record)>,
    last: u64,
    /// Until when it is away.
    pub(super) away: u64,
    /// Whether a user's record is written only at the revision that was expected.
    compares: bool,
}

impl Engine {
    pub(super) fn new(compares: bool) -> Self {
        Self { compares, ..Self::default() }
    }

    pub(super) fn write(&mut self, expected: Option<Revision>, record: &Record) -> Outcome {
        let key = record.key();
        let found = self.records.get(&key).map(|(revision, _)| *revision);
        if found != expected && (self.compares || matches!(record, Record::Host(..))) {
            return Outcome::Refused;
        }
        self.last += 1;
        let revision = Revision(self.last);
        self.records.insert(key, (revision, record.clone()));
        Outcome::Done(revision)
    }
}
