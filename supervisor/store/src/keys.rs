//! API keys: who may do what with which sessions. Owns the grants' form and the rows.

use std::collections::BTreeSet;

use colmeia::{Secret, UserId};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Store, StoreError, Thread};
use colmeia_events::journal::now_ms;

/// What a key begins with, so that one that leaked is recognised.
const PREFIX: &str = "colmeia_";

/// A key without the key: what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// `key_<ulid>`.
    pub id: String,
    /// SHA-256 of the key, which has 256 bits of its own: no slow hash is needed against guessing.
    pub digest: [u8; 32],
    /// What it allows.
    pub grants: NewKey,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
}

/// What a key allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// What it is for, in the words of who made it.
    #[serde(default)]
    pub name: String,
    /// Whether it is accepted.
    pub active: bool,
    /// Everything, on all sessions, keys too.
    pub admin: bool,
    /// On which sessions; none named means all.
    #[serde(default)]
    pub sessions: BTreeSet<UserId>,
    /// What of them.
    pub actions: Actions,
}

/// What may be done with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Actions {
    /// Chats, messages, contacts and everything else that is only looked at.
    pub read: bool,
    /// What others see: messages, reactions, groups, the profile.
    pub send: bool,
    /// The session itself: starting, stopping, linking, configuring, deleting.
    pub control: bool,
    /// The files of messages and nothing else; `read` has it too.
    pub media: bool,
}

impl Actions {
    /// All of them.
    pub const ALL: Self = Self { read: true, send: true, control: true, media: true };
}

/// The name of a key of which nobody knows what it allows.
const UNREADABLE: &str = "(cannot be read)";

impl NewKey {
    /// What a row that cannot be read allows: nothing.
    fn unreadable() -> Self {
        Self {
            name: UNREADABLE.to_owned(),
            active: false,
            admin: false,
            sessions: BTreeSet::new(),
            actions: Actions::default(),
        }
    }
}

impl ApiKey {
    /// Whether its row could not be read.
    pub(super) fn is_unreadable(&self) -> bool {
        self.grants == NewKey::unreadable()
    }
}

/// What is compared instead of a key.
pub fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

impl Store {
    /// Makes a key. It is shown here and never again. With `id`, one that has it already is replaced.
    ///
    /// # Errors
    /// When nothing was kept.
    pub async fn add_key(&self, id: Option<String>, grants: NewKey) -> Result<(ApiKey, Secret), StoreError> {
        let text = format!("{PREFIX}{}", hex::encode(rand::random::<[u8; 32]>()));
        let id = id.unwrap_or_else(|| format!("key_{}", ulid::Ulid::generate()));
        let key = ApiKey { id, digest: digest(text.as_bytes()), grants, created_ms: now_ms() };
        let kept = key.clone();
        self.run(move |thread| {
            thread.connection.execute(
                "INSERT INTO keys (id, digest, grants, created_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET digest = ?2, grants = ?3, created_ms = ?4",
                params![kept.id, kept.digest, serde_json::to_string(&kept.grants)?, kept.created_ms],
            )?;
            thread.publish_keys()
        })
        .await?;
        Ok((key, Secret::new(text)))
    }

    /// Changes what a key allows; `None` when there is no such key.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn update_key(&self, id: &str, grants: NewKey) -> Result<Option<ApiKey>, StoreError> {
        let id = id.to_owned();
        self.run(move |thread| {
            let grants = serde_json::to_string(&grants)?;
            thread.connection.execute("UPDATE keys SET grants = ?2 WHERE id = ?1", params![id, grants])?;
            thread.publish_keys()?;
            Ok(thread.keys.borrow().iter().find(|key| key.id == id).cloned())
        })
        .await
    }

    /// Removes a key; whether there was one.
    ///
    /// # Errors
    /// When nothing was removed.
    pub async fn remove_key(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.run(move |thread| {
            let removed = thread.connection.execute("DELETE FROM keys WHERE id = ?1", [id])?;
            thread.publish_keys()?;
            Ok(removed > 0)
        })
        .await
    }
}

impl Store {
    /// Ends what keys allow with a session: one that names no other is removed, from the others its name is taken.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn forget_keys_of(&self, user: &UserId) -> Result<(), StoreError> {
        let user = user.clone();
        self.run(move |thread| {
            let keys = load(&thread.connection)?;
            let transaction = thread.connection.transaction()?;
            for mut key in keys {
                if !key.grants.sessions.remove(&user) {
                    continue;
                }
                // None named would mean all.
                if key.grants.sessions.is_empty() {
                    transaction.execute("DELETE FROM keys WHERE id = ?1", [&key.id])?;
                } else {
                    let grants = serde_json::to_string(&key.grants)?;
                    transaction
                        .execute("UPDATE keys SET grants = ?2 WHERE id = ?1", params![key.id, grants])?;
                }
                tracing::info!(key = key.id, %user, "a key ended with its session");
            }
            transaction.commit()?;
            thread.publish_keys()
        })
        .await
    }
}

impl Thread {
    fn publish_keys(&self) -> Result<(), StoreError> {
        self.keys.send_replace(load(&self.connection)?.into());
        Ok(())
    }
}

/// All keys, the oldest first.
pub(super) fn load(connection: &Connection) -> Result<Vec<ApiKey>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT id, digest, grants, created_ms FROM keys ORDER BY created_ms, id")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, String>(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (id, digest, grants, created_ms) = row?;
        // It stays a key: where there is one, nobody comes in without.
        let grants = serde_json::from_str(&grants).unwrap_or_else(|_| NewKey::unreadable());
        Ok(ApiKey { id, digest, grants, created_ms })
    })
    .collect()
}
