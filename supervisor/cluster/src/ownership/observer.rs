//! The other hosts, as this one sees them.
//!
//! Owns when which of them is fenced. A host is fenced by a compare-and-set to dead at the revision last seen, so one
//! that has renewed meanwhile is not. The wait begins with the last change that was *seen*, which is later than the
//! renewal was sent; and after any gap of the engine it begins anew, because then everybody was silent and nobody is to
//! blame. That there is no gap is seen in our own renewals: they come back by the same watch.

use std::collections::BTreeMap;

use super::rules::Rules;
use super::times::{FENCE, PULSE_GAP, TRY};
use super::words::{Effect, Notice, Out, Outcome, WriteId};
use crate::moment::Moment;
use crate::names::HostId;
use crate::records::{HostRecord, HostState, Record, Revision};

#[derive(Debug, Clone)]
struct Peer {
    revision: Revision,
    record: HostRecord,
    /// When the record was last seen to change.
    changed: Moment,
    /// The fencing under way: which write, and until when its answer is waited for.
    fencing: Option<(WriteId, Moment)>,
}

/// A run of our own renewals that came back in time.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    since: Moment,
    last: Moment,
}

/// Whether the epoch of somebody's claim is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on, or nobody can say.
    MayGoOn,
    /// It is over, for good.
    Over,
}

#[derive(Debug, Clone)]
pub(super) struct Observer {
    rules: Rules,
    peers: BTreeMap<HostId, Peer>,
    pulse: Option<Pulse>,
}

impl Observer {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, peers: BTreeMap::new(), pulse: None }
    }

    /// A change of our own record came by the watch.
    pub(super) fn beat(&mut self, now: Moment) {
        let since = match self.pulse {
            Some(pulse) if now.since(pulse.last) <= PULSE_GAP => pulse.since,
            _ => now,
        };
        self.pulse = Some(Pulse { since, last: now });
    }

    /// The watch broke, or something was not answered.
    pub(super) fn gap(&mut self) {
        self.pulse = None;
    }

    /// Another host's record; whether it means anything new for users.
    pub(super) fn saw(&mut self, host: HostId, revision: Revision, record: HostRecord, now: Moment) -> bool {
        let before = self.peers.get(&host);
        if before.is_some_and(|peer| peer.revision >= revision) {
            return false;
        }
        let means = |record: &HostRecord| (record.epoch, record.state, record.room > 0);
        let is_news = before.is_none_or(|peer| means(&peer.record) != means(&record));
        let fencing = before.and_then(|peer| peer.fencing);
        self.peers.insert(host, Peer { revision, record, changed: now, fencing });
        is_news
    }

    /// What is known of this epoch of this host.
    pub(super) fn standing(&self, host: &HostId, epoch: u64) -> Standing {
        let over = self.peers.get(host).is_some_and(|peer| {
            let record = &peer.record;
            record.epoch > epoch || (record.epoch == epoch && record.state == HostState::Dead)
        });
        if over { Standing::Over } else { Standing::MayGoOn }
    }

    /// The epoch of a host that takes users.
    pub(super) fn live(&self, host: &HostId) -> Option<u64> {
        self.peers.get(host).filter(|peer| peer.record.state == HostState::Live).map(|peer| peer.record.epoch)
    }

    /// The others that may claim users.
    pub(super) fn with_room(&self) -> impl Iterator<Item = &HostId> {
        let takes = |peer: &Peer| peer.record.state == HostState::Live && peer.record.room > 0;
        self.peers.iter().filter(move |(_, peer)| takes(peer)).map(|(host, _)| host)
    }

    /// From when on this host may be fenced, if nothing is seen of it before; `None` if it is dead, or while there is a gap.
    fn fenced_from(&self, peer: &Peer, now: Moment) -> Option<Moment> {
        if peer.record.state == HostState::Dead {
            return None;
        }
        let silent_since = match (self.rules.gap_wait, self.pulse) {
            (false, _) => peer.changed,
            (true, Some(pulse)) if now.since(pulse.last) <= PULSE_GAP => peer.changed.max(pulse.since),
            (true, _) => return None,
        };
        let from = silent_since + if self.rules.fence_wait { FENCE } else { PULSE_GAP };
        Some(peer.fencing.map_or(from, |(_, until)| from.max(until)))
    }

    /// Fences whoever has been silent for too long. Only for a host whose own lease is good.
    pub(super) fn due(&mut self, now: Moment, out: &mut Out) {
        let is_due = |peer: &Peer| self.fenced_from(peer, now).is_some_and(|from| now >= from);
        let due: Vec<HostId> =
            self.peers.iter().filter(|(_, peer)| is_due(peer)).map(|(host, _)| host.clone()).collect();
        for host in due {
            let Some(peer) = self.peers.get_mut(&host) else { continue };
            let dead = HostRecord { state: HostState::Dead, ..peer.record.clone() };
            let write = out.write(Some(peer.revision), Record::Host(host, dead));
            peer.fencing = Some((write, now + TRY));
        }
    }

    /// When the next one may be fenced.
    pub(super) fn next(&self, now: Moment) -> Option<Moment> {
        self.peers.values().filter_map(|peer| self.fenced_from(peer, now)).min()
    }

    /// The answer to a fencing, and whether it means anything new for users; `None` if it is none.
    pub(super) fn answered(
        &mut self,
        write: WriteId,
        outcome: Outcome,
        now: Moment,
        out: &mut Out,
    ) -> Option<bool> {
        let is_it = |peer: &Peer| peer.fencing.is_some_and(|(one, _)| one == write);
        let (host, peer) = self.peers.iter_mut().find(|(_, peer)| is_it(peer))?;
        match outcome {
            Outcome::Done(revision) => {
                peer.fencing = None;
                let is_news = peer.revision < revision;
                if is_news {
                    peer.revision = revision;
                    peer.record.state = HostState::Dead;
                }
                out.push(Effect::Tell(Notice::FencedOther(host.clone())));
                Some(is_news)
            }
            Outcome::Refused => {
                // It is alive, or another was faster: the wait begins anew with what the record says.
                peer.fencing = None;
                peer.changed = now;
                out.push(Effect::ReadHost(host.clone()));
                Some(false)
            }
            Outcome::Unknown => Some(false),
        }
    }
}
