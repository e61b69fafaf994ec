//! What each event means in each state. Owns the rules; [`Lifecycle::step`] is the only way in.

use std::time::Duration;

use colmeia::ExitReason;
use colmeia::session::{HealthLevel, LaunchCause};

use crate::admission::Wait;

use super::{
    Action, Ending, Forget, LINGER, LOGOUT, Lifecycle, MENDED_WITHIN, Moment, Now, PARKED_FOR, PhoneNotified,
    Renewal, Standing, State,
};

/// How long after a kill the process may still be there before it is killed again.
const KILL_AGAIN: Duration = Duration::from_secs(5);

impl Lifecycle {
    /// When a start that nobody asks for again is given up.
    pub(super) fn given_up_at(&self) -> Option<Duration> {
        (!self.keep).then_some(self.attended + self.rules.idle)
    }

    /// When a session whose code nobody asks for is given up.
    pub(super) fn idle_at(&self) -> Option<Duration> {
        self.unlinked_since.map(|since| since.max(self.attended) + self.rules.idle)
    }

    pub(super) fn wake(&mut self, at: Duration, actions: &mut Vec<Action>) {
        self.attended = at;
        if self.shutting_down || self.held {
            return;
        }
        match &self.state {
            State::Stopped { .. } => self.queue(actions),
            State::Parked { until, .. } if at >= *until => {
                self.forgive();
                self.queue(actions);
            }
            // After a failure the session comes back by itself. After an end that was asked for it has to be asked for.
            State::LoggingOut { .. } | State::Stopping { ending: Ending::Asked, .. } => {
                self.wake_after = true
            }
            _ => {}
        }
    }

    /// A user who had a session keeps waiting. One who has a process gives it up if nobody has asked for a while.
    pub(super) fn give_way(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let waits = matches!(
            self.state,
            State::Stopped { .. } | State::Queued { .. } | State::BackingOff { .. } | State::Parked { .. }
        );
        if waits && !self.linked() && !self.held {
            self.rest(at, actions);
        }
        if self.is_watched(at) || self.forget.is_some() {
            return;
        }
        match &mut self.state {
            State::Starting { .. } | State::Running { .. } => {
                self.unlinked_since = None;
                self.stop_within(self.rules.stop, at, actions);
            }
            State::Stopping { ending: ending @ Ending::Replaced(_), .. } => *ending = Ending::Asked,
            _ => {}
        }
    }

    pub(super) fn queue(&mut self, actions: &mut Vec<Action>) {
        self.wake_after = false;
        self.state = State::Queued { wait: Wait::Starts };
        actions.push(Action::RequestPlace);
    }

    pub(super) fn admitted(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::Queued { .. }) {
            return; // the start was withdrawn, and its place in the queue with it
        }
        self.unlinked_since = None;
        self.standing = Standing::Starting;
        self.links_lost_at = None;
        self.settle_by = Some(at + self.rules.settle);
        self.state = State::Starting { until: at + self.rules.hello, again: false };
        actions.push(Action::Spawn);
    }

    /// The machine lacks what a start takes. That counts as no failure: the user waits in the queue until it is there.
    pub(super) fn no_means(&mut self, called: ExitReason, now: Now, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Starting { .. }) {
            self.settle_by = None;
            self.last_exit = Some(called);
            actions.push(Action::RestPlace);
            self.queue(actions);
        } else {
            self.exited(called, now, actions);
        }
    }

    /// Gives the Hello its whole time again.
    pub(super) fn delayed(&mut self, at: Duration) {
        if let State::Starting { until, .. } = &mut self.state {
            *until = at + self.rules.hello;
        }
    }

    pub(super) fn connected(&mut self, at: Duration) {
        if matches!(self.state, State::Starting { .. }) {
            self.state = State::Running { since: at, settled: self.settle_by.is_none() };
        }
    }

    pub(super) fn unreachable(&mut self, why: String, at: Duration, actions: &mut Vec<Action>) {
        if let State::Starting { again, .. } = self.state {
            let reason = if again {
                ExitReason::Hang { level: HealthLevel::Ipc }
            } else {
                ExitReason::LaunchFailed { cause: LaunchCause::Other, why }
            };
            self.fail_living(reason, at, actions);
        }
    }

    pub(super) fn link_lost(&mut self, by_us: bool, at: Duration, actions: &mut Vec<Action>) {
        match self.state {
            State::Running { .. } => {
                let often = self.links_lost_at.is_some_and(|last| at < last + self.rules.stable);
                if !by_us {
                    self.links_lost_at = Some(at);
                }
                if often && !by_us {
                    self.fail_living(ExitReason::Hang { level: HealthLevel::Ipc }, at, actions);
                } else {
                    self.state = State::Starting { until: at + self.rules.hello, again: true };
                    actions.push(Action::Connect);
                }
            }
            State::LoggingOut { .. } => self.logout_done(PhoneNotified::No, at, actions),
            _ => {}
        }
    }

    /// Ends a process with which something is wrong. It is killed and not asked, because it may not answer.
    pub(super) fn fail_living(&mut self, reason: ExitReason, at: Duration, actions: &mut Vec<Action>) {
        let ending = match &self.state {
            State::Starting { .. } | State::Running { .. } => Ending::Failed(reason),
            State::LoggingOut { .. } => Ending::Asked,
            State::Stopping { ending: ending @ (Ending::Asked | Ending::Replaced(_)), .. } => ending.clone(),
            _ => return,
        };
        self.state = State::Stopping { until: at + KILL_AGAIN, ending };
        actions.push(Action::Kill);
    }

    /// Asks a process to end, so that a new one can take its place at once.
    pub(super) fn replace(&mut self, called: ExitReason, at: Duration, actions: &mut Vec<Action>) {
        self.state = State::Stopping { until: at + self.rules.stop, ending: Ending::Replaced(called) };
        actions.push(Action::Stop);
    }

    pub(super) fn recycle(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Running { .. }) {
            self.replace(ExitReason::CapRecycle, at, actions);
        }
    }

    /// Starts a user who is parked because the disk was full, without waiting for somebody to ask.
    pub(super) fn room(&mut self, actions: &mut Vec<Action>) {
        if self.lacks_room() {
            self.forgive();
            self.queue(actions);
        }
    }

    fn lacks_room(&self) -> bool {
        let full = matches!(&self.state, State::Parked { reason, .. } if is_disk_full(reason));
        full && !self.shutting_down
    }

    /// Whether a start is tried now and then to see if there is room. The check of the disk may have missed it: it was
    /// full only for a moment, or it is another disk than the one that is checked.
    pub(super) fn waits_for_room(&self) -> bool {
        self.lacks_room() && self.keep
    }

    /// How long a user stays parked who failed for this reason.
    pub(super) fn parked_for(&self, reason: &ExitReason) -> Duration {
        if is_disk_full(reason) { PARKED_FOR.min(self.rules.cap) } else { PARKED_FOR }
    }

    /// The page's storage has met a full disk. Such a page may take in no more messages, and looks healthy all the same.
    pub(super) fn note_full_disk(&mut self, at: Duration) {
        if matches!(self.state, State::Starting { .. } | State::Running { .. }) {
            self.met_full_disk.get_or_insert(at);
        }
    }

    /// Replaces the worker of a session under which the disk was full, if it is its turn now. It waits for events that
    /// are on no disk yet, as long as that takes: they would be lost with the worker.
    pub(crate) fn mending(&self, moment: Moment, at: Duration) -> Renewal {
        let Some(since) = self.met_full_disk else { return Renewal::Needless };
        let runs = matches!(self.state, State::Running { .. });
        let due = moment.quiet || at >= since + MENDED_WITHIN;
        if runs && due && moment.saved { Renewal::Begun } else { Renewal::Later }
    }

    pub(super) fn mend(&mut self, moment: Moment, at: Duration, actions: &mut Vec<Action>) {
        if self.mending(moment, at) == Renewal::Begun {
            self.replace(ExitReason::DiskRecycle, at, actions);
        }
    }

    pub(super) fn report(&mut self, standing: Standing, at: Duration, actions: &mut Vec<Action>) {
        let State::Running { settled, .. } = &mut self.state else { return };
        if !*settled && !matches!(standing, Standing::Starting | Standing::Ending) {
            *settled = true;
            self.settle_by = None;
            actions.push(Action::Settle);
        }
        self.standing = standing;
        match standing {
            Standing::Unlinked => {
                self.linked = false;
                self.keep = false;
                self.unlinked_since.get_or_insert(at);
            }
            Standing::Pairing => self.unlinked_since = None,
            Standing::Linked => {
                self.unlinked_since = None;
                self.keep = true;
                if !self.linked {
                    self.linked = true;
                    actions.push(Action::Remember { linked: true });
                }
            }
            Standing::Starting | Standing::Ending => {}
        }
    }

    /// Why a process ended. If we ended it, our reason counts more than what the process says.
    pub(crate) fn reason_of(&self, said: ExitReason) -> ExitReason {
        match &self.state {
            State::Stopping { ending: Ending::Failed(why), .. } => why.clone(),
            State::Stopping { ending: Ending::Replaced(called), .. } if said != ExitReason::LoggedOut => {
                called.clone()
            }
            _ => said,
        }
    }

    pub(super) fn exited(&mut self, reason: ExitReason, now: Now, actions: &mut Vec<Action>) {
        let asked = match &self.state {
            State::LoggingOut { .. } | State::Stopping { ending: Ending::Asked, .. } => true,
            State::Stopping { .. } | State::Starting { .. } | State::Running { .. } => false,
            _ => return,
        };
        let replaced = matches!(self.state, State::Stopping { ending: Ending::Replaced(_), .. });
        let reason = self.reason_of(reason);
        self.settle_by = None;
        self.unlinked_since = None;
        self.met_full_disk = None;
        if let Some(forget) = &mut self.forget
            && reason == ExitReason::LoggedOut
        {
            // The page says that the link has ended, so the phone knows of it.
            forget.told = PhoneNotified::Yes;
        }
        self.last_exit = Some(reason.clone());
        if asked || self.shutting_down || self.forget.is_some() || reason == ExitReason::LoggedOut {
            if reason == ExitReason::LoggedOut {
                self.linked = false;
                self.keep = false;
                actions.push(Action::Remember { linked: false });
            }
            self.rest(now.at, actions);
        } else if replaced {
            actions.push(Action::RestPlace);
            if matches!(reason, ExitReason::CapRecycle | ExitReason::DiskRecycle) {
                self.restarts = self.restarts.saturating_add(1); // nobody asked for this one
            }
            self.queue(actions);
        } else {
            self.failed(reason, now, actions);
        }
    }

    pub(super) fn failed(&mut self, reason: ExitReason, now: Now, actions: &mut Vec<Action>) {
        self.attempts = self.attempts.saturating_add(1);
        self.failures.push_back(now.at);
        while self.failures.front().is_some_and(|first| *first + self.rules.burst_window < now.at) {
            self.failures.pop_front();
        }
        // Another start would change nothing here; a person has to.
        let hopeless = matches!(reason, ExitReason::Banned | ExitReason::Conflict);
        // One more start shows whether there is room.
        let still_full = is_disk_full(&reason) && self.attempts as usize > self.rules.burst;
        // The machine is at fault, so nobody is given up for it. The others are held up only if we have seen it ourselves.
        let parked = hopeless || still_full || self.failures.len() >= self.rules.burst;
        if parked && !lacks_means(&reason) {
            self.state = State::Parked { until: now.at + self.parked_for(&reason), reason };
            actions.push(Action::ReleasePlace);
        } else {
            let doublings = (self.attempts - 1).min(31);
            let ceiling = self.rules.base.saturating_mul(1 << doublings).min(self.rules.cap);
            self.state = State::BackingOff { until: now.at + ceiling.mul_f64(now.chance.clamp(0.0, 1.0)) };
            actions.push(if self.keep { Action::RestPlace } else { Action::ReleasePlace });
        }
    }

    /// No process is left. The session stays down unless somebody has asked for it meanwhile.
    pub(super) fn rest(&mut self, at: Duration, actions: &mut Vec<Action>) {
        actions.push(Action::ReleasePlace);
        if let Some(forget) = self.forget.take() {
            actions.push(Action::DeleteAuth { told: forget.told });
            if forget.answer_by.is_some() {
                actions.push(Action::AnswerDisconnect { told: forget.told });
            }
            (self.linked, self.keep, self.last_exit) = (false, false, None);
            self.forgive();
        }
        if self.wake_after && !self.held && !self.shutting_down {
            self.queue(actions);
        } else {
            self.state = State::Stopped { until: at + LINGER };
            if !self.held || self.shutting_down {
                actions.push(Action::Finish);
            }
        }
    }

    /// A worker that was told of the deletion clears its profile and ends by itself. One that was not told is ended.
    pub(super) fn logout_done(&mut self, told: PhoneNotified, at: Duration, actions: &mut Vec<Action>) {
        if let Some(forget) = &mut self.forget
            && forget.told != PhoneNotified::Yes
        {
            forget.told = told;
        }
        if matches!(self.state, State::LoggingOut { .. }) && told != PhoneNotified::Yes {
            self.stop_within(self.rules.disconnect.mul_f64(0.2), at, actions);
        }
    }

    pub(super) fn stop_within(&mut self, time: Duration, at: Duration, actions: &mut Vec<Action>) {
        self.state = State::Stopping { until: at + time, ending: Ending::Asked };
        actions.push(Action::Stop);
    }

    /// Replaces a worker that runs. The next start of any other is of our version anyway.
    pub(super) fn renew(&mut self, at: Duration, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Running { .. }) {
            self.replace(ExitReason::Stopped, at, actions);
        }
    }

    pub(super) fn disconnect(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let answer_by = Some(at + self.rules.disconnect);
        let forget = self.forget.get_or_insert(Forget { told: PhoneNotified::No, answer_by });
        forget.answer_by = forget.answer_by.or(answer_by);
        self.wake_after = false;
        let soon = self.rules.disconnect.mul_f64(0.2);
        match &mut self.state {
            // A phone may have scanned the code a moment ago; only the page knows.
            State::Running { .. }
                if self.linked || matches!(self.standing, Standing::Unlinked | Standing::Pairing) =>
            {
                self.state = State::LoggingOut { until: at + LOGOUT };
                actions.push(Action::Logout);
            }
            State::Running { .. } | State::Starting { .. } => self.stop_within(soon, at, actions),
            State::Stopping { until, ending } => {
                *ending = Ending::Asked;
                *until = (*until).min(at + soon);
            }
            State::LoggingOut { .. } => {}
            _ => self.rest(at, actions),
        }
    }

    pub(super) fn shut_down(&mut self, time: Duration, at: Duration, actions: &mut Vec<Action>) {
        self.shutting_down = true;
        self.wake_after = false;
        match &mut self.state {
            State::Running { .. } | State::Starting { .. } => self.stop_within(time, at, actions),
            // The phone is being told; the deadlines of a disconnect are short.
            State::LoggingOut { until } | State::Stopping { until, .. } => *until = (*until).min(at + time),
            _ => self.rest(at, actions),
        }
    }

    pub(super) fn tick(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let given_up = self.given_up_at().is_some_and(|due| at >= due);
        let waits_for_room = self.waits_for_room();
        if let Some(forget) = &mut self.forget
            && forget.answer_by.is_some_and(|due| at >= due)
        {
            forget.answer_by = None;
            actions.push(Action::AnswerDisconnect { told: forget.told });
        }
        match &mut self.state {
            State::Stopped { until } if at >= *until && !self.held => {
                *until = at + LINGER;
                actions.push(Action::Finish);
            }
            State::Queued { .. } if given_up => self.rest(at, actions),
            State::Starting { until, .. } if at >= *until => {
                self.unreachable("the worker did not say Hello in time".into(), at, actions);
            }
            State::Running { .. } => self.tick_running(at, actions),
            State::LoggingOut { until } if at >= *until => self.logout_done(PhoneNotified::No, at, actions),
            State::Stopping { until, .. } if at >= *until => {
                *until = at + KILL_AGAIN;
                actions.push(Action::Kill);
            }
            State::Parked { until, .. } if at >= *until && waits_for_room => self.queue(actions),
            State::BackingOff { until } if at >= *until => {
                if given_up {
                    self.rest(at, actions);
                } else {
                    self.restarts = self.restarts.saturating_add(1);
                    self.queue(actions);
                }
            }
            _ => {}
        }
    }

    pub(super) fn tick_running(&mut self, at: Duration, actions: &mut Vec<Action>) {
        let State::Running { since, settled } = &mut self.state else { return };
        if self.settle_by.is_some_and(|due| at >= due) {
            self.settle_by = None;
            *settled = true;
            actions.push(Action::Settle);
        }
        if at >= *since + self.rules.stable {
            self.forgive();
        }
        if self.idle_at().is_some_and(|due| at >= due) {
            self.unlinked_since = None;
            actions.push(Action::Remember { linked: false });
            self.stop_within(self.rules.stop, at, actions);
        }
    }
}

fn lacks_means(reason: &ExitReason) -> bool {
    matches!(reason, ExitReason::LaunchFailed { cause: LaunchCause::Machine, .. })
}

fn is_disk_full(reason: &ExitReason) -> bool {
    matches!(reason, ExitReason::LaunchFailed { cause: LaunchCause::DiskFull, .. })
}
