//! The lease of this host.
//!
//! ```text
//!  Emptying ──all is gone──▶ Outside ──record read──▶ Joining ──written──▶ Held ──asked to leave, empty──▶ Left
//!     ▲                        ▲ └─ another has the name: a lease's time ─┘ │
//!     │                        └────────── no answer ──────────────────┘    │
//!     └──────────── no renewal for KILL, or the record was changed ─────────┘
//! ```
//!
//! Owns this host's record and the deadlines. A renewal counts from before it was sent, and however its answer came: by
//! itself, late, or in the record that is seen, which names the try (`beat`). It has applied after it was sent, so whoever
//! watches began to wait later than we. Never knows a user.

use std::collections::BTreeMap;

use super::rules::Rules;
use super::times::{DEAD_MAN, FENCE, FREEZE, KILL, KILL_AGAIN, LOOK_AGAIN, RENEW_EVERY, TRY};
use super::words::{Effect, Notice, Out, Outcome, Round, WriteId};
use super::{Kept, Settings};
use crate::moment::Moment;
use crate::records::{HostRecord, HostState, Record, Revision};

/// What the lease is doing. Every state but the last has a moment at which it goes on by itself.
#[derive(Debug, Clone)]
enum State {
    /// Everything must be gone before anything else.
    Emptying { first: Round, again: Moment },
    /// No lease. Reads its record at that moment.
    Outside { next: Moment, stranger: Option<(Revision, Moment)> },
    /// A new epoch is being written, and given up for now at that moment.
    Joining { until: Moment },
    /// The lease is ours.
    Held(Held),
    /// For good.
    Left,
}

#[derive(Debug, Clone)]
struct Held {
    epoch: u64,
    /// When the last good renewal was sent.
    good: Moment,
    frozen: bool,
    /// When the next renewal is sent.
    next: Moment,
}

/// A write of our record that may have applied.
#[derive(Debug, Clone, Copy)]
struct Try {
    write: WriteId,
    epoch: u64,
    expected: Option<Revision>,
    sent: Moment,
    last: bool,
}

/// What the lease's change means for the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything was dropped.
    Dropped,
    /// A renewal that was sent at that moment is good.
    Renewed(Moment),
}

#[derive(Debug, Clone)]
pub(super) struct Lease {
    settings: Settings,
    rules: Rules,
    state: State,
    /// What our record was last known to be at; `None` if there is none.
    revision: Option<Revision>,
    beat: u64,
    rounds: u64,
    tries: BTreeMap<u64, Try>,
}

impl Lease {
    /// Begins without anything: what may be left of an earlier program is killed first.
    pub(super) fn begin(settings: Settings, rules: Rules, now: Moment) -> Self {
        let state = State::Emptying { first: Round(1), again: now };
        Self { settings, rules, state, revision: None, beat: 0, rounds: 0, tries: BTreeMap::new() }
    }

    /// Goes on with the lease of the program whose place this one takes.
    pub(super) fn resume(settings: Settings, rules: Rules, kept: &Kept, now: Moment) -> Self {
        let held = Held { epoch: kept.epoch, good: kept.good, frozen: kept.frozen, next: now };
        let settings = Settings { instance: kept.instance, ..settings };
        let mut lease = Self::begin(settings, rules, now);
        lease.state = State::Held(held);
        (lease.revision, lease.beat, lease.rounds) = (Some(kept.revision), kept.beat, kept.rounds);
        lease
    }

    pub(super) fn kept(&self) -> Option<Kept> {
        let (State::Held(held), Some(revision)) = (&self.state, self.revision) else { return None };
        Some(Kept {
            instance: self.settings.instance,
            epoch: held.epoch,
            revision,
            beat: self.beat,
            rounds: self.rounds,
            good: held.good,
            frozen: held.frozen,
        })
    }

    /// The epoch of the lease, frozen or not.
    pub(super) fn epoch(&self) -> Option<u64> {
        match &self.state {
            State::Held(held) => Some(held.epoch),
            _ => None,
        }
    }

    /// Until when workers may run, if users may be started and claimed now.
    pub(super) fn permits(&self, now: Moment) -> Option<Moment> {
        match &self.state {
            State::Held(held) if !held.frozen && now < held.good + FREEZE => Some(self.dead_man(held)),
            _ => None,
        }
    }

    /// Until when a permission that rests on the last renewal is good.
    pub(super) fn firm(&self) -> Option<Moment> {
        match &self.state {
            State::Held(held) => Some(held.good + FREEZE),
            _ => None,
        }
    }

    fn dead_man(&self, held: &Held) -> Moment {
        if self.rules.dead_man { held.good + DEAD_MAN } else { Moment::since_boot(std::time::Duration::MAX) }
    }

    /// When it is to be asked again at the latest.
    pub(super) fn next(&self) -> Option<Moment> {
        match &self.state {
            State::Emptying { again: at, .. }
            | State::Outside { next: at, .. }
            | State::Joining { until: at } => Some(*at),
            State::Held(held) => {
                let deadline = if held.frozen { held.good + KILL } else { held.good + FREEZE };
                Some(held.next.min(deadline))
            }
            State::Left => None,
        }
    }

    /// What is due because so much time has passed. Comes before anything else in each step, so that nothing is decided
    /// on a lease that has run out.
    pub(super) fn deadlines(&mut self, now: Moment, out: &mut Out) -> Option<Change> {
        let can_freeze = self.settings.can_freeze;
        let State::Held(held) = &mut self.state else { return None };
        let passed = now.since(held.good);
        if passed >= KILL || (passed >= FREEZE && !can_freeze) {
            out.push(Effect::Tell(Notice::Lapsed(passed)));
            return Some(self.drop_all(now, out));
        }
        if passed >= FREEZE && !held.frozen {
            held.frozen = true;
            out.push(Effect::Freeze);
        }
        None
    }

    fn drop_all(&mut self, now: Moment, out: &mut Out) -> Change {
        self.tries.clear();
        self.rounds += 1;
        let first = Round(self.rounds);
        out.push(Effect::Kill(first));
        self.state = State::Emptying { first, again: now + KILL_AGAIN };
        Change::Dropped
    }

    /// No process is left of what this round had to kill.
    pub(super) fn emptied(&mut self, round: Round, leaving: bool, now: Moment, out: &mut Out) {
        match &self.state {
            State::Emptying { first, .. } if round >= *first && leaving => {
                out.push(Effect::Tell(Notice::Left));
                self.state = State::Left;
            }
            State::Emptying { first, .. } if round >= *first => {
                self.state = State::Outside { next: now, stranger: None };
            }
            _ => {}
        }
    }

    /// Sends what is to be sent by now. `room` is what the record says, and `leave` whether this is to be the last one.
    pub(super) fn due(&mut self, now: Moment, room: u32, leaving: bool, leave: bool, out: &mut Out) {
        match &mut self.state {
            State::Emptying { again, .. } if now >= *again => {
                *again = now + KILL_AGAIN;
                self.rounds += 1;
                out.push(Effect::Kill(Round(self.rounds)));
            }
            State::Outside { next, .. } if now >= *next => {
                *next = now + TRY;
                out.push(Effect::ReadHost(self.settings.host.clone()));
            }
            State::Joining { until } if now >= *until => {
                self.state = State::Outside { next: now, stranger: None };
                self.due(now, room, leaving, leave, out);
            }
            State::Held(held) if now >= held.next => {
                held.next = now + TRY;
                let epoch = held.epoch;
                let state = match (leave, leaving) {
                    (true, _) => HostState::Dead,
                    (false, true) => HostState::Leaving,
                    (false, false) => HostState::Live,
                };
                self.send(now, epoch, state, room, out);
            }
            _ => {}
        }
    }

    fn send(&mut self, now: Moment, epoch: u64, state: HostState, room: u32, out: &mut Out) {
        self.beat += 1;
        let (instance, beat, address) = (self.settings.instance, self.beat, self.settings.address.clone());
        let record =
            HostRecord { instance, epoch, beat, state, address, room, other: self.settings.other.clone() };
        let expected = self.revision;
        let write = out.write(expected, Record::Host(self.settings.host.clone(), record));
        let last = state == HostState::Dead;
        self.tries.insert(beat, Try { write, epoch, expected, sent: now, last });
    }

    /// The answer to one of our writes; `None` in front if it is none of them.
    pub(super) fn answered(
        &mut self,
        write: WriteId,
        outcome: Outcome,
        now: Moment,
        out: &mut Out,
    ) -> Option<Option<Change>> {
        let (beat, tried) =
            self.tries.iter().find(|(_, tried)| tried.write == write).map(|(b, t)| (*b, *t))?;
        match outcome {
            Outcome::Done(revision) if self.revision < Some(revision) => {
                Some(self.applied(beat, tried, revision, now, out))
            }
            Outcome::Done(_) | Outcome::Unknown => Some(None),
            Outcome::Refused => {
                self.tries.remove(&beat);
                match self.state {
                    State::Joining { .. } => self.state = State::Outside { next: now, stranger: None },
                    // If the record has been seen to be further by now, that has settled it.
                    State::Held(_) if tried.expected == self.revision => {
                        out.push(Effect::ReadHost(self.settings.host.clone()));
                    }
                    _ => {}
                }
                Some(None)
            }
        }
    }

    /// This try of ours is what the record is at.
    fn applied(
        &mut self,
        beat: u64,
        tried: Try,
        revision: Revision,
        now: Moment,
        out: &mut Out,
    ) -> Option<Change> {
        self.revision = Some(revision);
        self.tries.retain(|one, _| *one > beat);
        if tried.last {
            out.push(Effect::Tell(Notice::Left));
            let dropped = self.drop_all(now, out);
            self.state = State::Left;
            return Some(dropped);
        }
        let sent = if self.rules.counted_from_sending { tried.sent } else { now };
        match &mut self.state {
            State::Held(held) => {
                held.good = held.good.max(sent);
                held.next = (held.good + RENEW_EVERY).max(now);
            }
            State::Outside { .. } | State::Joining { .. } => {
                let next = (sent + RENEW_EVERY).max(now);
                self.state = State::Held(Held { epoch: tried.epoch, good: sent, frozen: false, next });
                out.push(Effect::Tell(Notice::Joined(tried.epoch)));
            }
            State::Emptying { .. } | State::Left => return None,
        }
        // It may be so old that it is over already.
        if let Some(dropped) = self.deadlines(now, out) {
            return Some(dropped);
        }
        let State::Held(held) = &self.state else { return None };
        let (until, thaws) = (self.dead_man(held), held.frozen && now < held.good + FREEZE);
        out.push(Effect::Feed(until));
        if thaws && let State::Held(held) = &mut self.state {
            held.frozen = false;
            out.push(Effect::Thaw);
        }
        Some(Change::Renewed(sent))
    }

    /// Our own record, as it was seen.
    pub(super) fn saw(
        &mut self,
        found: Option<&(Revision, HostRecord)>,
        room: u32,
        now: Moment,
        out: &mut Out,
    ) -> Option<Change> {
        let Some((revision, record)) = found else {
            if self.revision.is_none() && matches!(self.state, State::Outside { .. }) {
                self.join(1, room, now, out);
            }
            return None;
        };
        let is_new = self.revision < Some(*revision);
        if self.revision > Some(*revision) {
            return None;
        }
        self.revision = Some(*revision);
        let is_ours = record.instance == self.settings.instance;
        if is_new
            && is_ours
            && let Some(tried) = self.tries.get(&record.beat).copied()
            && (record.state == HostState::Dead) == tried.last
        {
            return self.applied(record.beat, tried, *revision, now, out);
        }
        let is_free = is_ours || record.state == HostState::Dead;
        match &mut self.state {
            State::Held(held) => {
                let stays = is_ours && record.epoch == held.epoch && record.state != HostState::Dead;
                if stays || !is_new {
                    return None; // the last try of the program whose place we took, which counts from none of ours
                }
                out.push(Effect::Tell(Notice::Fenced));
                Some(self.drop_all(now, out))
            }
            State::Outside { next, stranger } => {
                let silent = stranger.filter(|(at, _)| at == revision).map(|(_, since)| now.since(since));
                let is_over = silent.is_some_and(|silent| silent >= FENCE) || !self.rules.name_wait;
                if is_free || is_over {
                    let epoch = if self.rules.new_epoch { record.epoch + 1 } else { record.epoch };
                    self.join(epoch, room, now, out);
                } else {
                    if silent.is_none() && stranger.replace((*revision, now)).is_some() {
                        out.push(Effect::Tell(Notice::NameTaken));
                    }
                    *next = (*next).min(now + LOOK_AGAIN);
                }
                None
            }
            State::Emptying { .. } | State::Joining { .. } | State::Left => None,
        }
    }

    fn join(&mut self, epoch: u64, room: u32, now: Moment, out: &mut Out) {
        self.send(now, epoch, HostState::Live, room, out);
        self.state = State::Joining { until: now + TRY };
    }
}
