//! Who may start now: [`Admission`] decides, [`Desk`] is the one task that owns it.
//!
//! Owns the places of all workers and the queue for them. `Admission` is pure: first come, first served, at most
//! `max_running` places taken and `max_starting` of them starting. It knows no user and no process, only
//! tickets.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::mpsc;

/// Names one wish for a place.
pub(crate) type Ticket = u64;

/// What the desk says of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start now.
    Admitted,
    /// Not yet; `at_capacity` when all places are taken and not merely all those for starts.
    Waiting { at_capacity: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In the queue; `placed` if it kept its place from before.
    Waiting {
        placed: bool,
        told: Option<bool>,
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
}

impl Admission {
    pub(crate) fn new(max_running: usize, max_starting: usize) -> Self {
        Self { max_running, max_starting, closed: false, stages: BTreeMap::new(), queue: VecDeque::new() }
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
        let mut verdicts = Vec::new();
        let queue = std::mem::take(&mut self.queue);
        for ticket in queue {
            let Some(stage @ Stage::Waiting { .. }) = self.stages.get_mut(&ticket) else { continue };
            let Stage::Waiting { placed, told } = *stage else { continue };
            let at_capacity = self.closed || !placed && taken >= self.max_running;
            if !at_capacity && starting < self.max_starting {
                *stage = Stage::Starting;
                starting += 1;
                taken += usize::from(!placed);
                verdicts.push((ticket, Verdict::Admitted));
                continue;
            }
            if told != Some(at_capacity) {
                *stage = Stage::Waiting { placed, told: Some(at_capacity) };
                verdicts.push((ticket, Verdict::Waiting { at_capacity }));
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
    Enter(Ticket, Verdicts),
    Again(Ticket),
    Occupy(Ticket),
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
    /// Opens the desk. Its task ends when the last handle and the last place are gone.
    pub(crate) fn open(mut admission: Admission) -> Self {
        let (wishes, mut inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut waiting: HashMap<Ticket, Verdicts> = HashMap::new();
            while let Some(wish) = inbox.recv().await {
                let verdicts = match wish {
                    Wish::Enter(ticket, verdicts) => {
                        waiting.insert(ticket, verdicts);
                        admission.enter(ticket)
                    }
                    Wish::Again(ticket) => admission.enter(ticket),
                    Wish::Occupy(ticket) => {
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
                for (ticket, verdict) in verdicts {
                    if let Some(to) = waiting.get(&ticket) {
                        // A receiver that is gone drops its place too, which comes here as a wish.
                        let _ = to.send((ticket, verdict));
                    }
                }
            }
        });
        Self { wishes, next: Default::default() }
    }

    /// Queues; the verdicts come through the channel.
    pub(crate) fn enter(&self, verdicts: Verdicts) -> Place {
        let place = self.place();
        place.say(Wish::Enter(place.ticket, verdicts));
        place
    }

    /// A place for someone who runs already. It can rest and queue again, like any other.
    pub(crate) fn occupy(&self, verdicts: Verdicts) -> Place {
        let place = self.place();
        place.say(Wish::Occupy(place.ticket));
        place.say(Wish::Enter(place.ticket, verdicts));
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

    const WAIT: Verdict = Verdict::Waiting { at_capacity: false };
    const FULL: Verdict = Verdict::Waiting { at_capacity: true };

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

    #[tokio::test]
    async fn a_place_that_is_dropped_goes_to_the_next() {
        let desk = Desk::open(Admission::new(1, 1));
        let (sender, mut verdicts) = mpsc::unbounded_channel();
        let first = desk.enter(sender.clone());
        assert_eq!(verdicts.recv().await, Some((first.ticket(), Verdict::Admitted)));
        let second = desk.enter(sender);
        assert_eq!(verdicts.recv().await, Some((second.ticket(), FULL)));
        drop(first);
        assert_eq!(verdicts.recv().await, Some((second.ticket(), Verdict::Admitted)));
    }

    proptest! {
        #[test]
        fn limits_hold_and_nobody_waits_beside_a_free_place(
            running in 1usize..4,
            starting in 1usize..3,
            steps in prop::collection::vec((0u64..6, 0u8..4), 0..60),
        ) {
            let mut admission = Admission::new(running, starting);
            for (ticket, step) in steps {
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
                prop_assert!(waiting == 0 || taken == running || begun == starting);
            }
        }
    }
}
