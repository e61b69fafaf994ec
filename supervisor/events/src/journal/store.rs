//! The statements that write.
//!
//! Owns the SQL of rows that come, change and go, and what the writer remembers between them ([`Ledger`]). Never
//! begins or ends a transaction: that is the writer's, which puts many of these into one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use colmeia::UserId;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::entry::NewEntry;
use super::samples::Samples;
use super::status::{StatusChange, StatusPoint, StatusRecord};
use super::{Kind, Queues, Settlement, URGED, Which, history};

/// How many statuses are told with a change, as at WAHA.
const STATUSES: usize = 3;

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Rows written or deleted.
    pub(super) rows: usize,
    /// The newest event among them.
    pub(super) last: Option<i64>,
    /// The queues that have something new.
    pub(super) queues: BTreeSet<i64>,
}

/// An event to be, and who is to be told of it.
#[derive(Clone)]
pub(super) struct NewRow {
    pub(super) entry: NewEntry,
    pub(super) addresses: Vec<Arc<str>>,
}

/// What the writer remembers of the tables. It is right as long as every transaction was committed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// When the last event was made: ids grow although clocks go back.
    last_ms: i64,
    queues: HashMap<(UserId, Arc<str>), i64>,
    pub(super) samples: Samples,
}

impl Ledger {
    /// As the tables are now.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let last_ms =
            connection.query_row("SELECT ifnull(max(created_ms), 0) FROM events", [], |row| row.get(0))?;
        Ok(Self { last_ms, queues: HashMap::new(), samples: Samples::read(connection)? })
    }

    /// After a transaction that was not committed: what it made is not there.
    pub(super) fn forget(&mut self) {
        self.queues.clear();
    }

    fn queue(&mut self, connection: &Connection, user: &UserId, address: &Arc<str>) -> rusqlite::Result<i64> {
        let key = (user.clone(), Arc::clone(address));
        if let Some(id) = self.queues.get(&key) {
            return Ok(*id);
        }
        // By chance and not in order: whoever still works on a queue that was forgotten must not find another's.
        connection
            .prepare_cached(
                "INSERT INTO queues (id, user, address) VALUES (?3, ?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![user.as_str(), address.as_ref(), rand::random_range(1..=i64::MAX)])?;
        let id = connection
            .prepare_cached("SELECT id FROM queues WHERE user = ?1 AND address = ?2")?
            .query_row(params![user.as_str(), address.as_ref()], |row| row.get(0))?;
        self.queues.insert(key, id);
        Ok(id)
    }

    fn insert(
        &mut self,
        connection: &Connection,
        user: &UserId,
        row: &NewRow,
        now_ms: i64,
        changes: &mut Changes,
    ) -> rusqlite::Result<bool> {
        self.last_ms = self.last_ms.max(now_ms);
        let NewRow { entry, addresses } = row;
        let new = connection
            .prepare_cached(
                "INSERT INTO events (user, key, created_ms, kind, payload, me)
                 VALUES (?1, ?2, ?3, ?4, ?5, (SELECT me FROM sessions WHERE user = ?1))
                 ON CONFLICT (user, key) DO NOTHING",
            )?
            .execute(params![user.as_str(), entry.key, self.last_ms, entry.kind.name(), entry.payload])?;
        if new == 0 {
            return Ok(false);
        }
        let event = connection.last_insert_rowid();
        changes.rows += 1;
        changes.last = Some(event);
        let mut delivery = connection
            .prepare_cached("INSERT INTO deliveries (event_id, queue_id, since_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
        for address in addresses {
            let queue = self.queue(connection, user, address)?;
            delivery.execute([event, queue, now_ms])?;
            changes.queues.insert(queue);
        }
        Ok(true)
    }
}

/// Adds the events that are not known yet.
pub(super) fn append(
    connection: &Connection,
    ledger: &mut Ledger,
    user: &UserId,
    rows: &[NewRow],
    now_ms: i64,
) -> rusqlite::Result<Changes> {
    let mut changes = Changes::default();
    let mut is_new = false;
    for row in rows {
        if !row.entry.companion || is_new {
            is_new = ledger.insert(connection, user, row, now_ms, &mut changes)?;
        }
    }
    Ok(changes)
}

/// Adds what was said of a session, unless it is what was said last and is not said again on purpose.
pub(super) fn append_status(
    connection: &Connection,
    ledger: &mut Ledger,
    user: &UserId,
    change: &StatusChange,
    addresses: &[Arc<str>],
    now_ms: i64,
) -> rusqlite::Result<Changes> {
    // Of its own accord: it knows when nobody saw the session.
    history::note(connection, user.as_str(), change.status, now_ms)?;
    let statuses: Option<String> = connection
        .prepare_cached("SELECT statuses FROM sessions WHERE user = ?1")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()?;
    let statuses = statuses.and_then(|text| serde_json::from_str(&text).ok());
    let mut statuses: Vec<StatusPoint> = statuses.unwrap_or_default();
    if !change.again && statuses.last().is_some_and(|last| last.status == change.status) {
        return Ok(Changes::default());
    }
    statuses.push(StatusPoint { status: change.status.into(), timestamp: now_ms });
    statuses.drain(..statuses.len().saturating_sub(STATUSES));
    let to_text = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    // An account stays known until its session asks for a new one: what comes meanwhile is still its.
    let forget = change.status == "SCAN_QR_CODE";
    let me = change.me.as_ref().map(serde_json::to_string).transpose().map_err(to_text)?;
    connection
        .prepare_cached(
            "INSERT INTO sessions (user, statuses, me) VALUES (?1, ?2, ?3)
             ON CONFLICT (user) DO UPDATE SET statuses = ?2, me = iif(?4, NULL, ifnull(?3, me))",
        )?
        .execute(params![user.as_str(), serde_json::to_string(&statuses).map_err(to_text)?, me, forget])?;
    let key = format!("status:{now_ms}:{}", rand::random::<u64>());
    let record = StatusRecord {
        status: change.status.into(),
        statuses,
        exit: change.exit.clone(),
        joined: change.joined,
        restrictions: (*change.restrictions).clone(),
    };
    let payload = serde_json::to_string(&record).map_err(to_text)?;
    let entry = NewEntry { key, kind: Kind::SessionStatus, payload, flask: false, companion: false };
    append(connection, ledger, user, &[NewRow { entry, addresses: addresses.to_vec() }], now_ms)
}

/// Writes the schema's version as it is: a whole page goes to the disk, and nothing has changed.
pub(super) fn rewrite_version(connection: &Connection) -> rusqlite::Result<Changes> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    connection.pragma_update(None, "user_version", version)?;
    Ok(Changes::default())
}

/// Writes down how an attempt to deliver ended. What is settled already stays as it is.
pub(super) fn settle(
    connection: &Connection,
    event: i64,
    queue: i64,
    settlement: &Settlement,
    now_ms: i64,
) -> rusqlite::Result<Changes> {
    let (state, counts, next_ms, error) = match settlement {
        Settlement::Done => {
            let rows = connection
                .prepare_cached(
                    "DELETE FROM deliveries WHERE event_id = ?1 AND queue_id = ?2 AND state = 'pending'",
                )?
                .execute([event, queue])?;
            return Ok(Changes { rows, ..Changes::default() });
        }
        Settlement::Retry { next_ms, error, counts } => ("pending", *counts, *next_ms, error),
        // When it was given up.
        Settlement::Dead { error } => ("dead", true, now_ms, error),
    };
    let rows = connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?3, attempts = attempts + ?4, next_ms = ?5, last_error = ?6
             WHERE event_id = ?1 AND queue_id = ?2 AND state = 'pending'",
        )?
        .execute(params![event, queue, state, counts, next_ms, error])?;
    Ok(Changes { rows, ..Changes::default() })
}

/// Makes dead letters pending again, as if they had never been tried.
pub(super) fn replay(connection: &Connection, which: &Which, now_ms: i64) -> rusqlite::Result<Changes> {
    let (condition, values) = which.condition();
    let mut dead = connection.prepare(&format!(
        "SELECT d.event_id, d.queue_id FROM deliveries d JOIN queues q ON q.id = d.queue_id
         WHERE d.state = 'dead' AND {condition}"
    ))?;
    let dead = dead
        .query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
    let mut again = connection.prepare_cached(
        "UPDATE deliveries SET state = 'pending', attempts = 0, next_ms = 0, since_ms = ?3
         WHERE event_id = ?1 AND queue_id = ?2",
    )?;
    let mut changes = Changes::default();
    for (event, queue) in dead {
        changes.rows += again.execute([event, queue, now_ms])?;
        changes.queues.insert(queue);
    }
    Ok(changes)
}

/// Deletes up to `limit` of a user's events until this row, with all that belongs to them; after the last one also what
/// was said of the session, and its queues as far as nothing new is in them.
pub(super) fn forget(
    connection: &Connection,
    ledger: &mut Ledger,
    user: &UserId,
    newest: i64,
    limit: u32,
) -> rusqlite::Result<Changes> {
    let user_id = user.as_str();
    let rows = connection
        .prepare_cached(
            "DELETE FROM events WHERE id IN (
                 SELECT id FROM events WHERE user = ?1 AND id <= ?2 ORDER BY id LIMIT ?3)",
        )?
        .execute(params![user_id, newest, limit])?;
    if rows == 0 {
        connection.execute("DELETE FROM sessions WHERE user = ?1", [user_id])?;
        history::forget(connection, user)?;
        ledger.samples.forget(connection, user)?;
        connection.execute(
            "DELETE FROM queues WHERE user = ?1
                 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.queue_id = queues.id)",
            [user_id],
        )?;
        ledger.queues.retain(|(of, _), _| of != user);
    }
    Ok(Changes { rows, ..Changes::default() })
}

/// Forgets those of these queues in which nothing is, and nothing that was given up either.
pub(super) fn forget_queues(
    connection: &Connection,
    ledger: &mut Ledger,
    queues: &[i64],
) -> rusqlite::Result<Changes> {
    let mut used = connection.prepare_cached("SELECT DISTINCT queue_id FROM deliveries")?;
    let used = used.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<i64>>>()?;
    let mut rows = 0;
    for queue in queues.iter().filter(|queue| !used.contains(queue)) {
        rows += connection.prepare_cached("DELETE FROM queues WHERE id = ?1")?.execute([queue])?;
        ledger.queues.retain(|_, id| id != queue);
    }
    Ok(Changes { rows, ..Changes::default() })
}

/// Has the head of each of these queues tried now.
pub(super) fn urge(connection: &Connection, queues: &Queues) -> rusqlite::Result<Changes> {
    let (condition, values) = queues.condition();
    let mut heads = connection.prepare(&format!(
        "SELECT min(d.event_id), d.queue_id FROM deliveries d JOIN queues q ON q.id = d.queue_id
         WHERE d.state = 'pending' AND {condition} GROUP BY d.queue_id"
    ))?;
    let heads = heads
        .query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
    let mut now = connection
        .prepare_cached("UPDATE deliveries SET next_ms = ?3 WHERE event_id = ?1 AND queue_id = ?2")?;
    let mut changes = Changes::default();
    for (event, queue) in heads {
        changes.rows += now.execute([event, queue, URGED])?;
        changes.queues.insert(queue);
    }
    Ok(changes)
}

/// Makes a dead letter of the head of a queue, if it is this event.
pub(super) fn discard(
    connection: &Connection,
    event: i64,
    queue: i64,
    error: &str,
    now_ms: i64,
) -> rusqlite::Result<Changes> {
    let rows = connection
        .prepare_cached(
            "UPDATE deliveries SET state = 'dead', next_ms = ?4, last_error = ?3
             WHERE queue_id = ?2 AND state = 'pending' AND event_id = ?1
                 AND event_id = (SELECT min(event_id) FROM deliveries WHERE queue_id = ?2 AND state = 'pending')",
        )?
        .execute(params![event, queue, error, now_ms])?;
    Ok(Changes { rows, queues: BTreeSet::from([queue]), ..Changes::default() })
}

/// Deletes events from before this time that nobody waits for, the oldest first and at most `limit` of them. Dead
/// letters among them only when they are as old, and not to make room.
pub(super) fn prune(
    connection: &Connection,
    before_ms: i64,
    limit: u32,
    dead_too: bool,
) -> rusqlite::Result<Changes> {
    let rows = connection
        .prepare_cached(
            "DELETE FROM events WHERE id IN (
                 SELECT e.id FROM events e
                 WHERE e.created_ms < ?1 AND NOT EXISTS (
                     SELECT 1 FROM deliveries d WHERE d.event_id = e.id AND (d.state = 'pending' OR NOT ?3))
                 ORDER BY e.created_ms LIMIT ?2)",
        )?
        .execute(params![before_ms, limit, dead_too])?;
    Ok(Changes { rows, ..Changes::default() })
}
