//! Who may start now: [`Admission`] decides, [`AdmissionQueue`] is the one task that owns it.
//!
//! Owns the places of all workers and the queue for them. [`Admission`] is pure: first come, first served, at most
//! `max_running` places taken and `max_starting` of them starting (fewer under [`pressure`]), and what is set aside for all of them within
//! the memory that there is. Newcomers, who never had a session, queue behind all who had one: anybody can make up names.
//! Sessions that nobody is watching queue last. If another waits for a place, one of them is asked to give up its own.
//! It knows no user and no process, only tickets.

mod pressure;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

pub use pressure::follow as follow_pressure;
pub use queue::{AdmissionQueue, Slot, Standing, Verdicts};

/// Names one wish for a place.
pub type Ticket = u64;

/// What the queue says of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start now.
    Admitted,
    /// Not yet.
    Waiting {
        /// For what.
        wait: Wait,
    },
    /// Somebody else needs the place more.
    GiveWay,
}

/// What a wish waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Others that are just starting.
    Starts,
    /// A place: all are taken.
    Place,
    /// Memory: if all that run took what they may, there would not be enough for one more.
    Memory,
    /// Descriptors or processes: the machine has none left.
    Resources,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the queue; `placed` if it kept its place from before.
    Waiting {
        placed: bool,
        told: Option<Wait>,
    },
    Starting,
    Running,
    /// Keeps its place although nothing runs in it.
    Resting,
}

/// The pure part.
#[derive(Debug)]
pub struct Admission {
    max_running: usize,
    max_starting: usize,
    /// How many may start at once as the machine is now.
    pace: usize,
    /// Nobody starts.
    closed: bool,
    /// Nobody starts: the machine has nothing left for it.
    short: bool,
    stages: BTreeMap<Ticket, Stage>,
    queue: VecDeque<Ticket>,
    newcomers: HashSet<Ticket>,
    /// Sessions that nobody is watching, and whether they were asked to give their place up.
    unwatched: BTreeMap<Ticket, bool>,
    /// What is set aside for each, in bytes; nothing for those who are not in here.
    sizes: HashMap<Ticket, u64>,
    /// The bytes that there are for all; no limit where nobody measures.
    room: Option<u64>,
}

impl Admission {
    /// With so many places, of which so many may be starting.
    pub fn new(max_running: usize, max_starting: usize) -> Self {
        Self {
            max_running,
            max_starting,
            pace: max_starting,
            closed: false,
            short: false,
            stages: BTreeMap::new(),
            queue: VecDeque::new(),
            newcomers: HashSet::new(),
            unwatched: BTreeMap::new(),
            sizes: HashMap::new(),
            room: None,
        }
    }

    /// This much is set aside for this one, whenever it takes a place.
    pub fn set_aside(&mut self, ticket: Ticket, bytes: u64) {
        self.sizes.insert(ticket, bytes);
    }

    /// This one never had a session.
    pub fn is_new(&mut self, ticket: Ticket) {
        self.newcomers.insert(ticket);
    }

    /// Whether somebody would miss this one.
    pub(crate) fn watched(&mut self, ticket: Ticket, watched: bool) -> Vec<(Ticket, Verdict)> {
        if watched {
            self.unwatched.remove(&ticket);
        } else if self.stages.contains_key(&ticket) {
            self.unwatched.entry(ticket).or_insert(false);
        }
        self.advance()
    }

    /// There is this much for all of them together.
    pub fn measured(&mut self, room: Option<u64>) -> Vec<(Ticket, Verdict)> {
        self.room = room;
        self.advance()
    }

    /// So many may start at once as the machine is now. Who starts already goes on.
    pub fn paced(&mut self, pace: usize) -> Vec<(Ticket, Verdict)> {
        self.pace = pace;
        self.advance()
    }

    /// Something else is set aside for this one from now on.
    pub fn resize(&mut self, ticket: Ticket, bytes: u64) -> Vec<(Ticket, Verdict)> {
        if self.stages.contains_key(&ticket) {
            self.set_aside(ticket, bytes);
        }
        self.advance()
    }

    /// A wish: a new one, or one of somebody who rests and wants to start again.
    pub fn enter(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        let placed = match self.stages.get(&ticket) {
            None => false,
            Some(Stage::Resting) => true,
            Some(_) => return Vec::new(), // it is in the queue or beyond it
        };
        self.stages.insert(ticket, Stage::Waiting { placed, told: None });
        self.queue.push_back(ticket);
        self.advance()
    }

    /// Someone runs already and was not asked: an adopted worker. It may exceed the limits.
    pub fn occupy(&mut self, ticket: Ticket) {
        self.stages.entry(ticket).or_insert(Stage::Running);
    }

    /// A start is over.
    pub fn settle(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        if let Some(stage @ Stage::Starting) = self.stages.get_mut(&ticket) {
            *stage = Stage::Running;
        }
        self.advance()
    }

    /// Nothing runs in the place, but it is kept.
    pub fn rest(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        if let Some(stage @ (Stage::Starting | Stage::Running)) = self.stages.get_mut(&ticket) {
            *stage = Stage::Resting;
        }
        self.advance()
    }

    /// The place, or the wish for one, is given back.
    pub fn leave(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        self.stages.remove(&ticket);
        self.sizes.remove(&ticket);
        self.newcomers.remove(&ticket);
        self.unwatched.remove(&ticket);
        self.queue.retain(|waiting| *waiting != ticket);
        self.advance()
    }

    /// Holds all starts back, or lets them go on. Who waits meanwhile keeps their turn.
    pub fn close(&mut self, closed: bool) -> Vec<(Ticket, Verdict)> {
        self.closed = closed;
        self.advance()
    }

    /// As [`Self::close`], for want of descriptors or the like.
    pub fn hold_for_means(&mut self, short: bool) -> Vec<(Ticket, Verdict)> {
        self.short = short;
        self.advance()
    }

    fn advance(&mut self) -> Vec<(Ticket, Verdict)> {
        let count = |wanted: fn(&Stage) -> bool, stages: &BTreeMap<_, Stage>| {
            stages.values().filter(|stage| wanted(stage)).count()
        };
        let takes_place = |stage: &Stage| !matches!(stage, Stage::Waiting { placed: false, .. });
        let mut taken = count(takes_place, &self.stages);
        let mut starting = count(|stage| *stage == Stage::Starting, &self.stages);
        let size = |ticket: &Ticket| self.sizes.get(ticket).copied().unwrap_or(0);
        let holders = self.stages.iter().filter(|(_, stage)| takes_place(stage));
        let mut bytes: u64 = holders.map(|(ticket, _)| size(ticket)).fold(0, u64::saturating_add);
        // A smaller session may not jump the queue: the first in it might wait for ever.
        let mut short = false;
        let mut verdicts = Vec::new();
        let mut queue = std::mem::take(&mut self.queue);
        // A session that has a place already takes no new one. Otherwise the order within each kind stays.
        let is_placed =
            |ticket: &Ticket| matches!(self.stages.get(ticket), Some(Stage::Waiting { placed: true, .. }));
        let is_behind = |ticket: &Ticket| match is_placed(ticket) {
            true => (false, false),
            false => (self.unwatched.contains_key(ticket), self.newcomers.contains(ticket)),
        };
        queue.make_contiguous().sort_by_key(is_behind);
        for ticket in queue {
            let Some(stage @ Stage::Waiting { .. }) = self.stages.get_mut(&ticket) else { continue };
            let Stage::Waiting { placed, told } = *stage else { continue };
            let size = self.sizes.get(&ticket).copied().unwrap_or(0);
            let full = self.closed || !placed && taken >= self.max_running;
            // One may always run, or a machine smaller than one cap would serve nobody.
            let over = self.room.is_some_and(|room| bytes.saturating_add(size) > room) && taken > 0;
            short |= !placed && !full && over;
            let wait = match (self.short, full, short && !placed) {
                (true, _, _) => Wait::Resources,
                (false, true, _) => Wait::Place,
                (false, false, true) => Wait::Memory,
                (false, false, false) => Wait::Starts,
            };
            if wait == Wait::Starts && starting < self.max_starting.min(self.pace) {
                *stage = Stage::Starting;
                starting += 1;
                taken += usize::from(!placed);
                bytes = bytes.saturating_add(if placed { 0 } else { size });
                verdicts.push((ticket, Verdict::Admitted));
                continue;
            }
            if told != Some(wait) {
                *stage = Stage::Waiting { placed, told: Some(wait) };
                verdicts.push((ticket, Verdict::Waiting { wait }));
            }
            self.queue.push_back(ticket);
        }
        verdicts.extend(self.make_way());
        verdicts
    }

    /// Asks as many of those whom nobody would miss for their places as others wait for one.
    fn make_way(&mut self) -> Vec<(Ticket, Verdict)> {
        let needs_place = |ticket: &&Ticket| {
            let stage = self.stages.get(ticket);
            let wait = matches!(
                stage,
                Some(Stage::Waiting { placed: false, told: Some(Wait::Place | Wait::Memory) })
            );
            wait && !self.unwatched.contains_key(ticket)
        };
        let wanted = if self.closed { 0 } else { self.queue.iter().filter(needs_place).count() };
        let has_place = |ticket: &Ticket| {
            matches!(self.stages.get(ticket), Some(Stage::Starting | Stage::Running | Stage::Resting))
        };
        let holders = self.unwatched.iter_mut().filter(|(ticket, _)| has_place(ticket));
        let (asked, mut others): (Vec<_>, Vec<_>) = holders.partition(|(_, asked)| **asked);
        let more = wanted.saturating_sub(asked.len());
        let mut verdicts = Vec::new();
        for (ticket, asked) in others.iter_mut().take(more) {
            **asked = true;
            verdicts.push((**ticket, Verdict::GiveWay));
        }
        verdicts
    }
}
