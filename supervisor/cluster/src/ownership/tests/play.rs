//! A machine that is played with: a ground that keeps its contract, and what holds at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use colmeia::UserId;

use super::super::Machine;
use super::super::times::{DEAD_MAN, FENCE, FREEZE};
use super::super::words::{By, Effect, Event, Outcome, Round, Run, Why, WriteId};
use super::{BEGIN, host, settings, user};
use crate::moment::Moment;
use crate::names::{HostId, Key};
use crate::records::{HostState, Record, Revision, UserRecord};

/// A write under way, and when it was sent.
type Sent = (WriteId, Option<Revision>, Record, Moment);

/// A machine with a ground that keeps its contract, and what it was seen to do.
pub(super) struct Play {
    pub(super) machine: Machine,
    pub(super) now: Moment,
    pub(super) ground: BTreeMap<Key, (Revision, Record)>,
    pub(super) last: u64,
    pub(super) sent: Vec<Sent>,
    /// When the newest renewal that was told to be good was sent.
    pub(super) good: Option<Moment>,
    /// When each beat was sent.
    pub(super) beats: BTreeMap<u64, Moment>,
    pub(super) round: Round,
    pub(super) frozen: bool,
    /// When another host was last seen to change.
    pub(super) seen: BTreeMap<HostId, (Revision, Moment)>,
    pub(super) conflicts: BTreeMap<UserId, Moment>,
    pub(super) running: BTreeMap<UserId, Revision>,
    pub(super) runs: BTreeMap<UserId, Run>,
    pub(super) ending: BTreeSet<UserId>,
    pub(super) said: Vec<Effect>,
}

impl Play {
    pub(super) fn new() -> Self {
        let machine = Machine::begin(settings(), BEGIN);
        let mut play = Self {
            machine,
            now: BEGIN,
            ground: BTreeMap::new(),
            last: 0,
            sent: Vec::new(),
            good: None,
            beats: BTreeMap::new(),
            round: Round(0),
            frozen: false,
            seen: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            running: BTreeMap::new(),
            runs: BTreeMap::new(),
            ending: BTreeSet::new(),
            said: Vec::new(),
        };
        play.tell(Event::Tick);
        play
    }

    /// One that has its lease, in its first epoch.
    pub(super) fn joined() -> Self {
        let mut play = Self::new();
        play.tell(Event::Emptied(play.round));
        play.tell(Event::SawHost { host: host("me"), found: None, by: By::Read });
        play.apply(0, true);
        assert_eq!(play.machine.epoch(), Some(1));
        play
    }

    pub(super) fn tell(&mut self, event: Event) {
        match &event {
            Event::SawHost { host: name, found: Some((revision, record)), .. } => {
                if *name == host("me") && record.instance == 7 {
                    self.good = self.good.max(self.beats.get(&record.beat).copied());
                } else if self.seen.get(name).is_none_or(|(before, _)| before < revision) {
                    self.seen.insert(name.clone(), (*revision, self.now));
                }
            }
            Event::Conflict(user) if self.running.contains_key(user) => {
                self.conflicts.insert(user.clone(), self.now);
            }
            _ => {}
        }
        self.said = self.machine.step(self.now, event);
        for effect in self.said.clone() {
            self.check(effect);
        }
        if let Some(next) = self.machine.next() {
            assert!(next > self.now, "it never asks for the same moment again");
            assert!(next.since(self.now) <= Duration::from_secs(30), "and always for one that comes soon");
        }
    }

    /// How old the lease is.
    pub(super) fn age(&self) -> Duration {
        self.now.since(self.good.expect("a lease"))
    }

    pub(super) fn check(&mut self, effect: Effect) {
        match effect {
            Effect::Write { write, expected, record } => {
                match &record {
                    Record::Host(name, record) if *name == host("me") => {
                        self.beats.insert(record.beat, self.now);
                    }
                    Record::Host(name, record) => {
                        let (revision, changed) = self.seen[name];
                        assert_eq!((expected, record.state), (Some(revision), HostState::Dead));
                        assert!(self.now.since(changed) >= FENCE, "fenced too early");
                    }
                    Record::User(name, record) => {
                        assert!(self.age() < FREEZE, "nothing is written on a lease that may be over");
                        let owner = |record: &UserRecord| (record.host.clone(), record.epoch);
                        let takes = match self.ground.get(&Key::user(name)) {
                            Some((revision, Record::User(_, before))) => {
                                Some(*revision) == expected && owner(before) != owner(record)
                            }
                            _ => expected.is_none(),
                        };
                        if takes && record.host == Some(host("me")) {
                            assert_eq!(Some(record.epoch), self.machine.epoch());
                        }
                    }
                }
                self.sent.push((write, expected, record, self.now));
            }
            Effect::Feed(until) => {
                assert_eq!(Some(until), self.good.map(|good| good + DEAD_MAN), "from before it was sent");
            }
            Effect::Start { user, run, until, token, .. } => {
                self.runs.insert(user.clone(), run);
                assert!(self.age() < FREEZE && !self.frozen, "nobody begins on a lease that may be over");
                assert!(until.since(self.good.expect("a lease")) <= DEAD_MAN);
                assert!(self.running.insert(user, token).is_none(), "it runs already");
            }
            Effect::Freeze => self.frozen = true,
            Effect::Thaw => {
                assert!(self.age() < FREEZE && self.frozen);
                self.frozen = false;
            }
            Effect::Kill(round) => {
                (self.round, self.frozen) = (round, false);
                self.running.clear();
                self.ending.clear();
                self.conflicts.clear();
            }
            Effect::Stop(user, Why::Lost) => {
                self.running.remove(&user).expect("it ran");
                self.ending.remove(&user);
            }
            Effect::TakeOver(user, until) => {
                let conflict = self.conflicts.remove(&user).expect("one");
                assert!(self.good > Some(conflict), "the renewal is newer than the conflict");
                assert!(
                    until.since(self.good.expect("a lease")) <= FREEZE && self.running.contains_key(&user)
                );
            }
            Effect::Stop(user, _) => {
                self.ending.insert(user);
            }
            Effect::ReadHost(_) | Effect::ReadUser(_) | Effect::Tell(_) => {}
        }
    }

    /// A browser that was told to end is gone.
    pub(super) fn stopped(&mut self, number: u8) {
        let name = user(number);
        self.running.remove(&name);
        self.ending.remove(&name);
        if let Some(run) = self.runs.get(&name) {
            self.tell(Event::Stopped(name, *run));
        }
    }

    pub(super) fn put(&mut self, record: Record) -> Revision {
        self.last += 1;
        self.ground.insert(record.key(), (Revision(self.last), record));
        Revision(self.last)
    }

    /// One of the writes under way reaches the ground; its answer may be lost.
    pub(super) fn apply(&mut self, at: usize, is_told: bool) {
        if self.sent.is_empty() {
            return;
        }
        let (write, expected, record, sent) = self.sent.remove(at % self.sent.len());
        let found = self.ground.get(&record.key()).map(|(revision, _)| *revision);
        let is_own = matches!(&record, Record::Host(name, _) if *name == host("me"));
        let outcome = if found == expected { Outcome::Done(self.put(record)) } else { Outcome::Refused };
        if !is_told {
            return self.tell(Event::Answered { write, outcome: Outcome::Unknown });
        }
        // An answer that comes when the lease was dropped counts for nothing any more.
        if is_own && matches!(outcome, Outcome::Done(_)) {
            self.good = self.good.max(Some(sent));
        }
        self.tell(Event::Answered { write, outcome });
    }

    pub(super) fn show_host(&mut self, name: &str, by: By) {
        let found = match self.ground.get(&Key::host(&host(name))) {
            Some((revision, Record::Host(_, record))) => Some((*revision, record.clone())),
            _ => None,
        };
        self.tell(Event::SawHost { host: host(name), found, by });
    }

    pub(super) fn show_user(&mut self, number: u8) {
        let found = match self.ground.get(&Key::user(&user(number))) {
            Some((revision, Record::User(_, record))) => Some((*revision, record.clone())),
            _ => None,
        };
        self.tell(Event::SawUser { user: user(number), found });
    }

    /// Time passes, and the machine is told so when it asked to be.
    pub(super) fn pass(&mut self, passed: Duration) {
        let end = self.now + passed;
        let mut said = Vec::new();
        while let Some(next) = self.machine.next().filter(|next| *next <= end) {
            self.now = next.max(self.now);
            self.tell(Event::Tick);
            said.append(&mut self.said);
        }
        self.now = end;
        self.tell(Event::Tick);
        self.said.splice(0..0, said);
    }

    /// The same with an engine that answers everything at once.
    pub(super) fn pass_well(&mut self, passed: Duration) {
        let end = self.now + passed;
        while self.now < end {
            self.pass(Duration::from_millis(500));
            while !self.sent.is_empty() {
                self.apply(0, true);
            }
            self.show_host("me", By::Watch);
        }
    }

    pub(super) fn owned_by(&mut self, number: u8, name: Option<&str>, epoch: u64, wanted: bool) {
        let record = UserRecord { host: name.map(host), epoch, wanted, ..UserRecord::default() };
        self.put(Record::User(user(number), record));
    }
}
