//! [`Boot`]: how far the sessions are that were found when the service began.
//!
//! Owns who was found and how far each got at best: a session that was ready once counts as back for good.

use std::collections::HashMap;

use colmeia::UserId;
use parking_lot::{Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(super) struct Boot(Mutex<HashMap<UserId, Stage>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Found,
    Started,
    Ready,
}

/// How many got how far; each number contains the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) found: i64,
    pub(super) started: i64,
    pub(super) ready: i64,
}

impl Boot {
    pub(super) fn found(&self, user: &UserId) {
        self.stages().entry(user.clone()).or_insert(Stage::Found);
    }

    pub(super) fn started(&self, user: &UserId) {
        self.reach(user, Stage::Started);
    }

    pub(super) fn ready(&self, user: &UserId) {
        self.reach(user, Stage::Ready);
    }

    pub(super) fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for stage in self.stages().values() {
            progress.found += 1;
            progress.started += i64::from(*stage >= Stage::Started);
            progress.ready += i64::from(*stage >= Stage::Ready);
        }
        progress
    }

    /// Who came later is none of its business.
    fn reach(&self, user: &UserId, stage: Stage) {
        if let Some(reached) = self.stages().get_mut(user) {
            *reached = stage.max(*reached);
        }
    }

    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    fn stages(&self) -> MutexGuard<'_, HashMap<UserId, Stage>> {
        self.0.lock()
    }
}
