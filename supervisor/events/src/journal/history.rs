//! The history of sessions: when each one's status changed, for a month, also over restarts and crashes.
//!
//! Owns the table `history`. It is written with a change of status and never between two, so a quiet service writes nothing.
//! What nobody saw is said to be so: a supervisor that was killed left no word of when, so the time from the last thing that
//! it wrote until the next one's start is unseen ([`open`]). How much of a time a session was connected is for others to add up.

use std::collections::HashMap;

use colmeia::UserId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Journal, JournalError, now_ms};

/// How long a change is kept: a month, and a day so that a page never shows its edge.
pub const KEPT_MS: i64 = 31 * 24 * 60 * 60 * 1000;
/// How many changes of a session are kept, the newest: a session that flips without end fills no disk.
const MOST: u32 = 1000;
/// A shorter time without a supervisor is a restart, and nothing was missed.
const RESTART_MS: i64 = 60_000;
/// The status of whom nobody saw.
pub const UNSEEN: &str = "";
/// The status of whom nobody wants to run; nothing is missed of it.
const STOPPED: &str = "STOPPED";

/// A status and when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPoint {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// As WAHA names it, or [`UNSEEN`].
    pub status: String,
}

impl Journal {
    /// The changes of these sessions since then, the oldest first, and before them the one in which that time began.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn history(
        &self,
        users: Vec<UserId>,
        since_ms: i64,
    ) -> Result<HashMap<UserId, Vec<HistoryPoint>>, JournalError> {
        self.read(move |connection| {
            users.into_iter().map(|user| Ok((user.clone(), of(connection, &user, since_ms)?))).collect()
        })
        .await
    }
}

fn of(connection: &Connection, user: &UserId, since_ms: i64) -> rusqlite::Result<Vec<HistoryPoint>> {
    let mut statement = connection.prepare_cached(
        "SELECT at_ms, status FROM history WHERE user = ?1 AND at_ms >= ifnull(
             (SELECT max(at_ms) FROM history WHERE user = ?1 AND at_ms <= ?2), ?2)
         ORDER BY at_ms",
    )?;
    let rows = statement.query_map(params![user.as_str(), since_ms], |row| {
        Ok(HistoryPoint { at_ms: row.get(0)?, status: row.get(1)? })
    })?;
    rows.collect()
}

/// Notes a session's status, if it is another one than before.
pub(super) fn note(connection: &Connection, user: &str, status: &str, now_ms: i64) -> rusqlite::Result<()> {
    let last = connection
        .prepare_cached("SELECT at_ms, status FROM history WHERE user = ?1 ORDER BY at_ms DESC LIMIT 1")?
        .query_row([user], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    if last.as_ref().is_some_and(|(_, last)| last == status) {
        return Ok(());
    }
    // A clock that was set back does not turn the order round.
    let at_ms = last.map_or(now_ms, |(last_ms, _)| now_ms.max(last_ms + 1));
    connection
        .prepare_cached("INSERT INTO history (user, at_ms, status) VALUES (?1, ?2, ?3)")?
        .execute(params![user, at_ms, status])?;
    // The one in which the kept time began stays.
    connection
        .prepare_cached(
            "DELETE FROM history WHERE user = ?1 AND at_ms <
                 (SELECT max(at_ms) FROM history WHERE user = ?1 AND at_ms <= ?2)",
        )?
        .execute(params![user, at_ms - KEPT_MS])?;
    connection
        .prepare_cached(
            "DELETE FROM history WHERE user = ?1 AND at_ms <
                 (SELECT at_ms FROM history WHERE user = ?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![user, MOST - 1])?;
    Ok(())
}

/// Forgets a session's.
pub(super) fn forget(connection: &Connection, user: &UserId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM history WHERE user = ?1", [user.as_str()]).map(drop)
}

/// A supervisor begins: what happened since the last one wrote anything was seen by nobody.
pub(super) fn open(connection: &Connection, now_ms: i64) -> rusqlite::Result<()> {
    let seen_ms: i64 = connection.query_row(
        "SELECT max((SELECT max(closed_ms) FROM journal), ifnull((SELECT max(created_ms) FROM events), 0),
             ifnull((SELECT max(at_ms) FROM history), 0))",
        [],
        |row| row.get(0),
    )?;
    if now_ms - seen_ms < RESTART_MS {
        return Ok(());
    }
    let mut users = connection.prepare(
        "SELECT user FROM history h WHERE at_ms = (SELECT max(at_ms) FROM history WHERE user = h.user)
             AND status NOT IN (?1, ?2)",
    )?;
    let users: Vec<String> =
        users.query_map([UNSEEN, STOPPED], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    users.iter().try_for_each(|user| note(connection, user, UNSEEN, seen_ms + 1))
}

/// A supervisor ends as it should, or another image of the program takes over.
pub(super) fn close(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE journal SET closed_ms = ?1", [now_ms()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn table() -> (Connection, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("folder");
        (schema::open(&folder.path().join("colmeia.db")).expect("opens"), folder)
    }

    fn told(connection: &Connection, user: &str, since_ms: i64) -> Vec<(i64, String)> {
        let points = of(connection, &user.parse().expect("valid"), since_ms).expect("read");
        points.into_iter().map(|point| (point.at_ms, point.status)).collect()
    }

    fn noted(connection: &Connection, user: &str, points: &[(&str, i64)]) {
        for (status, at_ms) in points {
            note(connection, user, status, *at_ms).expect("written");
        }
    }

    #[test]
    fn only_a_change_is_written_and_the_status_in_which_a_time_began_is_told_with_it() {
        let (connection, _folder) = table();
        noted(
            &connection,
            "1",
            &[("STARTING", 10), ("STARTING", 11), ("WORKING", 20), ("WORKING", 30), ("FAILED", 40)],
        );
        noted(&connection, "2", &[("WORKING", 15)]);
        assert_eq!(
            told(&connection, "1", 0),
            [(10, "STARTING".into()), (20, "WORKING".into()), (40, "FAILED".into())]
        );
        assert_eq!(told(&connection, "1", 35), [(20, "WORKING".into()), (40, "FAILED".into())]);
        assert_eq!(told(&connection, "2", 100), [(15, "WORKING".into())]);
        noted(&connection, "1", &[("WORKING", 5)]);
        assert_eq!(
            told(&connection, "1", 40),
            [(40, "FAILED".into()), (41, "WORKING".into())],
            "a clock set back"
        );
        forget(&connection, &"1".parse().expect("valid")).expect("deleted");
        assert_eq!((told(&connection, "1", 0).len(), told(&connection, "2", 0).len()), (0, 1));
    }

    #[test]
    fn a_month_is_kept_with_the_status_in_which_it_began_and_flips_fill_no_disk() {
        let (connection, _folder) = table();
        noted(&connection, "1", &[("STARTING", DAY), ("WORKING", 2 * DAY), ("FAILED", 40 * DAY)]);
        assert_eq!(told(&connection, "1", 0), [(2 * DAY, "WORKING".into()), (40 * DAY, "FAILED".into())]);
        for n in 0..3_000 {
            note(&connection, "2", if n % 2 == 0 { "WORKING" } else { "STARTING" }, n).expect("written");
        }
        let kept = told(&connection, "2", 0);
        assert_eq!((kept.len(), kept[0].0), (1_000, 2_000));
        assert_eq!(told(&connection, "1", 0).len(), 2, "nobody else's");
    }

    #[test]
    fn what_nobody_saw_is_told_so_and_a_restart_is_no_gap() {
        let (connection, _folder) = table();
        noted(&connection, "1", &[("WORKING", DAY)]);
        noted(&connection, "2", &[("STOPPED", DAY)]);
        open(&connection, DAY + RESTART_MS - 1).expect("written");
        assert_eq!(told(&connection, "1", 0).len(), 1);
        open(&connection, 2 * DAY).expect("written");
        assert_eq!(told(&connection, "1", 0), [(DAY, "WORKING".into()), (DAY + 1, UNSEEN.into())]);
        assert_eq!(told(&connection, "2", 0).len(), 1, "who is stopped misses nothing");
        // It comes back in the state that it had before.
        noted(&connection, "1", &[("WORKING", 2 * DAY)]);
        assert_eq!(told(&connection, "1", 0).len(), 3);

        let (connection, _folder) = table();
        noted(&connection, "1", &[("WORKING", DAY)]);
        close(&connection).expect("written");
        open(&connection, now_ms() + RESTART_MS / 2).expect("written");
        assert_eq!(told(&connection, "1", 0).len(), 1, "an upgrade, after a quiet night");
    }

    #[test]
    fn what_the_events_still_say_is_taken_over() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        let connection = schema::open_at(&path, 2);
        for (n, status) in ["STARTING", "SCAN_QR_CODE", "SCAN_QR_CODE", "WORKING"].iter().enumerate() {
            let payload = format!(r#"{{"status":"{status}","statuses":[]}}"#);
            let sql = "INSERT INTO events (user, key, created_ms, kind, payload) VALUES ('1', ?1, ?2, 'session.status', ?3)";
            connection
                .execute(sql, params![format!("k{n}"), i64::try_from(n).expect("small"), payload])
                .expect("written");
        }
        drop(connection);
        let connection = schema::open(&path).expect("opens");
        let statuses: Vec<_> = told(&connection, "1", 0).into_iter().map(|(_, status)| status).collect();
        assert_eq!(statuses, ["STARTING", "SCAN_QR_CODE", "WORKING"]);
    }
}
