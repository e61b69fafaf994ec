//! Requests with an `Idempotency-Key`: the first one claims the key, and its answer is kept for those that repeat it.
//! Owns the rows.
//!
//! ```text
//! claim ─▶ New ─▶ (the work) ─▶ settle(answer) | release (nothing was done)
//!      ├─▶ UnderWay              nobody has answered yet
//!      ├─▶ Answered(answer)      the first answer, also after a restart
//!      └─▶ Different             the same key for another request
//! ```

use std::collections::HashMap;

use colmeia::UserId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Store, StoreError};
use colmeia_events::journal::now_ms;

/// How long an answer is kept: a day, as Stripe and the IETF draft's examples have it.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// How many answers of one session are kept, the newest: more than it sends within a day at the usual limit of 30 a
/// minute. What does not count against that limit could else fill the disk.
const MOST: u32 = 50_000;
/// After how many new claims of a session it is looked whether there are more.
const LOOK: u32 = 128;
/// How many sessions are counted for that.
const COUNTED: usize = 10_000;
/// The status of a claim whose process ended before it could answer.
const UNKNOWN: u16 = 500;

/// An answer that is given again.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its body; empty when the process that worked on it ended before it knew.
    pub body: Vec<u8>,
}

/// Bodies are private.
impl std::fmt::Debug for FirstAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FirstAnswer({}, {} bytes)", self.status, self.body.len())
    }
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used this key; it is ours now.
    New,
    /// The first request has no answer yet.
    UnderWay,
    /// The first request's answer.
    Answered(FirstAnswer),
    /// The key was used for another request.
    Different,
}

/// How many answers are kept, and how many claims each session made since that was last looked at.
pub(super) struct Answers {
    pub(super) most: u32,
    pub(super) since: HashMap<UserId, u32>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { most: MOST, since: HashMap::new() }
    }
}

impl Answers {
    /// Whether it is time to look at this session, which has just made a claim.
    fn is_due(&mut self, user: &UserId) -> bool {
        if self.since.len() >= COUNTED {
            self.since.clear();
        }
        let since = self.since.entry(user.clone()).or_default();
        *since += 1;
        *since >= LOOK.min(self.most) && self.since.remove(user).is_some()
    }
}

impl Store {
    /// Claims a key of a session for a request, which is told apart by its digest.
    ///
    /// # Errors
    /// When nothing was claimed.
    pub async fn claim(&self, user: &UserId, key: &str, request: [u8; 32]) -> Result<Claim, StoreError> {
        let (user, key, now) = (user.clone(), key.to_owned(), now_ms());
        self.run(move |thread| {
            let connection = &thread.connection;
            connection.execute(
                "DELETE FROM answers WHERE created_ms < ?1 AND status IS NOT NULL",
                [now - KEPT_MS],
            )?;
            let found = connection
                .prepare_cached("SELECT request, status, body FROM answers WHERE user = ?1 AND key = ?2")?
                .query_row(params![user.as_str(), key], |row| {
                    Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Option<u16>>(1)?, row.get(2)?))
                })
                .optional()?;
            Ok(match found {
                None => {
                    connection.execute(
                        "INSERT INTO answers (user, key, request, created_ms) VALUES (?1, ?2, ?3, ?4)",
                        params![user.as_str(), key, request, now],
                    )?;
                    if thread.answers.is_due(&user) {
                        let sql = "DELETE FROM answers WHERE user = ?1 AND status IS NOT NULL AND rowid NOT IN
                            (SELECT rowid FROM answers WHERE user = ?1 ORDER BY created_ms DESC, rowid DESC LIMIT ?2)";
                        connection.execute(sql, params![user.as_str(), thread.answers.most])?;
                    }
                    Claim::New
                }
                Some((first, _, _)) if first != request => Claim::Different,
                Some((_, None, _)) => Claim::UnderWay,
                Some((_, Some(status), body)) => {
                    let body: Option<Vec<u8>> = body;
                    Claim::Answered(FirstAnswer { status, body: body.unwrap_or_default() })
                }
            })
        })
        .await
    }

    /// Keeps the answer to a claim.
    ///
    /// # Errors
    /// When it was not kept; then the claim stays under way, and the next start gives it up.
    pub async fn settle_claim(
        &self,
        user: &UserId,
        key: &str,
        answer: FirstAnswer,
    ) -> Result<(), StoreError> {
        let (user, key) = (user.clone(), key.to_owned());
        self.run(move |thread| {
            thread.connection.execute(
                "UPDATE answers SET status = ?3, body = ?4 WHERE user = ?1 AND key = ?2",
                params![user.as_str(), key, answer.status, answer.body],
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a claim back: nothing was done, so the same key may be tried again.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn release_claim(&self, user: &UserId, key: &str) -> Result<(), StoreError> {
        let (user, key) = (user.clone(), key.to_owned());
        self.run(move |thread| {
            let sql = "DELETE FROM answers WHERE user = ?1 AND key = ?2 AND status IS NULL";
            thread.connection.execute(sql, params![user.as_str(), key])?;
            Ok(())
        })
        .await
    }
}

/// Claims of an earlier process: whether it sent is not known, and it is not sent again.
pub(super) fn give_up_those_under_way(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE answers SET status = ?1 WHERE status IS NULL", [UNKNOWN])?;
    Ok(())
}
