//! What comes out of the journal, and how it is asked. Only types; no payload, key or address is shown by `Debug`.

use std::fmt;
use std::sync::Arc;

use colmeia::{Me, UserId};
use rusqlite::types::Value;

use super::{EventId, Kind};

/// An event that is on disk.
#[derive(Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its id.
    pub id: EventId,
    /// Its row.
    pub row: i64,
    /// Whose it is.
    pub user: UserId,
    /// What has happened.
    pub kind: Kind,
    /// What identifies it among its user's events.
    pub key: String,
    /// When it was written, in milliseconds since the epoch; never less than that of the event before it.
    pub created_ms: i64,
    /// The account that the session was linked with.
    pub me: Option<Me>,
    /// A [`super::StatusRecord`] where the kind is `session.status`, else a [`colmeia::protocol::Event`]; as JSON.
    pub payload: String,
}

/// An event that waits to be delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// The event.
    pub event: Recorded,
    /// How often it was tried.
    pub attempts: u32,
    /// When it may be tried again, in milliseconds since the epoch; [`URGED`] when someone wants it now.
    pub next_ms: i64,
    /// Since when it waits, in milliseconds since the epoch.
    pub since_ms: i64,
}

/// Stands as the time of an event's next attempt when someone asked for it: whatever else would delay it.
pub const URGED: i64 = -1;

/// An event that could not be delivered.
#[derive(Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event.
    pub event: Recorded,
    /// To whom; empty for Flask's webhook.
    pub address: Arc<str>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up, in milliseconds since the epoch; 0 where that is not known.
    pub died_ms: i64,
    /// How the last attempt ended.
    pub error: String,
}

/// One session's events for one address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Queue {
    /// Its number.
    pub id: i64,
    /// Whose events.
    pub user: UserId,
    /// To whom; empty for Flask's webhook.
    pub address: Arc<str>,
}

/// What lies in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Which.
    pub queue: Queue,
    /// How many events wait.
    pub pending: i64,
    /// How many were given up.
    pub dead: i64,
    /// The event whose turn it is; nothing when none waits.
    pub head: Option<Head>,
}

/// The event of a queue whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The event's id.
    pub id: EventId,
    /// Since when it waits, in milliseconds since the epoch.
    pub since_ms: i64,
    /// How many of its attempts were counted.
    pub attempts: u32,
    /// When it may be tried again, in milliseconds since the epoch; what is past means now.
    pub next_ms: i64,
    /// How the last attempt ended; nothing when there was none.
    pub error: Option<String>,
}

/// Which queues are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queues {
    /// All of them.
    All,
    /// One session's.
    Of(UserId),
    /// The queue of this number.
    Numbered(i64),
}

/// Some events, and how far was looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The oldest first.
    pub events: Vec<Recorded>,
    /// The last row that was looked at: where the next page goes on.
    pub reached: i64,
    /// Whether there may be more already.
    pub more: bool,
}

/// Where someone begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Of the first event that there is.
    Beginning,
    /// After this event, whether it is still there or not.
    After(EventId),
    /// After everything that is there now.
    End,
}

/// Which dead letters are meant; what is absent is no restriction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// Only this session's.
    pub user: Option<UserId>,
    /// Only these events' rows.
    pub rows: Option<Vec<i64>>,
}

/// How an attempt to deliver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The receiver has it.
    Done,
    /// Later again.
    Retry {
        /// When, in milliseconds since the epoch.
        next_ms: i64,
        /// Why.
        error: String,
        /// Whether the attempt counts.
        counts: bool,
    },
    /// Never again by itself; it is kept.
    Dead {
        /// Why.
        error: String,
    },
}

impl Queues {
    /// As a condition on queues `q`.
    pub(super) fn condition(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::All => ("1", Vec::new()),
            Self::Of(user) => ("q.user = ?", vec![Value::from(user.as_str().to_owned())]),
            Self::Numbered(id) => ("q.id = ?", vec![Value::from(*id)]),
        }
    }
}

impl Which {
    /// As a condition on queues `q` and deliveries `d`.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let (mut condition, mut values) = (String::from("1"), Vec::new());
        if let Some(user) = &self.user {
            condition.push_str(" AND q.user = ?");
            values.push(Value::from(user.as_str().to_owned()));
        }
        if let Some(rows) = &self.rows {
            let places = vec!["?"; rows.len()].join(", ");
            condition.push_str(&format!(" AND d.event_id IN ({places})"));
            values.extend(rows.iter().copied().map(Value::from));
        }
        (condition, values)
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorded({}, {}, {})", self.id, self.user, self.kind.name())
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({}, {} attempts)", self.event.id, self.attempts)
    }
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeadLetter({}, {} attempts)", self.event.id, self.attempts)
    }
}

/// An address may carry a token.
impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({}, {})", self.id, self.user)
    }
}
