//! One host of the model: its clock, its program, and the browsers that outlive the program.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use colmeia::UserId;

use crate::moment::Moment;
use crate::names::HostId;
use crate::ownership::words::{Effect, Event, Run};
use crate::ownership::{Kept, Machine};

/// A user's browser and its worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Browser {
    pub(super) run: Run,
    /// The worker's own timer.
    pub(super) until: Moment,
    /// Whether the program that runs now has started or adopted it, so that it is fed.
    pub(super) is_fed: bool,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) id: HostId,
    /// Microseconds of its clock in a million of true ones.
    rate: u64,
    offset: u64,
    pub(super) machine: Option<Machine>,
    /// Which program this is; what is meant for an earlier one is not heard.
    pub(super) program: u64,
    /// The first program that had its lease.
    pub(super) instance: u64,
    /// A lease that is passed on to the next program.
    pub(super) kept: Option<Kept>,
    /// Until when its supervisor stands still.
    pub(super) stopped: u64,
    /// Until when the whole host does.
    pub(super) asleep: u64,
    /// Until when nothing reaches the engine, and until when nothing comes back.
    pub(super) cut_out: u64,
    pub(super) cut_in: u64,
    pub(super) frozen: bool,
    pub(super) fed: Moment,
    pub(super) browsers: BTreeMap<UserId, Browser>,
    pub(super) inbox: VecDeque<Event>,
    pub(super) deferred: Vec<Effect>,
    pub(super) watches: bool,
    /// When the last thing that is watched arrives.
    pub(super) watched: u64,
    /// When something last happened to it, and to nobody else.
    pub(super) harmed: u64,
    /// Which tick counts.
    pub(super) ticks: u64,
    pub(super) has_left: bool,
}

impl Host {
    pub(super) fn new(id: HostId, rate: u64, offset: u64) -> Self {
        Self {
            id,
            rate,
            offset,
            machine: None,
            program: 0,
            instance: 0,
            kept: None,
            stopped: 0,
            asleep: 0,
            cut_out: 0,
            cut_in: 0,
            frozen: false,
            fed: Moment::since_boot(Duration::ZERO),
            browsers: BTreeMap::new(),
            inbox: VecDeque::new(),
            deferred: Vec::new(),
            watches: false,
            watched: 0,
            harmed: 0,
            ticks: 0,
            has_left: false,
        }
    }

    /// What its clock says.
    pub(super) fn clock(&self, now: u64) -> Moment {
        Moment::since_boot(Duration::from_micros(self.offset + now * self.rate / 1_000_000))
    }

    /// How long it takes until its clock says this.
    pub(super) fn until(&self, at: Moment, now: u64) -> u64 {
        let micros = u64::try_from(at.since(self.clock(now)).as_micros()).unwrap_or(u64::MAX / 4);
        micros / self.rate * 1_000_000 + micros % self.rate * 1_000_000 / self.rate + 1000
    }

    pub(super) fn still(&self) -> u64 {
        self.stopped.max(self.asleep)
    }

    /// Whether this user's browser does anything.
    pub(super) fn runs(&self, user: &UserId, now: u64) -> bool {
        let lives = |browser: &Browser| self.clock(now) < browser.until;
        !self.frozen && now >= self.asleep && self.browsers.get(user).is_some_and(lives)
    }
}
