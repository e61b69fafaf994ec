//! [`AdmissionQueue`]: the task that owns the [`Admission`] and tells everyone who waits what it decides.
//!
//! Owns the channel of wishes and the tickets. Decides nothing.

use std::collections::HashMap;

use colmeia_base::tasks;
use tokio::sync::{mpsc, watch};

use super::{Admission, Ticket, Verdict};

/// Where places are asked for; cheap to clone.
#[derive(Debug, Clone)]
pub struct AdmissionQueue {
    wishes: mpsc::UnboundedSender<SlotRequest>,
    next: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

#[derive(Debug)]
enum SlotRequest {
    Enter(Ticket, u64, Standing, Verdicts),
    Again(Ticket),
    Occupy(Ticket, u64),
    Settle(Ticket),
    Rest(Ticket),
    Leave(Ticket),
    Resize(Ticket, u64),
    Watch(Ticket, bool),
    Close(bool),
    HoldForMeans(bool),
}

/// Whether who asks had a session before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It had a session before.
    Known,
    /// It never had one.
    Newcomer,
}

/// Where verdicts go, with the ticket they belong to: a late one must not be taken for another's.
pub type Verdicts = mpsc::UnboundedSender<(Ticket, Verdict)>;

/// A place or the wish for one. It is given back when this is dropped.
#[derive(Debug)]
pub struct Slot {
    ticket: Ticket,
    wishes: mpsc::UnboundedSender<SlotRequest>,
}

impl AdmissionQueue {
    /// Opens a queue that knows nothing of memory.
    #[cfg(any(test, feature = "testing"))]
    pub fn open(admission: Admission) -> Self {
        let pace = watch::channel(admission.max_starting).1;
        Self::open_with(admission, watch::channel(None).1, pace)
    }

    /// Opens the queue; `room` says how much memory there is for all, `pace` how many may start at once. Its task
    /// ends when the last handle and the last place are gone.
    pub fn open_with(
        mut admission: Admission,
        mut room: watch::Receiver<Option<u64>>,
        mut pace: watch::Receiver<usize>,
    ) -> Self {
        let (wishes, mut inbox) = mpsc::unbounded_channel();
        tasks::vital("admission", async move {
            let mut waiting: HashMap<Ticket, Verdicts> = HashMap::new();
            let (mut measuring, mut pacing) = (true, true);
            admission.measured(*room.borrow_and_update());
            admission.paced(*pace.borrow_and_update());
            loop {
                let wish = tokio::select! {
                    wish = inbox.recv() => wish,
                    changed = room.changed(), if measuring => {
                        measuring = changed.is_ok();
                        let room = *room.borrow_and_update();
                        tell(&waiting, admission.measured(room));
                        continue;
                    }
                    changed = pace.changed(), if pacing => {
                        pacing = changed.is_ok();
                        let pace = *pace.borrow_and_update();
                        tell(&waiting, admission.paced(pace));
                        continue;
                    }
                };
                let Some(wish) = wish else { break };
                let verdicts = match wish {
                    SlotRequest::Enter(ticket, bytes, standing, verdicts) => {
                        admission.set_aside(ticket, bytes);
                        if standing == Standing::Newcomer {
                            admission.is_new(ticket);
                        }
                        waiting.insert(ticket, verdicts);
                        admission.enter(ticket)
                    }
                    SlotRequest::Again(ticket) => admission.enter(ticket),
                    SlotRequest::Occupy(ticket, bytes) => {
                        admission.set_aside(ticket, bytes);
                        admission.occupy(ticket);
                        Vec::new()
                    }
                    SlotRequest::Settle(ticket) => admission.settle(ticket),
                    SlotRequest::Rest(ticket) => admission.rest(ticket),
                    SlotRequest::Resize(ticket, bytes) => admission.resize(ticket, bytes),
                    SlotRequest::Watch(ticket, watched) => admission.watched(ticket, watched),
                    SlotRequest::Close(closed) => admission.close(closed),
                    SlotRequest::HoldForMeans(short) => admission.hold_for_means(short),
                    SlotRequest::Leave(ticket) => {
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
    pub fn enter(&self, bytes: u64, standing: Standing, verdicts: Verdicts) -> Slot {
        let place = self.place();
        place.say(SlotRequest::Enter(place.ticket, bytes, standing, verdicts));
        place
    }

    /// A place for someone who runs already. It can rest and queue again, like any other.
    pub fn occupy(&self, bytes: u64, verdicts: Verdicts) -> Slot {
        let place = self.place();
        place.say(SlotRequest::Occupy(place.ticket, bytes));
        place.say(SlotRequest::Enter(place.ticket, bytes, Standing::Known, verdicts));
        place
    }

    /// Holds all starts back, or lets them go on.
    pub fn close(&self, closed: bool) {
        let _ = self.wishes.send(SlotRequest::Close(closed)); // the queue's task lives as long as we do
    }

    /// Holds all starts back while the machine has nothing left for them.
    pub fn hold_for_means(&self, short: bool) {
        let _ = self.wishes.send(SlotRequest::HoldForMeans(short)); // as above
    }

    fn place(&self) -> Slot {
        let ticket = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Slot { ticket, wishes: self.wishes.clone() }
    }
}

fn tell(waiting: &HashMap<Ticket, Verdicts>, verdicts: Vec<(Ticket, Verdict)>) {
    for (ticket, verdict) in verdicts {
        if let Some(to) = waiting.get(&ticket) {
            // A receiver that is gone drops its place too, which comes to the queue as a wish.
            let _ = to.send((ticket, verdict));
        }
    }
}

impl Slot {
    /// Which verdicts are meant for it.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The start is over.
    pub fn settle(&self) {
        self.say(SlotRequest::Settle(self.ticket));
    }

    /// Nothing runs here now.
    pub fn rest(&self) {
        self.say(SlotRequest::Rest(self.ticket));
    }

    /// So much is set aside here from now on.
    pub fn resize(&self, bytes: u64) {
        self.say(SlotRequest::Resize(self.ticket, bytes));
    }

    /// Whether somebody would miss whoever is here.
    pub(crate) fn watched(&self, watched: bool) {
        self.say(SlotRequest::Watch(self.ticket, watched));
    }

    /// Queues again, with the place kept.
    pub fn again(&self) {
        self.say(SlotRequest::Again(self.ticket));
    }

    fn say(&self, wish: SlotRequest) {
        let _ = self.wishes.send(wish); // the queue's task ends after its last place
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.say(SlotRequest::Leave(self.ticket));
    }
}
