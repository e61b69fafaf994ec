//! [`Lifecycle`]: when a user's worker is started, stopped, restarted, given up.
//!
//! Pure: [`Lifecycle::step`] takes an event, the time and a random number, and returns the next state and what is
//! to be done. It knows no process, no socket and no clock; `actor` carries the actions out.
//!
//! ```text
//!             Wake                 Admitted                Connected
//!  ┌─▶ Stopped ─────▶ Queued ────────────────▶ Starting ─────────────▶ Running ──┐ stable uptime:
//!  │     ▲  ▲           ▲ ▲ nobody asks: Stopped  │  ▲    connection lost │  ▲    │ failures forgotten
//!  │     │  │           │ └───────────┐           │  └────────────────────┤  └────┘
//!  │     │  │     delay │ over        │ Wake, but │ no Hello: Kill        │ hangs, lies: Kill
//!  │     │  │           │             │ not at    ▼                       ▼
//!  │     │  │       BackingOff      Parked ◀── Stopping(Failed) ◀─────────┤
//!  │     │  │           ▲             ▲ once        │                     │ Disconnect, linked
//!  │     │  │           └──── failure ┴─────────────┘                     ▼
//!  │     │  └──────────────────── Stopping(Asked) ◀───── answer, ──── LoggingOut
//!  │     │ unlinked and idle, Disconnect,  │             deadline
//!  └─────┘ Shutdown: Stop, then Kill ◀─────┘
//! ```
//!
//! A worker that is replaced for its memory, for its version, because the disk was full under it or because an operator
//! says `Restart` goes Stopping(Replaced) → Queued, without delay and uncounted.
//! An operator's `Hold` ends whatever there is and leads to `Stopped`, which a `Wake` does not leave: only the
//! operator's `Start`, `Restart` or `Reset` lifts it, and a `Delete`, after which nobody is held back any more.
//! The end of a process is reported only after everything that it left behind is gone, so a start can follow at
//! once. Every state but `Stopped` and `Parked` has a deadline, or waits for a place that others give back. Who is parked
//! for want of room on the disk is started once more now and then, for nobody may have seen that the disk was full.

mod operator;
mod transitions;
mod types;

use std::collections::VecDeque;
use std::time::Duration;

use colmeia::ExitReason;
use colmeia::session::HealthLevel;

pub(crate) use types::{Action, Ending, Event, Moment, Now, Rules, Standing, State};
pub use types::{Carried, PhoneNotified, Renewal};

/// How long a parked user stays parked whatever pages ask, so that the failure can be seen: a page that polls
/// `/qr` every few seconds must not undo the limit.
const PARKED_FOR: Duration = Duration::from_secs(30);
/// How long a session under which the disk was full may wait for a quiet moment: it may take nothing in meanwhile.
const MENDED_WITHIN: Duration = Duration::from_secs(60);
/// How long a task without anything to do is kept.
const LINGER: Duration = Duration::from_secs(60);
/// How long after somebody last asked for it a session that was never linked counts as watched: a page that shows a code
/// asks every twenty seconds.
pub(crate) const TURN: Duration = Duration::from_secs(30);
/// How long a page may take to tell the phone and to clear itself. Who asked is answered long before.
pub const LOGOUT: Duration = Duration::from_secs(35);

/// One user's state and history.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    rules: Rules,
    state: State,
    failures: VecDeque<Duration>,
    /// When someone last asked for the session.
    attended: Duration,
    /// Whether somebody would miss it, as the admission queue was told last.
    watched: bool,
    /// Since when the page waits for a phone.
    unlinked_since: Option<Duration>,
    /// A phone is linked as far as we know.
    linked: bool,
    /// What the process said last of its page.
    standing: Standing,
    /// Nobody has to ask: the session comes back by itself.
    keep: bool,
    wake_after: bool,
    /// An operator said stop; nobody else can say start.
    held: bool,
    forget: Option<Forget>,
    shutting_down: bool,
    links_lost_at: Option<Duration>,
    settle_by: Option<Duration>,
    /// Since when it is known that the disk was full while this process ran.
    met_full_disk: Option<Duration>,
    attempts: u32,
    restarts: u32,
    last_exit: Option<ExitReason>,
}

/// A disconnect under way.
#[derive(Debug, Clone, Copy)]
struct Forget {
    told: PhoneNotified,
    answer_by: Option<Duration>,
}

impl Lifecycle {
    /// A user without a process. `keep` when the user has a session on disk that may be linked.
    pub(crate) fn new(rules: Rules, keep: bool, at: Duration) -> Self {
        Self {
            rules,
            state: State::Stopped { until: at + LINGER },
            failures: VecDeque::new(),
            attended: at,
            watched: true,
            unlinked_since: None,
            linked: false,
            standing: Standing::Starting,
            keep,
            wake_after: false,
            held: false,
            forget: None,
            shutting_down: false,
            links_lost_at: None,
            settle_by: None,
            met_full_disk: None,
            attempts: 0,
            restarts: 0,
            last_exit: None,
        }
    }

    /// The same user, held back by an operator since before.
    pub(crate) fn held_back(self) -> Self {
        Self { held: true, ..self }
    }

    /// The same user, parked since before for this reason.
    pub(crate) fn parked(self, reason: ExitReason, at: Duration) -> Self {
        let last_exit = Some(reason.clone());
        let until = at + self.parked_for(&reason);
        Self { state: State::Parked { reason, until }, last_exit, ..self }
    }

    /// The same user with the history that another image of the program has passed on.
    pub(crate) fn carrying(mut self, carried: Carried, at: Duration) -> Self {
        carried.take_up(&mut self, at);
        self
    }

    /// What another image of the program should know.
    pub(crate) fn carry(&self, at: Duration) -> Carried {
        Carried::of(self, at)
    }

    /// A user whose worker was found alive and has said Hello.
    pub(crate) fn adopted(rules: Rules, at: Duration) -> Self {
        Self {
            state: State::Running { since: at, settled: false },
            settle_by: Some(at + rules.settle),
            ..Self::new(rules, true, at)
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Whether an operator wants no process.
    pub(crate) fn held(&self) -> bool {
        self.held
    }

    /// Whether a phone is linked as far as is known; of a session that is on disk and was not asked yet it is believed.
    pub(crate) fn linked(&self) -> bool {
        self.linked || self.keep
    }

    /// Whether somebody would miss the session: who has a phone, or is just getting one, or who looks.
    pub(crate) fn is_watched(&self, at: Duration) -> bool {
        self.unwatched_at().is_none_or(|due| at < due)
    }

    /// When nobody will miss it, unless somebody looks before; nothing where nobody has to look.
    fn unwatched_at(&self) -> Option<Duration> {
        let needs_eyes = !self.linked() && self.standing != Standing::Pairing;
        needs_eyes.then_some(self.attended + TURN)
    }

    /// Whether it has a place that others may want, or is to have one.
    fn takes_part_in_admission(&self) -> bool {
        matches!(self.state, State::Queued { .. } | State::Starting { .. } | State::Running { .. })
    }

    /// Whether no process is there and none is being started.
    pub(crate) fn rests(&self) -> bool {
        let rests = matches!(
            self.state,
            State::Stopped { .. } | State::Queued { .. } | State::BackingOff { .. } | State::Parked { .. }
        );
        rests && self.forget.is_none() && !self.shutting_down
    }

    /// Why the process is being ended, where another one is to take its place.
    pub(crate) fn comes_back(&self) -> Option<&ExitReason> {
        match &self.state {
            State::Stopping { ending: Ending::Replaced(why) | Ending::Failed(why), .. }
                if !self.shutting_down && self.forget.is_none() =>
            {
                Some(why)
            }
            _ => None,
        }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.restarts
    }

    pub(crate) fn last_exit(&self) -> Option<&ExitReason> {
        self.last_exit.as_ref()
    }

    /// When [`Event::Tick`] is due, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let own = match self.state {
            // Who is held back is kept in mind, so that nobody's wish starts a new history.
            State::Stopped { .. } if self.held => None,
            State::Stopped { until }
            | State::Starting { until, .. }
            | State::LoggingOut { until }
            | State::Stopping { until, .. }
            | State::BackingOff { until } => Some(until),
            State::Queued { .. } => self.given_up_at(),
            State::Running { since, .. } => {
                let stable = (self.attempts > 0).then_some(since + self.rules.stable);
                [stable, self.idle_at(), self.settle_by].into_iter().flatten().min()
            }
            State::Parked { until, .. } => self.waits_for_room().then_some(until),
        };
        let answer = self.forget.and_then(|forget| forget.answer_by);
        let unwatched =
            (self.watched && self.takes_part_in_admission()).then(|| self.unwatched_at()).flatten();
        [own, answer, unwatched].into_iter().flatten().min()
    }

    /// What follows from an event.
    #[must_use]
    pub(crate) fn step(mut self, event: Event, now: Now) -> (Self, Vec<Action>) {
        let mut actions = Vec::new();
        let was_parked = matches!(self.state, State::Parked { .. });
        match event {
            Event::Wake => self.wake(now.at, &mut actions),
            Event::GiveWay => self.give_way(now.at, &mut actions),
            Event::Waiting { wait } => {
                if let State::Queued { wait: shown } = &mut self.state {
                    *shown = wait;
                }
            }
            Event::Admitted => self.admitted(now.at, &mut actions),
            Event::Connected => self.connected(now.at),
            Event::Unreachable { why } => self.unreachable(why, now.at, &mut actions),
            Event::LinkLost => self.link_lost(false, now.at, &mut actions),
            Event::Resync => self.link_lost(true, now.at, &mut actions),
            Event::Violation => {
                let reason = ExitReason::Crash { process: "worker".into(), signal: None };
                self.fail_living(reason, now.at, &mut actions);
            }
            Event::Hung => {
                self.fail_living(ExitReason::Hang { level: HealthLevel::Ipc }, now.at, &mut actions);
            }
            Event::OverMemory => self.fail_living(ExitReason::Oom, now.at, &mut actions),
            Event::Recycle => self.recycle(now.at, &mut actions),
            Event::Report(standing) => self.report(standing, now.at, &mut actions),
            Event::Exited(reason) => self.exited(reason, now, &mut actions),
            Event::LogoutDone { told } => self.logout_done(told, now.at, &mut actions),
            Event::Renew => self.renew(now.at, &mut actions),
            Event::Disconnect => self.disconnect(now.at, &mut actions),
            Event::Reset => self.reset(now.at, &mut actions),
            Event::Delete => self.delete(now.at, &mut actions),
            Event::Hold => self.hold(now.at, &mut actions),
            Event::Start => self.start(now.at, &mut actions),
            Event::Restart => self.restart(now.at, &mut actions),
            Event::Replaced => self.keep = true,
            Event::Shutdown => self.shut_down(self.rules.stop, now.at, &mut actions),
            Event::Hurry => {
                self.shut_down(Duration::ZERO, now.at, &mut actions);
                self.tick(now.at, &mut actions);
            }
            Event::Room => self.room(&mut actions),
            Event::MetFullDisk => self.note_full_disk(now.at),
            Event::Mend(moment) => self.mend(moment, now.at, &mut actions),
            Event::NoMeans(called) => self.no_means(called, now, &mut actions),
            Event::Delayed => self.delayed(now.at),
            Event::Tick => self.tick(now.at, &mut actions),
        }
        let parked = matches!(self.state, State::Parked { .. });
        if parked != was_parked {
            actions.push(Action::KeepParked { parked });
        }
        let watched = self.is_watched(now.at);
        if watched != self.watched && self.takes_part_in_admission() {
            self.watched = watched;
            actions.push(Action::Watch { watched });
        }
        (self, actions)
    }
}

#[cfg(test)]
mod tests;
