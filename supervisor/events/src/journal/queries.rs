//! The statements that read.
//!
//! Owns the SQL and how a row becomes what the rest of the supervisor knows. Every query is bounded: by a limit, or
//! by the number of queues.

use std::collections::HashMap;
use std::sync::Arc;

use colmeia::{Me, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::{Cursor, DeadLetter, EventId, Head, Kind, Load, Page, Pending, Queue, Recorded, Which};

/// How many rows one look for events goes through at most, so that whoever filters much does not hold up others.
const SCAN: u32 = 2_000;

/// How many bytes of events one look takes into memory beside its last event: whoever reads keeps them until they are
/// taken, and there are hundreds who read.
const PAGE: usize = 256 * 1024;
/// The same for what waits in a queue: as long as a receiver is away each of its queues keeps so much.
const BATCH: usize = 64 * 1024;

/// The columns of an event `e`, in the order of [`recorded`].
const COLUMNS: &str = "e.id, e.user, e.key, e.created_ms, e.kind, e.payload, e.me";

/// The journal's own number.
pub(super) fn number(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("SELECT number FROM journal", [], |row| row.get(0))
}

/// An event from the first columns of a row. `None` for what an unknown future wrote.
fn recorded(row: &Row<'_>, number: u32) -> rusqlite::Result<Option<Recorded>> {
    let (id, created_ms): (i64, i64) = (row.get(0)?, row.get(3)?);
    let (Ok(user), Ok(kind)) = (row.get::<_, String>(1)?.parse(), row.get::<_, String>(4)?.parse()) else {
        return Ok(None);
    };
    let me: Option<String> = row.get(6)?;
    Ok(Some(Recorded {
        id: EventId::new(created_ms, number, id),
        row: id,
        user,
        kind,
        key: row.get(2)?,
        created_ms,
        payload: row.get(5)?,
        me: me.and_then(|me| serde_json::from_str(&me).ok()),
    }))
}

/// The oldest that this queue has to deliver, due or not: order counts.
pub(super) fn pending(
    connection: &Connection,
    number: u32,
    queue: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Pending>> {
    let mut statement = connection.prepare_cached(&pending_sql())?;
    let mut rows = statement.query(params![queue, limit])?;
    let (mut pending, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (attempts, next_ms, since_ms) = (row.get(7)?, row.get(8)?, row.get(9)?);
        let Some(event) = recorded(row, number)? else { continue };
        bytes += event.payload.len();
        pending.push(Pending { event, attempts, next_ms, since_ms });
        if bytes >= BATCH {
            break;
        }
    }
    Ok(pending)
}

/// Of a queue and a number of events.
pub(super) fn pending_sql() -> String {
    format!(
        "SELECT {COLUMNS}, d.attempts, d.next_ms, d.since_ms FROM deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.queue_id = ?1 AND d.state = 'pending' ORDER BY d.event_id LIMIT ?2"
    )
}

/// Whether an event still waits to be delivered to a queue.
pub(super) fn waits(connection: &Connection, event: i64, queue: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE event_id = ?1 AND queue_id = ?2 AND state = 'pending')",
        )?
        .query_row([event, queue], |row| row.get(0))
}

/// A queue by its number.
pub(super) fn queue(connection: &Connection, id: i64) -> rusqlite::Result<Option<Queue>> {
    let found = connection
        .prepare_cached("SELECT id, user, address FROM queues WHERE id = ?1")?
        .query_row([id], as_queue)
        .optional()?;
    Ok(found.flatten())
}

pub(super) const WAITING: &str = "SELECT q.id, q.user, q.address FROM queues q WHERE EXISTS (
    SELECT 1 FROM deliveries d WHERE d.queue_id = q.id AND d.state = 'pending')";

/// All queues.
pub(super) fn queues(connection: &Connection) -> rusqlite::Result<Vec<Queue>> {
    connection
        .prepare_cached("SELECT id, user, address FROM queues")?
        .query_map([], as_queue)?
        .filter_map(Result::transpose)
        .collect()
}

/// The queues that have something to deliver. One look into an index for each queue.
pub(super) fn waiting(connection: &Connection) -> rusqlite::Result<Vec<Queue>> {
    connection.prepare_cached(WAITING)?.query_map([], as_queue)?.filter_map(Result::transpose).collect()
}

fn as_queue(row: &Row<'_>) -> rusqlite::Result<Option<Queue>> {
    let address: String = row.get(2)?;
    let user = row.get::<_, String>(1)?.parse().ok();
    let id = row.get(0)?;
    Ok(user.map(|user| Queue { id, user, address: Arc::from(address) }))
}

/// How much waits and how much was given up, of every queue that has any of it, and whose turn it is.
pub(super) fn loads(connection: &Connection, number: u32) -> rusqlite::Result<Vec<Load>> {
    connection
        .prepare_cached(
            "SELECT q.id, q.user, q.address, l.pending, l.dead,
                    h.event_id, e.created_ms, h.since_ms, h.attempts, h.next_ms, h.last_error
             FROM (SELECT queue_id, count(*) FILTER (WHERE state = 'pending') AS pending,
                          count(*) FILTER (WHERE state = 'dead') AS dead,
                          min(event_id) FILTER (WHERE state = 'pending') AS head
                   FROM deliveries GROUP BY queue_id) l
             JOIN queues q ON q.id = l.queue_id
             LEFT JOIN deliveries h ON h.event_id = l.head AND h.queue_id = l.queue_id
             LEFT JOIN events e ON e.id = l.head
             ORDER BY q.user, q.id",
        )?
        .query_map([], |row| {
            let (pending, dead) = (row.get(3)?, row.get(4)?);
            let head = match row.get(5)? {
                None => None,
                Some(event) => Some(Head {
                    id: EventId::new(row.get(6)?, number, event),
                    since_ms: row.get(7)?,
                    attempts: row.get(8)?,
                    next_ms: row.get(9)?,
                    error: row.get(10)?,
                }),
            };
            Ok(as_queue(row)?.map(|queue| Load { queue, pending, dead, head }))
        })?
        .filter_map(Result::transpose)
        .collect()
}

/// How many events wait to be delivered to anyone, for every user that has any.
pub(super) fn count_pending(connection: &Connection) -> rusqlite::Result<HashMap<UserId, i64>> {
    connection
        .prepare_cached(
            "SELECT q.user, count(*) FROM deliveries d JOIN queues q ON q.id = d.queue_id
             WHERE d.state = 'pending' GROUP BY q.user",
        )?
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
        .filter_map(|row| row.map(|(user, count)| Some((user.parse().ok()?, count))).transpose())
        .collect()
}

/// Dead letters, the newest first.
pub(super) fn dead(
    connection: &Connection,
    number: u32,
    which: &Which,
    limit: u32,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let (condition, values) = which.condition();
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS}, d.attempts, d.next_ms, q.address, ifnull(d.last_error, '')
         FROM deliveries d JOIN queues q ON q.id = d.queue_id JOIN events e ON e.id = d.event_id
         WHERE d.state = 'dead' AND {condition} ORDER BY d.event_id DESC LIMIT {limit}"
    ))?;
    statement
        .query_map(params_from_iter(values), |row| {
            let (attempts, died_ms, address, error): (_, _, String, _) =
                (row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?);
            let address = Arc::from(address);
            Ok(recorded(row, number)?.map(|event| DeadLetter { event, address, attempts, died_ms, error }))
        })?
        .filter_map(Result::transpose)
        .collect()
}

/// Of a place, and of a user if it is for one.
pub(super) fn events_sql(of_user: bool) -> String {
    let of_user = if of_user { "AND e.user = ?2" } else { "" };
    format!("SELECT {COLUMNS} FROM events e WHERE e.id > ?1 {of_user} ORDER BY e.id LIMIT {SCAN}")
}

/// Events after a place, the oldest first. Goes through at most [`SCAN`] rows and [`PAGE`] bytes: a page may be short, or
/// empty, although more follows, and says how far it got.
pub(super) fn events(
    connection: &Connection,
    number: u32,
    after: i64,
    user: Option<&UserId>,
    wanted: impl Fn(&UserId, Kind) -> bool,
    limit: usize,
) -> rusqlite::Result<Page> {
    let mut statement = connection.prepare_cached(&events_sql(user.is_some()))?;
    let mut rows = match user {
        Some(user) => statement.query(params![after, user.as_str()])?,
        None => statement.query([after])?,
    };
    let (mut events, mut bytes, mut scanned, mut reached) = (Vec::new(), 0, 0, after);
    let is_full = |events: &[Recorded], bytes| events.len() >= limit || bytes >= PAGE;
    while let Some(row) = rows.next()? {
        scanned += 1;
        reached = row.get(0)?;
        let event = recorded(row, number)?;
        let event = event.filter(|event| event.kind != Kind::Notice && wanted(&event.user, event.kind));
        bytes += event.as_ref().map_or(0, |event| event.payload.len());
        events.extend(event);
        if is_full(&events, bytes) {
            break;
        }
    }
    let more = is_full(&events, bytes) || scanned == SCAN;
    Ok(Page { events, reached, more })
}

/// The account of each session of which one is known.
pub(super) fn accounts(connection: &Connection) -> rusqlite::Result<HashMap<UserId, Me>> {
    let mut statement = connection.prepare_cached("SELECT user, me FROM sessions WHERE me IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut accounts = HashMap::new();
    for row in rows {
        let (user, me) = row?;
        // What cannot be read is not known.
        if let (Ok(user), Ok(me)) = (user.parse(), serde_json::from_str(&me)) {
            accounts.insert(user, me);
        }
    }
    Ok(accounts)
}

/// The row of the newest event; 0 when there is none. What was pruned counts: numbers are never used twice.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    let last = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// The row after which someone goes on who has seen an event. One of another journal is placed by its time.
pub(super) fn place(connection: &Connection, number: u32, cursor: Cursor) -> rusqlite::Result<i64> {
    match cursor {
        Cursor::Beginning => Ok(0),
        Cursor::End => last(connection),
        Cursor::After(id) => match id.row_in(number) {
            Some(row) => Ok(row),
            None => connection
                .prepare_cached("SELECT ifnull(max(id), 0) FROM events WHERE created_ms <= ?1")?
                .query_row([id.created_ms()], |row| row.get(0)),
        },
    }
}

/// How many bytes of the file are in use.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
    Ok(u64::try_from(pages.saturating_mul(number("page_size")?)).unwrap_or(0))
}
