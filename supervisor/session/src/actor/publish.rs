//! What others may see of a user: made from the policy and the connection after every event.
//!
//! Owns the rule that the word of a worker that cannot be believed is not shown.

use std::sync::Arc;
use std::time::SystemTime;

use colmeia::moment::now_ms;

use super::SessionActor;
use crate::lifecycle::State;
use crate::liveness::Trust;
use crate::passkey;
use crate::view::{Phase, UserView};

impl SessionActor {
    /// Publishes the view if it has changed, and its status to the journal.
    pub(super) fn publish(&mut self) {
        let (mut step, mut known) = (None, None);
        self.view.send_if_modified(|shown| {
            let next = self.view_after(shown);
            let changed = next != *shown;
            if changed {
                if passkey::is_known(&next) {
                    step = passkey::step(self.known.as_ref(), next.state());
                    known = Some(next.state().cloned());
                }
                *shown = next;
            }
            changed
        });
        if let Some(known) = known {
            self.known = known;
        }
        if let Some(step) = step {
            passkey::log(&self.user, step);
            self.host.metrics.passkey(step);
        }
        let at = self.at();
        if let Some(news) = self.told.news(&self.view.borrow(), at) {
            self.host.sink.keep_status(&self.user, news);
        }
    }

    fn view_after(&self, before: &UserView) -> UserView {
        let at = self.at();
        let believed = |connection: &&super::Connected| {
            matches!(self.lifecycle.state(), State::Running { .. })
                && connection.liveness.trust(at) == Trust::Fresh
        };
        let report = self.connection.as_ref().filter(believed).map(|connection| connection.report.clone());
        let mut view = UserView {
            phase: self.phase(&before.phase),
            since: before.since,
            report,
            pid: self.process.as_ref().map(|worker| worker.process.id()),
            restarts: self.lifecycle.restarts(),
            attempts: self.lifecycle.attempts(),
            last_exit: self.lifecycle.last_exit().cloned(),
            was_linked: self.lifecycle.linked(),
            passkey_over: None,
            last_lines: Arc::clone(&self.last_lines),
            memory: self.memory_use(),
            pong: self.connection.as_ref().and_then(|connection| connection.pong),
        };
        if view.phase != before.phase || view.state().map(|s| s.name()) != before.state().map(|s| s.name()) {
            view.since = SystemTime::now();
        }
        view.passkey_over = passkey::over(self.known.as_ref(), before.passkey_over, &view, now_ms());
        view
    }

    fn phase(&self, before: &Phase) -> Phase {
        match self.lifecycle.state() {
            State::Stopped { .. } if self.lifecycle.held() => Phase::Held,
            State::Stopped { .. } => Phase::Stopped,
            State::Queued { wait } => Phase::Queued { wait: *wait },
            State::Starting { .. } => Phase::Starting,
            State::Running { .. } => Phase::Running,
            State::LoggingOut { .. } | State::Stopping { .. } => {
                Phase::Stopping { back: self.lifecycle.comes_back().cloned() }
            }
            State::Parked { reason, .. } => Phase::Parked { reason: reason.clone() },
            // The wall clock is read once per delay, or the view would change with every event.
            State::BackingOff { until } => match before {
                Phase::BackingOff { .. } => before.clone(),
                _ => Phase::BackingOff { until: SystemTime::now() + until.saturating_sub(self.at()) },
            },
        }
    }
}
