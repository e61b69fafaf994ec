//! [`Trends`]: what each session took of the memory, and how often it was started again, over the last day.
//!
//! Owns the samples: one each two minutes, in memory and gone with the process, bounded by the number of sessions. One task
//! writes ([`Trends::follow`]); pages read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use colmeia::UserId;
use colmeia_session::UserView;
use tokio_util::sync::CancellationToken;

use crate::state::Http;

/// How often it is looked.
pub(crate) const STEP: Duration = Duration::from_secs(120);
/// How many samples are kept: a day's.
pub(crate) const MOST: usize = 720;

/// One look at a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// In MiB; absent while nothing runs, or nobody measures.
    pub(crate) memory: Option<u16>,
    /// How often it had been started again by then.
    pub(crate) restarts: u16,
}

/// The samples of everyone.
#[derive(Debug, Default)]
pub(crate) struct Trends(Mutex<HashMap<UserId, VecDeque<Sample>>>);

impl Sample {
    fn of(view: &UserView) -> Self {
        let mib = |bytes: u64| u16::try_from(bytes >> 20).unwrap_or(u16::MAX);
        Self {
            memory: view.memory.filter(|_| view.pid.is_some()).map(|memory| mib(memory.used)),
            restarts: u16::try_from(view.restarts).unwrap_or(u16::MAX),
        }
    }
}

impl Trends {
    /// Looks at everyone until the service ends.
    pub(crate) async fn follow(http: Http, stop: CancellationToken) {
        let mut beat = tokio::time::interval(STEP);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(beat.tick()).await.is_some() {
            let everyone = http.users.list().into_iter().map(|handle| (handle.user.clone(), handle.view()));
            http.trends.note(everyone.collect());
        }
    }

    /// One look at everyone. Whoever is not there any more is forgotten.
    pub(crate) fn note(&self, everyone: HashMap<UserId, UserView>) {
        let mut all = self.all();
        all.retain(|user, _| everyone.contains_key(user));
        for (user, view) in everyone {
            let samples = all.entry(user).or_default();
            if samples.len() == MOST {
                samples.pop_front();
            }
            samples.push_back(Sample::of(&view));
        }
    }

    /// A session's samples, the oldest first.
    pub(crate) fn of(&self, user: &UserId) -> Vec<Sample> {
        self.all().get(user).map(|samples| samples.iter().copied().collect()).unwrap_or_default()
    }

    /// A panic while the lock was held leaves whole samples.
    fn all(&self) -> MutexGuard<'_, HashMap<UserId, VecDeque<Sample>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::stage::{me, running, view};
    use colmeia::SessionState;
    use colmeia_session::{MemoryUse, Phase};

    fn user(id: &str) -> UserId {
        id.parse().expect("valid")
    }

    #[test]
    fn a_day_is_kept_and_whoever_is_gone_is_forgotten() {
        let trends = Trends::default();
        let memory = Some(MemoryUse { used: 300 << 20, peak: 300 << 20, cap: 1024 << 20 });
        let runs =
            UserView { memory, pid: Some(7), restarts: 2, ..running(SessionState::Ready { me: me() }) };
        let ended = UserView { pid: None, ..runs.clone() };
        for _ in 0..MOST + 5 {
            trends.note([(user("1"), runs.clone()), (user("2"), view(Phase::Held))].into());
        }
        trends.note([(user("1"), ended)].into());
        let kept = trends.of(&user("1"));
        assert_eq!(kept.len(), MOST);
        assert_eq!(kept[0], Sample { memory: Some(300), restarts: 2 });
        assert_eq!(kept[MOST - 1], Sample { memory: None, restarts: 2 }, "what is gone takes nothing");
        assert!(trends.of(&user("2")).is_empty());
    }
}
