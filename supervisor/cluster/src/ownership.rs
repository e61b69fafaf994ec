//! Who owns a user: the machine that every host runs.
//!
//! Owns the decisions. [`Machine::step`] takes what happened and what time it is, and says what is to be done; it has no
//! clock, no task and no I/O. How long everything takes is in [`times`], what is said in and out in [`words`].
//!
//! Why no user ever has two browsers: a browser runs only while its host's lease is younger than [`times::DEAD_MAN`],
//! counted from before the renewal was sent. Somebody else owns the user only after the record was changed by
//! compare-and-set, which takes that the owner gave it away when its browser was gone, or that the owner's epoch was
//! over. That is so when everything of it was killed, or when others saw no renewal for [`times::FENCE`].
//! `model` plays this against pauses, cuts, lost answers and clocks that differ.

mod lease;
mod observer;
mod placing;
mod rules;
pub mod times;
mod users;
pub mod words;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::moment::Moment;
use crate::names::HostId;
use crate::records::Revision;
use lease::{Change, Lease};
use observer::Observer;
use rules::Rules;
use users::{Sight, Users};
use words::{By, Effect, Event, Out, Outcome};

/// What a host knows of itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub host: HostId,
    /// This program among all that ever have the name; to be chosen at random.
    pub instance: u64,
    /// Where other hosts reach it.
    pub address: String,
    /// How many users it takes.
    pub capacity: u32,
    /// Whether it can freeze its users' control groups. Where it cannot, it kills instead.
    pub can_freeze: bool,
    /// What else its record says.
    pub other: BTreeMap<String, Value>,
}

/// A lease for the program that takes this one's place on this machine, such as at an upgrade. It is worth nothing after
/// a restart of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    instance: u64,
    epoch: u64,
    revision: Revision,
    beat: u64,
    rounds: u64,
    good: Moment,
    frozen: bool,
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Machine {
    host: HostId,
    capacity: u32,
    lease: Lease,
    observer: Observer,
    users: Users,
    rules: Rules,
    is_leaving: bool,
    now: Moment,
    out: Out,
}

macro_rules! sight {
    ($machine:expr) => {
        &Sight {
            now: $machine.now,
            me: &$machine.host,
            epoch: $machine.lease.epoch(),
            until: $machine.lease.permits($machine.now),
            observer: &$machine.observer,
            capacity: $machine.capacity,
            leaving: $machine.is_leaving,
        }
    };
}

impl Machine {
    /// Begins with nothing. First of all it has everything killed that an earlier program may have left.
    #[must_use]
    pub fn begin(settings: Settings, now: Moment) -> Self {
        Self::begin_with(settings, now, Rules::default())
    }

    fn begin_with(settings: Settings, now: Moment, rules: Rules) -> Self {
        let (host, capacity) = (settings.host.clone(), settings.capacity);
        Self::new(host, capacity, Lease::begin(settings, rules, now), now, rules)
    }

    /// Goes on in the epoch of the program whose place this one takes. Its workers run on; who is watched to be ours is
    /// started, which for a worker that runs means that it is adopted, and the others exit by their own timers.
    #[must_use]
    pub fn resume(settings: Settings, kept: &Kept, now: Moment) -> Self {
        Self::resume_with(settings, kept, now, Rules::default())
    }

    fn resume_with(settings: Settings, kept: &Kept, now: Moment, rules: Rules) -> Self {
        let (host, capacity) = (settings.host.clone(), settings.capacity);
        Self::new(host, capacity, Lease::resume(settings, rules, kept, now), now, rules)
    }

    fn new(host: HostId, capacity: u32, lease: Lease, now: Moment, rules: Rules) -> Self {
        let (observer, users) = (Observer::new(rules), Users::new(rules));
        Self { host, capacity, lease, observer, users, rules, is_leaving: false, now, out: Out::default() }
    }

    /// What the next program needs to go on with the lease; `None` if there is none. This one must not be asked again.
    #[must_use]
    pub fn kept(&self) -> Option<Kept> {
        self.lease.kept()
    }

    /// The epoch of the lease, if there is one.
    #[must_use]
    pub fn epoch(&self) -> Option<u64> {
        self.lease.epoch()
    }

    /// When [`Event::Tick`] is to be told at the latest; `None` when this host has left.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        let lease = self.lease.next()?;
        if self.lease.permits(self.now).is_none() {
            return Some(lease);
        }
        let others = [self.observer.next(self.now), self.users.next(self.now)];
        Some(others.into_iter().flatten().fold(lease, Moment::min))
    }

    /// Takes what happened, at this moment, and says what is to be done, in this order.
    #[must_use]
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Effect> {
        self.now = self.now.max(now);
        let now = self.now;
        if !self.rules.take_over_waits
            && let Event::Conflict(user) = &event
        {
            self.users.conflict(user, now, &mut self.out);
        }
        let lapsed = self.lease.deadlines(now, &mut self.out);
        self.changed(lapsed);
        self.take(now, event);
        self.due(now);
        std::mem::take(&mut self.out.effects)
    }

    fn changed(&mut self, change: Option<Change>) {
        match change {
            Some(Change::Dropped) => {
                self.users.drop_all();
                self.observer.gap();
            }
            Some(Change::Renewed(sent)) => {
                if let Some(firm) = self.lease.firm() {
                    self.users.renewed(sent, firm, &mut self.out);
                }
            }
            None => {}
        }
    }

    fn take(&mut self, now: Moment, event: Event) {
        let had = (self.lease.epoch(), self.lease.permits(now).is_some());
        match event {
            Event::Tick => {}
            Event::SawHost { host, found, by } if host == self.host => {
                let room = self.users.room(self.capacity);
                let change = self.lease.saw(found.as_ref(), room, now, &mut self.out);
                self.changed(change);
                if by == By::Watch && self.lease.epoch().is_some() {
                    self.observer.beat(now);
                }
            }
            Event::SawHost { host, found, .. } => {
                if let Some((revision, record)) = found
                    && self.observer.saw(host, revision, record, now)
                {
                    self.users.settle_all(sight!(self), &mut self.out);
                }
            }
            Event::SawUser { user, found } => {
                self.users.saw(&user, found, sight!(self), &mut self.out);
            }
            Event::Answered { write, outcome } => {
                if let Some(change) = self.lease.answered(write, outcome, now, &mut self.out) {
                    self.changed(change);
                } else if let Some(is_news) = self.observer.answered(write, outcome, now, &mut self.out) {
                    if is_news {
                        self.users.settle_all(sight!(self), &mut self.out);
                    }
                } else if !self.users.answered(write, outcome, sight!(self), &mut self.out) {
                    return; // it is settled already
                }
                if outcome == Outcome::Unknown {
                    self.observer.gap();
                }
            }
            Event::WatchLost => self.observer.gap(),
            Event::Emptied(round) => self.lease.emptied(round, self.is_leaving, now, &mut self.out),
            Event::Stopped(user, run) => self.users.stopped(&user, run, sight!(self), &mut self.out),
            Event::Conflict(user) => self.users.conflict(&user, now, &mut self.out),
            Event::Want(user, wanted) => self.users.want(&user, wanted, sight!(self), &mut self.out),
            Event::Snapshot(user, at) => self.users.snapshot(&user, at, sight!(self), &mut self.out),
            Event::Move(user, to) => self.users.hand_over(&user, to, sight!(self), &mut self.out),
            Event::Leave => {
                self.is_leaving = true;
                self.users.settle_all(sight!(self), &mut self.out);
            }
        }
        if had != (self.lease.epoch(), self.lease.permits(now).is_some()) {
            self.users.settle_all(sight!(self), &mut self.out);
        }
    }

    fn due(&mut self, now: Moment) {
        let room = if self.is_leaving { 0 } else { self.users.room(self.capacity) };
        let leave = self.is_leaving && self.users.is_empty();
        self.lease.due(now, room, self.is_leaving, leave, &mut self.out);
        if self.lease.permits(now).is_some() {
            self.observer.due(now, &mut self.out);
        }
        self.users.due(sight!(self), &mut self.out);
    }
}
