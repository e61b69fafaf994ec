//! What each session took of the memory over the last day, and how often it had been started again, also over restarts.
//!
//! Owns the table `samples` and its copy in memory, from which pages read. A look at everyone is one write of a few pages, and
//! what is older than a day goes with it: there are never more rows than a day has looks, for each session that ran. Where
//! nothing ran or nobody looked there is no sample, and a gap is seen.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use colmeia::UserId;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, params};

use super::store::Changes;
use super::{Journal, JournalError, now_ms};

/// How long a sample is kept, in seconds.
pub const SAMPLES_KEPT_SECS: u32 = 24 * 60 * 60;

/// One look at a session that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Seconds since the epoch.
    pub at_secs: u32,
    /// What it took.
    pub memory_mib: u16,
    /// How often it had been started again by then.
    pub restarts: u16,
}

/// The table's copy. The writer's thread alone changes it, with the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Arc<Mutex<HashMap<UserId, VecDeque<Sample>>>>);

impl Journal {
    /// Writes down what these sessions take now, and forgets what is older than a day.
    ///
    /// # Errors
    /// When nothing was written.
    pub async fn note_samples(&self, taken: Vec<(UserId, u16, u16)>) -> Result<(), JournalError> {
        let (samples, at_secs) = (self.samples.clone(), seconds(now_ms()));
        self.write(move |connection, _| samples.note(connection, at_secs, &taken)).await.map(drop)
    }

    /// A session's samples of the last day, the oldest first.
    pub fn samples(&self, user: &UserId) -> Vec<Sample> {
        self.samples.of(user, seconds(now_ms()))
    }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms / 1000).unwrap_or_default()
}

impl Samples {
    /// As the table is now. What cannot be read as a sample is none.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut all: HashMap<UserId, VecDeque<Sample>> = HashMap::new();
        let mut statement =
            connection.prepare("SELECT user, at_s, memory_mib, restarts FROM samples ORDER BY at_s")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Ok(user) = row.get_ref(0)?.as_str().unwrap_or_default().parse::<UserId>() else { continue };
            if let (Ok(at_secs), Ok(memory_mib), Ok(restarts)) = (row.get(1), row.get(2), row.get(3)) {
                all.entry(user).or_default().push_back(Sample { at_secs, memory_mib, restarts });
            }
        }
        Ok(Self(Arc::new(Mutex::new(all))))
    }

    fn note(
        &self,
        connection: &Connection,
        at_secs: u32,
        taken: &[(UserId, u16, u16)],
    ) -> rusqlite::Result<Changes> {
        let oldest = at_secs.saturating_sub(SAMPLES_KEPT_SECS);
        // What lies ahead was written by a clock that was wrong.
        let mut rows = connection.prepare_cached("DELETE FROM samples WHERE at_s < ?1")?.execute([oldest])?;
        rows += connection.prepare_cached("DELETE FROM samples WHERE at_s >= ?1")?.execute([at_secs])?;
        let mut insert = connection.prepare_cached(
            "INSERT INTO samples (at_s, user, memory_mib, restarts) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (user, memory_mib, restarts) in taken {
            rows += insert.execute(params![at_secs, user.as_str(), memory_mib, restarts])?;
        }
        let mut all = self.all();
        all.retain(|_, samples| {
            samples.retain(|sample| (oldest..at_secs).contains(&sample.at_secs));
            !samples.is_empty()
        });
        for (user, memory_mib, restarts) in taken {
            let sample = Sample { at_secs, memory_mib: *memory_mib, restarts: *restarts };
            all.entry(user.clone()).or_default().push_back(sample);
        }
        Ok(Changes { rows, ..Changes::default() })
    }

    /// Forgets a session's.
    pub(super) fn forget(&self, connection: &Connection, user: &UserId) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM samples WHERE user = ?1", [user.as_str()])?;
        self.all().remove(user);
        Ok(())
    }

    fn of(&self, user: &UserId, now_secs: u32) -> Vec<Sample> {
        let oldest = now_secs.saturating_sub(SAMPLES_KEPT_SECS);
        let all = self.all();
        let own = all.get(user).into_iter().flatten();
        own.filter(|sample| (oldest..=now_secs).contains(&sample.at_secs)).copied().collect()
    }

    /// A panic while the lock was held leaves whole samples.
    fn all(&self) -> MutexGuard<'_, HashMap<UserId, VecDeque<Sample>>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    const DAY: u32 = SAMPLES_KEPT_SECS;

    fn user(id: &str) -> UserId {
        id.parse().expect("valid")
    }

    fn rows(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM samples", [], |row| row.get(0)).expect("counted")
    }

    #[test]
    fn a_day_is_kept_over_a_restart_and_whoever_is_deleted_is_forgotten() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        let connection = schema::open(&path).expect("opens");
        let samples = Samples::read(&connection).expect("read");
        for look in 0..1000 {
            let taken = [(user("1"), 300, 2), (user("2"), 100, 0)];
            samples.note(&connection, 2 * DAY + look * 120, &taken).expect("written");
        }
        let now = 2 * DAY + 999 * 120;
        let seen = samples.of(&user("1"), now);
        assert_eq!(seen.len(), 721, "a day, with both of its ends");
        assert_eq!(seen[720], Sample { at_secs: now, memory_mib: 300, restarts: 2 });
        assert_eq!(rows(&connection), 2 * 721);
        samples.forget(&connection, &user("2")).expect("deleted");
        drop(connection);

        let connection = schema::open(&path).expect("opens");
        let again = Samples::read(&connection).expect("read");
        assert_eq!(again.of(&user("1"), now), seen);
        assert!(again.of(&user("2"), now).is_empty() && samples.of(&user("2"), now).is_empty());
        assert!(again.of(&user("1"), now + DAY + 1).is_empty(), "nobody looked for a day");
        again.note(&connection, now + 2 * DAY, &[]).expect("written");
        assert_eq!(rows(&connection), 0);
    }

    #[test]
    fn what_a_wrong_clock_wrote_goes_when_it_is_set_right() {
        let folder = tempfile::tempdir().expect("folder");
        let connection = schema::open(&folder.path().join("colmeia.db")).expect("opens");
        let samples = Samples::read(&connection).expect("read");
        for at in [2 * DAY, 9 * DAY, 2 * DAY + 120, 2 * DAY + 120] {
            samples.note(&connection, at, &[(user("1"), 5, 0)]).expect("written");
        }
        let seen: Vec<_> =
            samples.of(&user("1"), 2 * DAY + 120).iter().map(|sample| sample.at_secs).collect();
        assert_eq!((seen, rows(&connection)), (vec![2 * DAY + 120], 1));
    }

    #[tokio::test]
    async fn a_journal_that_is_opened_again_tells_what_was_before() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("colmeia.db");
        let journal = Journal::open(&path, Arc::new(())).expect("opens");
        journal.note_samples(vec![(user("1"), 300, 1)]).await.expect("written");
        let before = journal.samples(&user("1"));
        journal.close().await;
        let journal = Journal::open(&path, Arc::new(())).expect("opens");
        assert_eq!((journal.samples(&user("1")), before.len()), (before, 1));
        journal.forget(&user("1")).await.expect("deleted");
        assert!(journal.samples(&user("1")).is_empty());
    }
}
