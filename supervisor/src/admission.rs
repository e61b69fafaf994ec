//! Who may start now: [`Admission`] decides, [`Desk`] is the one task that owns it.
//!
//! Owns the places of all workers and the queue for them. `Admission` is pure: first come, first served, at most
//! `max_running` places taken and `max_starting` of them starting, and what is set aside for all of them within
//! the memory that there is. It knows no user and no process, only tickets.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::{mpsc, watch};

/// Names one wish for a place.
pub(crate) type Ticket = u64;

/// What the desk says of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start now.
    Admitted,
    /// Not yet.
    Waiting { wait: Wait },
}

/// What a wish waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Others that are just starting.
    Starts,
    /// A place: all are taken.
    Place,
    /// Memory: if all that run took what they may, there would not be enough for one more.
    Memory,
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
pub(crate) struct Admission {
    max_running: usize,
    max_starting: usize,
    /// Nobody starts.
    closed: bool,
    stages: BTreeMap<Ticket, Stage>,
    queue: VecDeque<Ticket>,
    /// What is set aside for each, in bytes; nothing for those who are not in here.
    sizes: HashMap<Ticket, u64>,
    /// The bytes that there are for all; no limit where nobody measures.
    room: Option<u64>,
}

impl Admission {
    pub(crate) fn new(max_running: usize, max_starting: usize) -> Self {
        Self {
            max_running,
            max_starting,
            closed: false,
            stages: BTreeMap::new(),
            queue: VecDeque::new(),
            sizes: HashMap::new(),
            room: None,
        }
    }

    /// This much is set aside for this one, whenever it takes a place.
    pub(crate) fn set_aside(&mut self, ticket: Ticket, bytes: u64) {
        self.sizes.insert(ticket, bytes);
    }

    /// There is this much for all of them together.
    pub(crate) fn measured(&mut self, room: Option<u64>) -> Vec<(Ticket, Verdict)> {
        self.room = room;
        self.advance()
    }

    /// A wish: a new one, or one of somebody who rests and wants to start again.
    pub(crate) fn enter(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
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
    pub(crate) fn occupy(&mut self, ticket: Ticket) {
        self.stages.entry(ticket).or_insert(Stage::Running);
    }

    /// A start is over.
    pub(crate) fn settle(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        if let Some(stage @ Stage::Starting) = self.stages.get_mut(&ticket) {
            *stage = Stage::Running;
        }
        self.advance()
    }

    /// Nothing runs in the place, but it is kept.
    pub(crate) fn rest(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        if let Some(stage @ (Stage::Starting | Stage::Running)) = self.stages.get_mut(&ticket) {
            *stage = Stage::Resting;
        }
        self.advance()
    }

    /// The place, or the wish for one, is given back.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Vec<(Ticket, Verdict)> {
        self.stages.remove(&ticket);
        self.sizes.remove(&ticket);
        self.queue.retain(|waiting| *waiting != ticket);
        self.advance()
    }

    /// Holds all starts back, or lets them go on. Who waits meanwhile keeps their turn.
    pub(crate) fn close(&mut self, closed: bool) -> Vec<(Ticket, Verdict)> {
        self.closed = closed;
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
        // Who needs less does not overtake: the first would wait for ever.
        let mut short = false;
        let mut verdicts = Vec::new();
        let queue = std::mem::take(&mut self.queue);
        for ticket in queue {
            let Some(stage @ Stage::Waiting { .. }) = self.stages.get_mut(&ticket) else { continue };
            let Stage::Waiting { placed, told } = *stage else { continue };
            let size = self.sizes.get(&ticket).copied().unwrap_or(0);
            let full = self.closed || !placed && taken >= self.max_running;
            // One may always run, or a machine smaller than one cap would serve nobody.
            let over = self.room.is_some_and(|room| bytes.saturating_add(size) > room) && taken > 0;
            short |= !placed && !full && over;
            let wait = match (full, short && !placed) {
                (true, _) => Wait::Place,
                (false, true) => Wait::Memory,
                (false, false) => Wait::Starts,
            };
            if wait == Wait::Starts && starting < self.max_starting {
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
        verdicts
    }
}

/// Where places are asked for; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    wishes: mpsc::UnboundedSender<Wish>,
    next: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

#[derive(Debug)]
enum Wish {
    Enter(Ticket, u64, Verdicts),
    Again(Ticket),
    Occupy(Ticket, u64),
    Settle(Ticket),
    Rest(Ticket),
    Leave(Ticket),
    Close(bool),
}

/// Where verdicts go, with the ticket they belong to: a late one must not be taken for another's.
pub(crate) type Verdicts = mpsc::UnboundedSender<(Ticket, Verdict)>;

/// A place or the wish for one. It is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    ticket: Ticket,
    wishes: mpsc::UnboundedSender<Wish>,
}

impl Desk {
    /// Opens a desk that knows nothing of memory.
    #[cfg(test)]
    pub(crate) fn open(admission: Admission) -> Self {
        Self::open_with(admission, watch::channel(None).1)
    }

    /// Opens the desk; `room` says how much memory there is for all. Its task ends when the last handle and the
    /// last place are gone.
    pub(crate) fn open_with(mut admission: Admission, mut room: watch::Receiver<Option<u64>>) -> Self {
        let (wishes, mut inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut waiting: HashMap<Ticket, Verdicts> = HashMap::new();
            let mut measuring = true;
            admission.measured(*room.borrow_and_update());
            loop {
                let wish = tokio::select! {
                    wish = inbox.recv() => wish,
                    changed = room.changed(), if measuring => {
                        measuring = changed.is_ok();
                        let room = *room.borrow_and_update();
                        tell(&waiting, admission.measured(room));
                        continue;
                    }
                };
                let Some(wish) = wish else { break };
                let verdicts = match wish {
                    Wish::Enter(ticket, bytes, verdicts) => {
                        admission.set_aside(ticket, bytes);
                        waiting.insert(ticket, verdicts);
                        admission.enter(ticket)
                    }
                    Wish::Again(ticket) => admission.enter(ticket),
                    Wish::Occupy(ticket, bytes) => {
                        admission.set_aside(ticket, bytes);
                        admission.occupy(ticket);
                        Vec::new()
                    }
                    Wish::Settle(ticket) => admission.settle(ticket),
                    Wish::Rest(ticket) => admission.rest(ticket),
                    Wish::Close(closed) => admission.close(closed),
                    Wish::Leave(ticket) => {
                        waiting.remove(&ticket);
                        admission.leave(ticket)
                    }
                };
                tell(&waiting, verdicts);
            }
        });
        Self { wishes, next: Default::default() }
    }

    /// Queues; the verdicts come through the channel. `bytes` are set aside once there is a place.
    pub(crate) fn enter(&self, bytes: u64, verdicts: Verdicts) -> Place {
        let place = self.place();
        place.say(Wish::Enter(place.ticket, bytes, verdicts));
        place
    }

    /// A place for someone who runs already. It can rest and queue again, like any other.
    pub(crate) fn occupy(&self, bytes: u64, verdicts: Verdicts) -> Place {
        let place = self.place();
        place.say(Wish::Occupy(place.ticket, bytes));
        place.say(Wish::Enter(place.ticket, bytes, verdicts));
        place
    }

    /// Holds all starts back, or lets them go on.
    pub(crate) fn close(&self, closed: bool) {
        let _ = self.wishes.send(Wish::Close(closed)); // the desk's task lives as long as we do
    }

    fn place(&self) -> Place {
        let ticket = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Place { ticket, wishes: self.wishes.clone() }
    }
}

fn tell(waiting: &HashMap<Ticket, Verdicts>, verdicts: Vec<(Ticket, Verdict)>) {
    for (ticket, verdict) in verdicts {
        if let Some(to) = waiting.get(&ticket) {
            // A receiver that is gone drops its place too, which comes to the desk as a wish.
            let _ = to.send((ticket, verdict));
        }
    }
}

impl Place {
    /// Which verdicts are meant for it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The start is over.
    pub(crate) fn settle(&self) {
        self.say(Wish::Settle(self.ticket));
    }

    /// Nothing runs here now.
    pub(crate) fn rest(&self) {
        self.say(Wish::Rest(self.ticket));
    }

    /// Queues again, with the place kept.
    pub(crate) fn again(&self) {
        self.say(Wish::Again(self.ticket));
    }

    fn say(&self, wish: Wish) {
        let _ = self.wishes.send(wish); // the desk's task ends after its last place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.say(Wish::Leave(self.ticket));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAIT: Verdict = Verdict::Waiting { wait: Wait::Starts };
    const FULL: Verdict = Verdict::Waiting { wait: Wait::Place };
    const SHORT: Verdict = Verdict::Waiting { wait: Wait::Memory };
    const GIB: u64 = 1 << 30;

    #[test]
    fn starts_are_limited_and_first_come_first_served() {
        let mut admission = Admission::new(10, 1);
        assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
        assert_eq!(admission.enter(2), [(2, WAIT)]);
        assert_eq!(admission.enter(3), [(3, WAIT)]);
        assert_eq!(admission.settle(1), [(2, Verdict::Admitted)]);
        assert_eq!(admission.leave(2), [(3, Verdict::Admitted)]);
    }

    #[test]
    fn a_free_place_wakes_the_next_and_waiting_users_learn_why_they_wait() {
        let mut admission = Admission::new(1, 2);
        assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
        assert_eq!(admission.enter(2), [(2, FULL)]);
        assert_eq!(admission.settle(1), []);
        assert_eq!(admission.leave(1), [(2, Verdict::Admitted)]);
    }

    #[test]
    fn who_rests_keeps_the_place_and_is_not_held_up_by_those_who_have_none() {
        let mut admission = Admission::new(1, 1);
        admission.enter(1);
        admission.settle(1);
        assert_eq!(admission.enter(2), [(2, FULL)]);
        assert_eq!(admission.rest(1), []);
        assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
    }

    #[test]
    fn a_closed_desk_starts_nobody_and_an_open_one_those_who_waited() {
        let mut admission = Admission::new(2, 2);
        admission.enter(1);
        admission.settle(1);
        assert_eq!(admission.close(true), []);
        assert_eq!(admission.rest(1), []);
        assert_eq!((admission.enter(1), admission.enter(2)), (vec![(1, FULL)], vec![(2, FULL)]));
        assert_eq!(admission.close(false), [(1, Verdict::Admitted), (2, Verdict::Admitted)]);
    }

    #[test]
    fn adopted_workers_count() {
        let mut admission = Admission::new(1, 1);
        admission.occupy(1);
        assert_eq!(admission.enter(2), [(2, FULL)]);
    }

    #[test]
    fn starts_beyond_the_memory_wait_for_it_in_turn() {
        let mut admission = Admission::new(10, 10);
        for (ticket, bytes) in [(1, 400), (2, 500), (3, 300), (4, 50)] {
            admission.set_aside(ticket, bytes);
        }
        admission.measured(Some(1000));
        assert_eq!(admission.enter(1), [(1, Verdict::Admitted)]);
        assert_eq!(admission.enter(2), [(2, Verdict::Admitted)]);
        assert_eq!(admission.enter(3), [(3, SHORT)]);
        assert_eq!(admission.enter(4), [(4, SHORT)], "it would fit, but does not overtake");
        assert_eq!(admission.measured(Some(1100)), []);
        assert_eq!(admission.measured(Some(1200)), [(3, Verdict::Admitted)]);
        admission.rest(2);
        assert_eq!(admission.enter(2), [(2, Verdict::Admitted)], "who rests keeps what was set aside");
        assert_eq!(admission.leave(1), [(4, Verdict::Admitted)]);
    }

    #[test]
    fn a_machine_smaller_than_one_cap_serves_one_and_an_ordinary_one_twelve() {
        let mut small = Admission::new(10, 10);
        small.measured(Some(GIB / 2));
        (1..=2).for_each(|ticket| small.set_aside(ticket, GIB));
        assert_eq!(small.enter(1), [(1, Verdict::Admitted)]);
        assert_eq!(small.enter(2), [(2, SHORT)]);
        let config = colmeia::config::ServiceConfig::default();
        let mut ordinary = Admission::new(config.max_users, 12);
        ordinary.measured(Some(20 * GIB)); // of 24, the rest in use by others
        for ticket in 1..=12 {
            ordinary.set_aside(ticket, config.memory.admitted_mb() << 20);
            assert_eq!(ordinary.enter(ticket), [(ticket, Verdict::Admitted)]);
        }
    }

    #[tokio::test]
    async fn a_place_that_is_dropped_goes_to_the_next() {
        let desk = Desk::open(Admission::new(1, 1));
        let (sender, mut verdicts) = mpsc::unbounded_channel();
        let first = desk.enter(0, sender.clone());
        assert_eq!(verdicts.recv().await, Some((first.ticket(), Verdict::Admitted)));
        let second = desk.enter(0, sender);
        assert_eq!(verdicts.recv().await, Some((second.ticket(), FULL)));
        drop(first);
        assert_eq!(verdicts.recv().await, Some((second.ticket(), Verdict::Admitted)));
    }

    proptest! {
        #[test]
        fn limits_hold_and_nobody_waits_beside_a_free_place(
            running in 1usize..4,
            starting in 1usize..3,
            room in prop::option::of(0u64..150),
            steps in prop::collection::vec((0u64..6, 0u8..4), 0..60),
        ) {
            let size = |ticket: &Ticket| (ticket + 1) * 10;
            let mut admission = Admission::new(running, starting);
            admission.measured(room);
            for (ticket, step) in steps {
                admission.set_aside(ticket, size(&ticket));
                let verdicts = match step {
                    0 => admission.enter(ticket),
                    1 => admission.settle(ticket),
                    2 => admission.rest(ticket),
                    _ => admission.leave(ticket),
                };
                for (admitted, verdict) in verdicts {
                    if verdict == Verdict::Admitted {
                        prop_assert_eq!(admission.stages[&admitted], Stage::Starting);
                    }
                }
                let stages: Vec<_> = admission.stages.values().copied().collect();
                let taken = stages.iter().filter(|s| !matches!(s, Stage::Waiting { placed: false, .. })).count();
                let begun = stages.iter().filter(|s| **s == Stage::Starting).count();
                let waiting = stages.iter().filter(|s| matches!(s, Stage::Waiting { .. })).count();
                prop_assert!(taken <= running && begun <= starting);
                prop_assert_eq!(waiting, admission.queue.len());
                let holders = admission.stages.iter();
                let holders = holders.filter(|(_, s)| !matches!(s, Stage::Waiting { placed: false, .. }));
                let bytes: u64 = holders.map(|(ticket, _)| size(ticket)).sum();
                prop_assert!(taken <= 1 || room.is_none_or(|room| bytes <= room), "more than there is");
                let short = admission.queue.front().is_some_and(|first| {
                    taken > 0 && room.is_some_and(|room| bytes + size(first) > room)
                });
                prop_assert!(waiting == 0 || taken == running || begun == starting || short);
            }
        }
    }
}
