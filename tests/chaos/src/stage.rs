//! [`Stage`]: what everyone who plays has in common, and the notebook in which each writes what happened.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use colmeia::config::ServiceConfig;
use tokio::sync::watch;

use crate::bounds;
use crate::disk::Disk;
use crate::harness::{Simulator, Webhook};
use crate::ledger::Sent;
use crate::readiness::Readiness;
use crate::schedule::{Kind, Planned, USERS};

/// Who writes to everyone, and is written to.
pub(crate) const ANA: &str = "5511988887777";

/// Shared by all players.
pub(crate) struct Stage {
    pub(crate) phone: Simulator,
    pub(crate) webhook: Webhook,
    pub(crate) config: ServiceConfig,
    pub(crate) disk: Option<Disk>,
    /// Where the service listens; another port after each start.
    pub(crate) address: watch::Receiver<String>,
    /// True when no message is to be written any more.
    pub(crate) over: watch::Sender<bool>,
    /// Held by whoever writes to the user, and by a phone that is about to log out.
    pub(crate) pens: [tokio::sync::Mutex<()>; USERS],
    begun: Instant,
    notes: Mutex<Notes>,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) users: [User; USERS],
    /// What was done, and whether there was somebody to do it to.
    pub(crate) done: Vec<(Planned, bool)>,
    /// From when to when there was no supervisor, because it was killed.
    pub(crate) kills: Vec<(Duration, Duration)>,
    /// How often the disk was full.
    pub(crate) fills: usize,
    /// How often the service was asked for a status.
    pub(crate) asked: usize,
    /// A caller who was refused although nobody had killed the supervisor.
    pub(crate) refused_callers: Vec<(Duration, String)>,
    /// Something of another user's.
    pub(crate) mixed_up: Vec<(Duration, String)>,
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
        disk: Option<Disk>,
        address: watch::Receiver<String>,
    ) -> Self {
        Self {
            phone,
            webhook,
            config,
            disk,
            address,
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
        let allowance = bounds::allowance(&self.config, kind, waiting, lasts);
        for (_, one) in notes.users.iter_mut().enumerate().filter(|(n, _)| user.is_none_or(|user| user == *n))
        {
            one.readiness.hit(kind, at, allowance);
        }
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
