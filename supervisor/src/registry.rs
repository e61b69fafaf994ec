//! [`Registry`]: finds the task of a user.
//!
//! Owns the map from id to handle and nothing else: it knows no session, no process and no browser.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use colmeia::UserId;

use crate::user::UserHandle;

/// All users that have a task; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    users: Mutex<HashMap<UserId, UserHandle>>,
}

/// Why a user's task could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// More users than any machine serves are known; new ones are refused until others are gone.
    #[error("too many users are known at once ({0})")]
    TooManyUsers(usize),
    /// The supervisor ends.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Registry {
    /// The user's task, if there is one. Never makes one.
    pub(crate) fn find(&self, user: &UserId) -> Option<UserHandle> {
        self.users().get(user).cloned()
    }

    /// The user's task, made if there is none. It does nothing until it is woken, and nothing is made on disk
    /// before its worker starts.
    ///
    /// # Errors
    /// [`RegistryError`] when no task can be made.
    pub(crate) fn find_or_create(&self, user: &UserId) -> Result<UserHandle, RegistryError> {
        self.find(user).ok_or(RegistryError::ShuttingDown)
    }

    /// The user's task, made if there is none but the user has an auth directory: for a disconnect, which must
    /// delete that directory even when nobody woke the user.
    pub(crate) fn find_or_restore(&self, user: &UserId) -> Option<UserHandle> {
        self.find(user)
    }

    /// All tasks, sorted by user id.
    pub(crate) fn list(&self) -> Vec<UserHandle> {
        let mut users: Vec<_> = self.users().values().cloned().collect();
        users.sort_by(|a, b| a.user.cmp(&b.user));
        users
    }

    /// Stops every worker and ends every task; no new ones are made.
    pub(crate) async fn shut_down(&self) {
        let ends: Vec<_> = self.list();
        for user in ends {
            user.shut_down().await;
        }
    }

    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    fn users(&self) -> MutexGuard<'_, HashMap<UserId, UserHandle>> {
        self.inner.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
