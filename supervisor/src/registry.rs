//! [`Registry`]: finds the task of a user.
//!
//! Owns the map from id to handle and the beginning and end of tasks. It knows no session, no process and no
//! browser.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use colmeia::UserId;
use tokio::sync::mpsc;

use crate::blocking;
use crate::user::limits::LimitsError;
use crate::user::process::{Traces, sweep};
use crate::user::{Adopted, CallFailure, Command, Host, Renewal, UserHandle, UserTask, folders, marks};

/// How many users may have a task. Tasks without anything to do end by themselves, so only an attack gets here;
/// each costs a few kilobytes.
const MOST: usize = 10_000;

/// All users that have a task; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    host: Arc<Host>,
    users: Mutex<HashMap<UserId, UserHandle>>,
    closing: AtomicBool,
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
    /// An empty registry.
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { inner: Arc::new(Inner { host, users: Mutex::default(), closing: AtomicBool::new(false) }) }
    }

    /// The user's task, if there is one. Never makes one.
    pub(crate) fn find(&self, user: &UserId) -> Option<UserHandle> {
        self.users().get(user).cloned()
    }

    /// The user's task, made if there is none. It does nothing until it is woken, and nothing is made on disk
    /// before its worker starts. Touches no disk: what is remembered of the user is in its view once it is settled
    /// ([`UserHandle::settled`]).
    ///
    /// # Errors
    /// [`RegistryError`] when no task can be made.
    pub(crate) fn find_or_create(&self, user: &UserId) -> Result<UserHandle, RegistryError> {
        let mut users = self.users();
        if let Some(handle) = users.get(user) {
            return Ok(handle.clone());
        }
        if self.inner.closing.load(Ordering::Relaxed) {
            return Err(RegistryError::ShuttingDown);
        }
        if users.len() >= MOST {
            return Err(RegistryError::TooManyUsers(users.len()));
        }
        Ok(self.begin(&mut users, user, None))
    }

    /// The user's task; made if there is none but an auth directory, which a disconnect has to delete even when
    /// nobody woke the user.
    pub(crate) async fn find_or_restore(&self, user: &UserId) -> Option<UserHandle> {
        let handle = match self.find(user) {
            Some(handle) => handle,
            None => {
                let auth_dir = self.inner.host.state.auth_dir(user);
                let on_disk = blocking::in_folders(move || auth_dir.exists()).await.unwrap_or(false);
                if !on_disk {
                    return None;
                }
                self.find_or_create(user).ok()?
            }
        };
        handle.settled().await;
        Some(handle)
    }

    /// Who has an auth directory or is held back by an operator.
    pub(crate) async fn on_disk(&self) -> Vec<UserId> {
        let layout = self.inner.host.state.clone();
        let found = blocking::in_folders(move || {
            let on_disk = folders::users_on_disk(&layout).unwrap_or_default();
            on_disk.into_iter().chain(folders::users_held(&layout)).collect()
        });
        found.await.unwrap_or_default()
    }

    /// All tasks, sorted by user id.
    pub(crate) fn list(&self) -> Vec<UserHandle> {
        let mut users: Vec<_> = self.users().values().cloned().collect();
        users.sort_by(|a, b| a.user.cmp(&b.user));
        users
    }

    /// A task for a worker that was found alive.
    pub(crate) fn adopt(&self, user: &UserId, adopted: Adopted) {
        self.begin(&mut self.users(), user, Some(adopted));
    }

    /// Stops every worker and ends every task; no new ones are made.
    pub(crate) async fn shut_down(&self) {
        // Under the lock, so that nobody who has looked already can still add one.
        let users: Vec<_> = {
            let users = self.users();
            self.inner.closing.store(true, Ordering::Relaxed);
            users.values().cloned().collect()
        };
        futures::future::join_all(users.iter().map(UserHandle::shut_down)).await;
    }

    /// Takes a task that has nothing to do out of the map. `false` when there are commands left for it; then it
    /// has to go on.
    pub(crate) fn retire(&self, user: &UserId, commands: &mut mpsc::Receiver<Command>) -> bool {
        let mut users = self.users();
        let closing = self.inner.closing.load(Ordering::Relaxed);
        if !closing && !commands.is_empty() {
            return false;
        }
        commands.close();
        users.remove(user);
        drop(users);
        // Who had the handle in hand already may have been quicker than the close.
        while let Ok(command) = commands.try_recv() {
            self.redirect(user, command);
        }
        true
    }

    fn redirect(&self, user: &UserId, command: Command) {
        match command {
            Command::Wake => {
                if let Ok(handle) = self.find_or_create(user) {
                    handle.wake();
                }
            }
            Command::Call { answer, .. } => drop(answer.send(Err(CallFailure::NotReady))),
            // What is on disk has to go, whoever does it.
            Command::Operate { .. }
            | Command::Disconnect { .. }
            | Command::Reset { .. }
            | Command::Delete { .. } => {
                if let Ok(handle) = self.find_or_create(user) {
                    handle.pass_on(command);
                }
            }
            Command::Carry { answer } => drop(answer),
            Command::Renew { answer } | Command::Mend { answer } => drop(answer.send(Renewal::Needless)),
            Command::Limit { answer, .. } => drop(answer.send(Err(LimitsError::Gone))),
            Command::Shutdown { answer } => drop(answer.send(())),
        }
    }

    fn begin(
        &self,
        users: &mut HashMap<UserId, UserHandle>,
        user: &UserId,
        adopted: Option<Adopted>,
    ) -> UserHandle {
        let (handle, task) = UserTask::new(Arc::clone(&self.inner.host), user.clone());
        users.insert(user.clone(), handle.clone());
        let (registry, user) = (self.clone(), user.clone());
        tokio::spawn(async move {
            let run = tokio::spawn(task.run(registry.clone(), adopted));
            if let Err(error) = run.await {
                // One user's trouble is nobody else's. The next task must find no process of this one.
                tracing::error!(%user, %error, "a user's task failed");
                let marks = marks(&registry.inner.host, &user);
                sweep(Traces { session: None, marks }).await;
                registry.users().remove(&user);
            }
        });
        handle
    }

    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    fn users(&self) -> MutexGuard<'_, HashMap<UserId, UserHandle>> {
        self.inner.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
