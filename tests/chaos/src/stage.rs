//! [`Stage`]: what everyone who plays has in common, and the notebook in which each writes what happened.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use colmeia::config::ServiceConfig;
use tokio::sync::watch;

use crate::bounds;
use crate::day::{Line, Sample};
use crate::disk::Disk;
use crate::harness::{Receiver, Simulator, Webhook};
use crate::ledger::Sent;
use crate::names::Names;
use crate::readiness::Readiness;
use crate::schedule::{Kind, Planned, USERS};
use crate::sick::Sick;

/// Who writes to everyone, and is written to.
pub(crate) const ANA: &str = "5511988887777";

/// Shared by all players.
pub(crate) struct Stage {
    pub(crate) phone: Simulator,
    pub(crate) webhook: Webhook,
    pub(crate) config: ServiceConfig,
    pub(crate) props: Props,
    /// Where the service listens; another port after each start.
    pub(crate) address: watch::Receiver<String>,
    /// The process id of the service.
    supervisor: AtomicI32,
    /// True when no message is to be written any more.
    pub(crate) over: watch::Sender<bool>,
    /// Held by whoever writes to the user, and by a phone that is about to log out.
    pub(crate) pens: [tokio::sync::Mutex<()>; USERS],
    begun: Instant,
    notes: Mutex<Notes>,
}

/// What the disturbances are made with.
pub(crate) struct Props {
    pub(crate) disk: Option<Disk>,
    pub(crate) sick: Sick,
    pub(crate) names: Option<Arc<Names>>,
    /// What the first [`NAMED`] users have beside Flask's webhook, by a name.
    pub(crate) named: Receiver,
    /// The operators' socket.
    pub(crate) admin: PathBuf,
}

/// How many users have a webhook with a name.
pub(crate) const NAMED: usize = 3;

/// When a page flipped; the milliseconds are those of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flips {
    pub(crate) user: usize,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
}

/// From when to when.
pub(crate) type Span = (Duration, Duration);

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) users: [User; USERS],
    /// What was done, and whether there was somebody to do it to.
    pub(crate) done: Vec<(Planned, bool)>,
    /// From when to when there was no supervisor, because it was killed.
    pub(crate) kills: Vec<Span>,
    /// How often a supervisor ended by itself.
    pub(crate) own_ends: usize,
    /// When a supervisor began, after the first one.
    pub(crate) starts: Vec<Duration>,
    /// From when to when at the latest a supervisor replaced itself.
    pub(crate) reloads: Vec<Span>,
    /// When the doors may be closed although the supervisor lives.
    pub(crate) closed: Vec<Span>,
    /// When the supervisor's disk was slow or failed, and what it did not keep may be tried again.
    pub(crate) unwell: Vec<Span>,
    /// When the disk was full, or nearly.
    pub(crate) full: Vec<Span>,
    /// When the name server was silent.
    pub(crate) silences: Vec<Span>,
    /// A silence in which others were given nothing either.
    pub(crate) waited_for_names: Vec<(Duration, String)>,
    /// When a page flipped, and how many rows and joined changes the journal has of each.
    pub(crate) flips: Vec<Flips>,
    pub(crate) rows: Vec<(u64, u64)>,
    /// How much of each disturbance was felt, where that can be counted.
    pub(crate) felt: BTreeMap<Kind, u64>,
    /// Until when starts take longer, because of the machine.
    hindered: Duration,
    /// How often the doors were knocked at, and the longest time until one was opened.
    pub(crate) knocks: usize,
    pub(crate) slowest: Duration,
    /// A door that was not opened in time.
    pub(crate) slow: Vec<(Duration, String)>,
    /// How many settings were acknowledged, and how many refused because of the disk.
    pub(crate) kept: usize,
    pub(crate) not_kept: usize,
    /// A setting that was acknowledged, and is not there.
    pub(crate) forgotten: Vec<(Duration, String)>,
    /// A page that flipped, with more rows than its quota.
    pub(crate) overfull: Vec<(Duration, String)>,
    /// How often the disk was full.
    pub(crate) fills: usize,
    /// How often the service was asked for a status.
    pub(crate) asked: usize,
    /// A caller who was refused although nobody had killed the supervisor.
    pub(crate) refused_callers: Vec<(Duration, String)>,
    /// Something of another user's.
    pub(crate) mixed_up: Vec<(Duration, String)>,
    /// What the programs had, where that is looked at, and what of it has grown.
    pub(crate) samples: Vec<Sample>,
    pub(crate) lines: Vec<Line>,
    pub(crate) grown: Vec<String>,
    /// Whatever else must not be.
    pub(crate) wrong: Vec<(Duration, String)>,
}

/// What happened to one user.
#[derive(Debug, Default)]
pub(crate) struct User {
    pub(crate) readiness: Readiness,
    pub(crate) sent: Vec<Sent>,
    /// What the phone's network took for this user, in order.
    pub(crate) written: Vec<String>,
    /// The phone has logged out, and was not ready since.
    pub(crate) unlinked: bool,
}

impl Stage {
    pub(crate) fn new(
        phone: Simulator,
        webhook: Webhook,
        config: ServiceConfig,
        props: Props,
        address: watch::Receiver<String>,
    ) -> Self {
        Self {
            phone,
            webhook,
            config,
            props,
            address,
            supervisor: AtomicI32::new(0),
            over: watch::Sender::new(false),
            pens: Default::default(),
            begun: Instant::now(),
            notes: Mutex::default(),
        }
    }

    /// Time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The same for a moment that was noted elsewhere.
    pub(crate) fn at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.begun)
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is about to be done. What follows from it is excused from now on.
    pub(crate) fn hit(&self, kind: Kind, user: Option<usize>, lasts: Duration) {
        let at = self.now();
        let mut notes = self.notes();
        // Who is not ready may be waiting for a place; without a supervisor everybody may.
        let waiting = match kind {
            Kind::KillSupervisor => USERS,
            _ => notes.users.iter().filter(|user| user.readiness.is_excused()).count(),
        };
        let mut allowance = bounds::allowance(&self.config, kind, waiting, lasts);
        let hindered = notes.hindered.saturating_sub(at);
        allowance.notice += hindered;
        allowance.recover += hindered;
        for (_, one) in notes.users.iter_mut().enumerate().filter(|(n, _)| user.is_none_or(|user| user == *n))
        {
            one.readiness.hit(kind, at, allowance);
        }
    }

    /// Notes that everything takes longer for a while. It ends nobody's being ready.
    pub(crate) fn hinder(&self, kind: Kind, lasts: Duration) {
        let by = bounds::hindrance(kind, lasts);
        let mut notes = self.notes();
        notes.hindered = notes.hindered.max(self.now() + by);
        notes.users.iter_mut().for_each(|user| user.readiness.postpone(by));
    }

    /// Notes that so much was felt of it.
    pub(crate) fn felt(&self, kind: Kind, much: u64) {
        *self.notes().felt.entry(kind).or_default() += much;
    }

    /// The service's process.
    pub(crate) fn supervisor(&self) -> i32 {
        self.supervisor.load(Ordering::SeqCst)
    }

    /// It is this one now.
    pub(crate) fn set_supervisor(&self, pid: i32) {
        self.supervisor.store(pid, Ordering::SeqCst);
    }

    /// Whether the supervisor is dead because it was killed, or was until a moment ago.
    pub(crate) fn is_dead(&self) -> bool {
        let begun = self.now().saturating_sub(Duration::from_secs(1));
        self.notes().kills.iter().any(|(_, until)| *until >= begun)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", *self.address.borrow())
    }
}

impl Notes {
    /// Whether the supervisor's disk was slow or failed in some moment of this time.
    pub(crate) fn is_unwell(&self, from: Duration, until: Duration) -> bool {
        overlaps(&self.unwell, (from, until))
    }

    /// Whether the disk may not have taken what it was given in this time.
    pub(crate) fn may_refuse(&self, from: Duration, until: Duration) -> bool {
        overlaps(&self.full, (from, until)) || self.is_unwell(from, until)
    }

    /// Whether the doors may have been closed in some moment of this time.
    pub(crate) fn may_be_closed(&self, from: Duration, until: Duration) -> bool {
        [&self.closed, &self.kills, &self.reloads].into_iter().any(|spans| overlaps(spans, (from, until)))
    }

    /// The supervisor ends unasked at this time.
    pub(crate) fn killed(&mut self, at: Duration) {
        self.kills.push((at, Duration::MAX));
    }

    /// When a supervisor may have ended without having written down what it had delivered: killed, or reloaded while the
    /// disk took nothing. What was delivered since the disk was well was not written down either.
    pub(crate) fn unwritten(&self) -> Vec<Span> {
        let sick = || self.full.iter().chain(&self.unwell);
        let during =
            |span: &Span| sick().filter(|sick| overlaps(&[*span], **sick)).map(|(from, _)| *from).min();
        let kills = self.kills.iter().map(|kill| {
            let (at, until) = *kill;
            (during(&(at, at)).unwrap_or(at).min(at), until)
        });
        let reloads =
            self.reloads.iter().filter_map(|reload| Some((during(reload)?.min(reload.0), reload.1)));
        kills.chain(reloads).collect()
    }
}

fn overlaps(spans: &[Span], (from, until): Span) -> bool {
    spans.iter().any(|(begun, over)| *begun <= until && from <= *over)
}

/// A user's id.
pub(crate) fn id(user: usize) -> String {
    (user + 1).to_string()
}

/// A user's phone number.
pub(crate) fn number(user: usize) -> String {
    format!("551190000{:04}", user + 1)
}

/// A message's text: whose it is, which one, and in which direction.
pub(crate) fn text(direction: &str, user: usize, n: usize) -> String {
    format!("{direction} u{} {n}", user + 1)
}

/// Whether a text is this user's.
pub(crate) fn is_of(text: &str, user: usize) -> bool {
    text.split(' ').nth(1) == Some(&format!("u{}", user + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_down_reaches_back_to_the_moment_in_which_the_disk_was_well() {
        let s = Duration::from_secs;
        let notes = Notes {
            kills: vec![(s(10), s(12)), (s(50), s(51))],
            reloads: vec![(s(20), s(40)), (s(60), s(80)), (s(90), s(110))],
            unwell: vec![(s(45), s(55)), (s(70), s(75))],
            full: vec![(s(85), s(95))],
            ..Notes::default()
        };
        let spans = [(s(10), s(12)), (s(45), s(51)), (s(60), s(80)), (s(85), s(110))];
        assert_eq!(notes.unwritten(), spans);
    }
}
