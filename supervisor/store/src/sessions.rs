//! The configuration of each session. Owns its rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::{IgnoreConfig, SessionLimits, SessionSettings, WebhookConfig};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Store, StoreError, Thread, Unreadable};
use colmeia_events::delivery::Sessions;

impl Store {
    /// Keeps a session's configuration in place of what it had.
    ///
    /// # Errors
    /// When nothing was kept.
    pub async fn keep_session(&self, user: &UserId, settings: SessionSettings) -> Result<(), StoreError> {
        let user = user.clone();
        self.run(move |thread| thread.write_session(user, settings)).await
    }

    /// Changes a part of a session's configuration and leaves the rest as it is then; says what it was made.
    ///
    /// # Errors
    /// When nothing was changed: [`StoreError::SetAside`] where what is there cannot be read.
    pub async fn change_session<F>(&self, user: &UserId, change: F) -> Result<SessionSettings, StoreError>
    where
        F: FnOnce(&mut SessionSettings) + Send + 'static,
    {
        let user = user.clone();
        self.run(move |thread| {
            if thread.unreadable.borrow().contains_key(user.as_str()) {
                return Err(StoreError::SetAside);
            }
            let mut settings = thread.sessions.borrow().get(&user).cloned().unwrap_or_default();
            change(&mut settings);
            thread.write_session(user, settings.clone())?;
            Ok(settings)
        })
        .await
    }

    /// What a session may take, as its own configuration says. From the snapshot: it never waits.
    pub fn limits(&self, user: &UserId) -> SessionLimits {
        self.sessions.borrow().get(user).map(|settings| settings.limits).unwrap_or_default()
    }

    /// Forgets a session's configuration and the answers to its repeated requests.
    ///
    /// # Errors
    /// When nothing was forgotten.
    pub async fn forget_session(&self, user: &UserId) -> Result<(), StoreError> {
        let user = user.clone();
        self.run(move |thread| {
            let transaction = thread.connection.transaction()?;
            transaction.execute("DELETE FROM sessions WHERE user = ?1", [user.as_str()])?;
            transaction.execute("DELETE FROM answers WHERE user = ?1", [user.as_str()])?;
            transaction.commit()?;
            thread.publish_session(user, None);
            Ok(())
        })
        .await
    }
}

impl Thread {
    fn write_session(&self, user: UserId, settings: SessionSettings) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO sessions (user, settings) VALUES (?1, ?2)
             ON CONFLICT (user) DO UPDATE SET settings = ?2",
            params![user.as_str(), serde_json::to_string(&settings)?],
        )?;
        self.publish_session(user, Some(settings));
        Ok(())
    }

    /// What is configured for one session from now on. The others' are not read again: whoever changes one often would
    /// else hold up everybody who needs this thread.
    fn publish_session(&self, user: UserId, settings: Option<SessionSettings>) {
        self.unreadable.send_if_modified(|rows| {
            rows.contains_key(user.as_str()) && Arc::make_mut(rows).remove(user.as_str()).is_some()
        });
        self.sessions.send_modify(|all| {
            let all = Arc::make_mut(all);
            match settings {
                Some(settings) => drop(all.insert(user, settings)),
                None => drop(all.remove(&user)),
            }
        });
    }
}

/// What the delivery of events asks: from the snapshot, so that it never waits.
impl Sessions for Store {
    fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig> {
        self.session(user).map(|settings| settings.webhooks).unwrap_or_default()
    }

    fn metadata(&self, user: &UserId) -> Option<Value> {
        self.session(user).map(|settings| settings.metadata).filter(|map| !map.is_empty()).map(Value::Object)
    }

    fn ignored(&self, user: &UserId) -> IgnoreConfig {
        self.session(user).map(|settings| settings.ignore).unwrap_or_default()
    }
}

/// All configurations, and the rows that cannot be read. None of those keeps the others from being there.
pub(super) fn load(
    connection: &Connection,
) -> Result<(BTreeMap<UserId, SessionSettings>, Unreadable), StoreError> {
    let mut statement = connection.prepare_cached("SELECT user, settings FROM sessions")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let (mut sessions, mut unreadable) = (BTreeMap::new(), Unreadable::new());
    for row in rows {
        let (name, settings) = row?;
        // Where it is wrong, and not what stands there: it may be a password.
        let place = |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        match (name.parse(), serde_json::from_str(&settings)) {
            (Ok(user), Ok(settings)) => drop(sessions.insert(user, settings)),
            (Ok(_), Err(error)) => drop(unreadable.insert(name, place(error))),
            (Err(_), _) => drop(unreadable.insert(name, "the name is no user id".to_owned())),
        }
    }
    Ok((sessions, unreadable))
}
