//! The statements: what is written to and read from the tables.
//!
//! Owns the SQL of rows. Never begins or ends a transaction: that is the writer's, which puts many of these
//! into one.

use std::collections::HashMap;

use colmeia::UserId;
use rusqlite::{Connection, OptionalExtension, params};

use super::entry::Entry;
use super::{Pending, Settlement};

/// What a write did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Rows written or deleted.
    pub(super) rows: usize,
    /// How many of them someone must be told of.
    pub(super) due: usize,
}

/// Adds the events that are not known yet.
pub(super) fn append(
    connection: &Connection,
    user: &UserId,
    entries: &[Entry],
    now_ms: i64,
) -> rusqlite::Result<Changes> {
    let mut event = connection.prepare_cached(
        "INSERT INTO events (user, key, created_ms, kind, payload) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (user, key) DO NOTHING",
    )?;
    let mut delivery =
        connection.prepare_cached("INSERT INTO deliveries (event_id, user) VALUES (?1, ?2)")?;
    let mut changes = Changes::default();
    for entry in entries {
        let new = event.execute(params![user.as_str(), entry.key, now_ms, entry.kind, entry.payload])?;
        changes.rows += new;
        if new > 0 && entry.deliver {
            changes.due += delivery.execute(params![connection.last_insert_rowid(), user.as_str()])?;
        }
    }
    Ok(changes)
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
    settlement: &Settlement,
) -> rusqlite::Result<Changes> {
    let (state, next_ms, error) = match settlement {
        Settlement::Done => ("done", 0, None),
        Settlement::Retry { next_ms, error } => ("pending", *next_ms, Some(error)),
        Settlement::Dead { error } => ("dead", 0, Some(error)),
    };
    let rows = connection
        .prepare_cached(
            "UPDATE deliveries SET state = ?2, attempts = attempts + 1, next_ms = ?3, last_error = ?4
             WHERE event_id = ?1 AND state = 'pending'",
        )?
        .execute(params![event, state, next_ms, error])?;
    Ok(Changes { rows, due: 0 })
}

/// Deletes old events that nobody waits for, at most `limit` of them. Dead letters stay.
pub(super) fn prune(connection: &Connection, before_ms: i64, limit: u32) -> rusqlite::Result<Changes> {
    let rows = connection
        .prepare_cached(
            "DELETE FROM events WHERE id IN (
                 SELECT e.id FROM events e LEFT JOIN deliveries d ON d.event_id = e.id
                 WHERE e.created_ms < ?1 AND (d.state IS NULL OR d.state = 'done')
                 ORDER BY e.created_ms LIMIT ?2)",
        )?
        .execute(params![before_ms, limit])?;
    Ok(Changes { rows, due: 0 })
}

/// The oldest event of this user that is to be delivered.
pub(super) fn next_due(connection: &Connection, user: &UserId) -> rusqlite::Result<Option<Pending>> {
    connection
        .prepare_cached(
            "SELECT d.event_id, d.attempts, d.next_ms, e.key, e.payload
             FROM deliveries d JOIN events e ON e.id = d.event_id
             WHERE d.user = ?1 AND d.state = 'pending' ORDER BY d.event_id LIMIT 1",
        )?
        .query_row([user.as_str()], |row| {
            Ok(Pending {
                event: row.get(0)?,
                attempts: row.get(1)?,
                next_ms: row.get(2)?,
                key: row.get(3)?,
                payload: row.get(4)?,
            })
        })
        .optional()
}

/// Everyone who has something to be delivered.
pub(super) fn users_with_pending(connection: &Connection) -> rusqlite::Result<Vec<UserId>> {
    connection
        .prepare_cached("SELECT DISTINCT user FROM deliveries WHERE state = 'pending'")?
        .query_map([], |row| row.get::<_, String>(0))?
        .filter_map(|user| user.map(|user| user.parse().ok()).transpose())
        .collect()
}

/// How many events wait to be delivered, for every user that has any.
pub(super) fn count_pending(connection: &Connection) -> rusqlite::Result<HashMap<UserId, i64>> {
    connection
        .prepare_cached("SELECT user, count(*) FROM deliveries WHERE state = 'pending' GROUP BY user")?
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?
        .filter_map(|row| row.map(|(user, count)| Some((user.parse().ok()?, count))).transpose())
        .collect()
}
