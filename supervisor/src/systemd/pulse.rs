//! The beat: [`beat`] feeds the service manager's watchdog and tells it how many sessions there are.
//!
//! Owns the rule that only a supervisor that really turns is alive: each beat goes through the accept loop and the
//! registry. Never a timer that ticks beside a service that stands still.

use std::time::Duration;

use colmeia::SessionState;
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};

use colmeia_control::server_control::ServerControl;
use colmeia_session::registry::Registry;

/// How often, where the service manager asks for no more.
const PACE: Duration = Duration::from_secs(5);

/// How many sessions are where.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    ready: usize,
    unlinked: usize,
    others: usize,
}

/// Beats until it is dropped.
pub(crate) async fn beat(registry: Registry, http: ServerControl) {
    let watchdog = sd_notify::watchdog_enabled();
    let pace = watchdog.map_or(PACE, |limit| (limit / 3).min(PACE)).max(Duration::from_millis(50));
    let mut pulse = interval(pace);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        pulse.tick().await;
        if timeout(pace, http.beat()).await.is_err() {
            tracing::error!("the accept loop does not turn; the watchdog is not fed");
            continue;
        }
        let counts = count(&registry);
        if watchdog.is_some() {
            super::say(&[NotifyState::Watchdog]);
        }
        if told.as_ref() != Some(&counts) && !http.is_stopping() {
            super::say(&[NotifyState::Status(&counts.sentence())]);
            told = Some(counts);
        }
    }
}

fn count(registry: &Registry) -> Counts {
    let mut counts = Counts::default();
    for user in registry.list() {
        match user.view().state() {
            Some(SessionState::Ready { .. }) => counts.ready += 1,
            Some(SessionState::AwaitingScan { .. }) => counts.unlinked += 1,
            _ => counts.others += 1,
        }
    }
    counts
}

impl Counts {
    fn sentence(&self) -> String {
        format!("{} ready, {} waiting for a scan, {} neither", self.ready, self.unlinked, self.others)
    }
}
