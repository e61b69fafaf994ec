//! Looks at everyone every two minutes: what each session takes of the memory, and how often it was started again. The journal
//! keeps it, and pages draw it.

use std::time::Duration;

use colmeia::UserId;
use colmeia::errors::chain;
use colmeia_session::UserView;
use tokio_util::sync::CancellationToken;

use crate::state::Http;

/// How often it is looked.
pub(crate) const STEP: Duration = Duration::from_secs(120);

/// Looks at everyone until the service ends.
pub(crate) async fn follow(http: Http, stop: CancellationToken) {
    let mut beat = tokio::time::interval(STEP);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(beat.tick()).await.is_some() {
        look(&http).await;
    }
}

/// What cannot be written is a gap.
pub(crate) async fn look(http: &Http) {
    let everyone = http.users.list();
    let taken = everyone.iter().filter_map(|handle| sample(&handle.user, &handle.view())).collect();
    if let Err(error) = http.journal.note_samples(taken).await {
        tracing::debug!(error = chain(&error), "what sessions take is not written down");
    }
}

/// In MiB; nothing while nothing runs, or nobody measures.
fn sample(user: &UserId, view: &UserView) -> Option<(UserId, u16, u16)> {
    let memory = view.memory.filter(|_| view.pid.is_some())?;
    let small = |number: u64| u16::try_from(number).unwrap_or(u16::MAX);
    Some((user.clone(), small(memory.used >> 20), small(view.restarts.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::stage::{me, running, view};
    use colmeia::SessionState;
    use colmeia_session::{MemoryUse, Phase};

    #[test]
    fn only_what_runs_and_is_measured_is_a_sample() {
        let user: UserId = "1".parse().expect("valid");
        let memory = Some(MemoryUse { used: 300 << 20, peak: 300 << 20, cap: 1024 << 20 });
        let runs =
            UserView { memory, pid: Some(7), restarts: 2, ..running(SessionState::Ready { me: me() }) };
        assert_eq!(sample(&user, &runs), Some((user.clone(), 300, 2)));
        let huge = MemoryUse { used: u64::MAX, peak: 0, cap: 0 };
        let most = UserView { memory: Some(huge), restarts: u32::MAX, ..runs.clone() };
        assert_eq!(sample(&user, &most), Some((user.clone(), u16::MAX, u16::MAX)));
        assert_eq!(sample(&user, &UserView { pid: None, ..runs.clone() }), None);
        assert_eq!(sample(&user, &UserView { memory: None, ..runs }), None);
        assert_eq!(sample(&user, &view(Phase::Held)), None);
    }
}
