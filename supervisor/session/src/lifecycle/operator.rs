//! What an operator's words mean in each state. Owns the hold: nothing but an operator lifts it.

use std::time::Duration;

use colmeia::ExitReason;

use super::{Action, Ending, Forget, Lifecycle, PhoneNotified, State};

impl Lifecycle {
    /// Stops, and stays stopped.
    pub(super) fn hold(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.shutting_down {
            return;
        }
        self.wake_after = false;
        if !self.held {
            self.held = true;
            actions.push(Action::KeepHold { held: true });
        }
        match &mut self.state {
            State::Running { .. } | State::Starting { .. } => self.stop_within(self.rules.stop, at, actions),
            // Already on its way out; what follows is no restart.
            State::Stopping { ending, .. } => *ending = Ending::Asked,
            State::LoggingOut { .. } | State::Stopped { .. } => {}
            State::Queued { .. } | State::BackingOff { .. } | State::Parked { .. } => self.rest(at, actions),
        }
    }

    /// Starts now: no hold, no delay and no memory of failures stands in the way.
    pub(super) fn start(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if self.shutting_down {
            return;
        }
        self.attended = at;
        self.lift(actions);
        match &self.state {
            State::Stopped { .. } | State::BackingOff { .. } | State::Parked { .. } => {
                self.forgive();
                self.queue(actions);
            }
            State::LoggingOut { .. } | State::Stopping { ending: Ending::Asked, .. } => {
                self.wake_after = true;
            }
            State::Queued { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. } => {}
        }
    }

    /// A new process in the same place, so that nobody who waits takes it meanwhile.
    pub(super) fn restart(&mut self, at: Duration, actions: &mut Vec<Action>) {
        match &self.state {
            State::Running { .. } | State::Starting { .. } => {
                self.attended = at;
                self.lift(actions);
                self.forgive();
                // Also when the old one ends saying that the phone was unlinked: then for a new code.
                self.wake_after = true;
                self.replace(ExitReason::Stopped, at, actions);
            }
            _ => self.start(at, actions),
        }
    }

    /// Deletes the session without asking it anything, and with it every memory of the user.
    pub(super) fn reset(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.lift(actions);
        if !matches!(self.state, State::Running { .. } | State::LoggingOut { .. }) {
            return self.disconnect(at, actions);
        }
        let answer_by = Some(at + self.rules.disconnect);
        let forget = self.forget.get_or_insert(Forget { told: PhoneNotified::No, answer_by });
        forget.answer_by = forget.answer_by.or(answer_by);
        self.wake_after = false;
        self.stop_within(self.rules.disconnect.mul_f64(0.5), at, actions);
    }

    /// Tells the phone, if there is one, and deletes the session with every mark of it.
    pub(super) fn delete(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.lift(actions);
        self.disconnect(at, actions);
    }

    fn lift(&mut self, actions: &mut Vec<Action>) {
        if self.held {
            self.held = false;
            actions.push(Action::KeepHold { held: false });
        }
    }

    pub(super) fn forgive(&mut self) {
        self.failures.clear();
        self.attempts = 0;
    }
}
