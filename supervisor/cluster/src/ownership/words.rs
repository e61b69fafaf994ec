//! What the machine is told ([`Event`]) and what it wants done ([`Effect`]).
//!
//! Owns the words and nothing else. Who carries effects out promises: a write is one compare-and-set (or a creation)
//! whose outcome is told as it is, never tried again by itself; reads are answered by the ground's leader; what is
//! watched comes in order for each record; and an [`Effect::Feed`] reaches the workers of users that were started and
//! no others.

use std::time::Duration;

use colmeia::UserId;

use crate::moment::Moment;
use crate::names::HostId;
use crate::records::{HostRecord, Record, Revision, UserRecord};

/// Names one write; its answer has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// Names one time that everything was killed; its end has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Round(pub u64);

/// Names one browser that was started. What is said of an earlier one means nothing for the one that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run(pub u64);

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is written, at this revision.
    Done(Revision),
    /// The record was at another revision, or was there already. Nothing is written.
    Refused,
    /// Nobody can say: it may be written, or be written later.
    Unknown,
}

/// How a record came to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The ground told it by itself.
    Watch,
    /// We asked.
    Read,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is so late.
    Tick,
    /// A host's record, or that there is none.
    SawHost {
        /// The host.
        host: HostId,
        /// What is there.
        found: Option<(Revision, HostRecord)>,
        /// How it was seen.
        by: By,
    },
    /// A user's record, or that there is none.
    SawUser {
        /// The user.
        user: UserId,
        /// What is there.
        found: Option<(Revision, UserRecord)>,
    },
    /// The answer to a write, however late.
    Answered {
        /// Which write.
        write: WriteId,
        /// What became of it.
        outcome: Outcome,
    },
    /// The watch broke, or the ground cannot be reached.
    WatchLost,
    /// No process of any user is left of what this round had to kill.
    Emptied(Round),
    /// This browser of the user is gone, as [`Effect::Stop`] wanted.
    Stopped(UserId, Run),
    /// This user's page lost its connection to another browser.
    Conflict(UserId),
    /// Somebody wants the user to run, or not to.
    Want(UserId, bool),
    /// The owner has made a snapshot, and this is where it is.
    Snapshot(UserId, String),
    /// The user is to go to another host.
    Move(UserId, HostId),
    /// This host is to take no users any more, and to leave when the last one is gone.
    Leave,
}

/// Why a user's browser must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It belongs to somebody else, or to nobody: kill it.
    Lost,
    /// Nobody wants it to run: close it.
    Unwanted,
    /// It goes to another host: close it, and make a snapshot.
    Moved,
}

/// Something to tell to people, in the log and in metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// This host has a lease, in this epoch.
    Joined(u64),
    /// The lease ran out: no renewal was answered for so long.
    Lapsed(Duration),
    /// Others changed this host's record: it was fenced, or another program has its name.
    Fenced,
    /// Another program renews under this host's name. It joins when that has been silent for a full lease.
    NameTaken,
    /// We fenced that host.
    FencedOther(HostId),
    /// This host has left as it was asked.
    Left,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write this record if it is at this revision, or if there is none.
    Write {
        /// Which write.
        write: WriteId,
        /// The revision that it has to be at; `None` creates it.
        expected: Option<Revision>,
        /// What is written.
        record: Record,
    },
    /// Read a host's record from the leader.
    ReadHost(HostId),
    /// Read a user's record from the leader.
    ReadUser(UserId),
    /// Every started user's worker may run until then. It exits when this has passed, and none is started after it.
    Feed(Moment),
    /// Freeze the control groups of all users.
    Freeze,
    /// Let them go on. What was fed just before reaches a worker before its own timer.
    Thaw,
    /// Kill every process of every user, and say when none is left.
    Kill(Round),
    /// This user may run here.
    Start {
        /// The user.
        user: UserId,
        /// This browser among all that were started here.
        run: Run,
        /// The fencing token of this claim.
        token: Revision,
        /// The snapshot to begin with, where the profile here is older.
        snapshot: Option<String>,
        /// Until when its worker may run; as in [`Effect::Feed`].
        until: Moment,
    },
    /// This user's browser must end.
    Stop(UserId, Why),
    /// This user's page may take its connection back, if it does so before then.
    TakeOver(UserId, Moment),
    /// Tell people.
    Tell(Notice),
}

/// Gathers what is to be done in one step, and numbers writes.
#[derive(Debug, Clone, Default)]
pub(super) struct Out {
    pub(super) effects: Vec<Effect>,
    writes: u64,
}

impl Out {
    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn write(&mut self, expected: Option<Revision>, record: Record) -> WriteId {
        self.writes += 1;
        let write = WriteId(self.writes);
        self.push(Effect::Write { write, expected, record });
        write
    }
}
