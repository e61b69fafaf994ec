//! [`Registry`]: finds the task of a user.
//!
//! Owns the map from id to handle and the beginning and end of tasks. It knows no session, no process and no
//! browser.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use colmeia::UserId;
use colmeia_base::tasks;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::limits::LimitsError;
use crate::{Adopted, CallFailure, Command, Host, Renewal, SessionActor, TURN, UserHandle, marks};
use colmeia_host::kept::{self, Unread};
use colmeia_host::log_limit::LogLimit;
use colmeia_host::process::{Traces, sweep};
use colmeia_host::{blocking, folders};

/// How many users may have a task. Tasks without anything to do end by themselves, so only an attack gets here;
/// each costs a few kilobytes.
const MOST: usize = 10_000;

/// How many of them may be newcomers, who wait without ever having had a session, where there are not even so many places
/// for workers: anybody can make up names, and who stands behind so many does not come to a place soon.
const NEWCOMERS: usize = 64;

/// All users that have a task; cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    host: Arc<Host>,
    users: Mutex<HashMap<UserId, UserHandle>>,
    closing: AtomicBool,
    /// That newcomers are turned away.
    crowded: LogLimit,
}

/// Why a user's task could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// More users than any machine serves are known; new ones are refused until others are gone.
    #[error("too many users are known at once ({0})")]
    TooManyUsers(usize),
    /// So many wait who never had a session, and for all of them somebody still asks.
    #[error("too many new sessions wait to be started ({0})")]
    TooManyNewcomers(usize),
    /// The supervisor ends.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl Registry {
    /// An empty registry.
    pub fn new(host: Arc<Host>) -> Self {
        let (users, closing, crowded) = (Mutex::default(), AtomicBool::new(false), LogLimit::default());
        Self { inner: Arc::new(Inner { host, users, closing, crowded }) }
    }

    /// The user's task, if there is one. Never makes one.
    pub fn find(&self, user: &UserId) -> Option<UserHandle> {
        self.users().get(user).cloned()
    }

    /// The user's task, made if there is none. It does nothing until it is woken.
    ///
    /// # Errors
    /// [`RegistryError`] when no task can be made.
    pub async fn find_or_create(&self, user: &UserId) -> Result<UserHandle, RegistryError> {
        match self.find(user) {
            Some(handle) => Ok(handle),
            None => self.find_or_make(user, self.is_new(user).await),
        }
    }

    /// The same of a user of whom something is known.
    ///
    /// # Errors
    /// [`RegistryError`] when no task can be made.
    pub fn find_or_create_known(&self, user: &UserId) -> Result<UserHandle, RegistryError> {
        self.find_or_make(user, false)
    }

    fn find_or_make(&self, user: &UserId, new: bool) -> Result<UserHandle, RegistryError> {
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
        if new {
            let newcomers: Vec<_> = users.values().filter(|handle| handle.is_newcomer()).collect();
            let attended: Vec<_> = newcomers.iter().map(|handle| handle.attended()).collect();
            let most = self.inner.host.config.max_users.max(NEWCOMERS);
            match in_turn(&attended, most, Instant::now()) {
                Turn::Free => {}
                Turn::Of(index) => newcomers[index].give_way(),
                Turn::Nobody => {
                    if let Some(times) = self.inner.crowded.happened() {
                        let waiting = newcomers.len();
                        tracing::warn!(%user, waiting, times, "a new session is turned away: too many wait already");
                    }
                    return Err(RegistryError::TooManyNewcomers(newcomers.len()));
                }
            }
        }
        Ok(self.begin(&mut users, user, None))
    }

    /// Whether nothing is known of the user: no session, no configuration and no operator's word.
    async fn is_new(&self, user: &UserId) -> bool {
        let Host { state, store, .. } = &*self.inner.host;
        if store.session(user).is_some() {
            return false;
        }
        let (state, user) = (state.clone(), user.clone());
        // Who cannot be looked up is no newcomer: these are turned away.
        let look = move || {
            Ok::<_, Unread>(!kept::is_there(&state.auth_dir(&user))? && !folders::is_held(&state, &user)?)
        };
        matches!(blocking::in_folders(look).await, Ok(Ok(true)))
    }

    /// The user's task; made if there is none but an auth directory, which a disconnect has to delete even when
    /// nobody woke the user.
    pub async fn find_or_restore(&self, user: &UserId) -> Option<UserHandle> {
        let handle = match self.find(user) {
            Some(handle) => handle,
            None => {
                let auth_dir = self.inner.host.state.auth_dir(user);
                let look = move || kept::is_there(&auth_dir);
                // Where nobody can say, its task does.
                if matches!(blocking::in_folders(look).await, Ok(Ok(false)) | Err(_)) {
                    return None;
                }
                self.find_or_create_known(user).ok()?
            }
        };
        handle.settled().await;
        Some(handle)
    }

    /// Who has an auth directory or is held back by an operator.
    ///
    /// # Errors
    /// When nobody can say.
    pub async fn on_disk(&self) -> io::Result<Vec<UserId>> {
        let layout = self.inner.host.state.clone();
        let found = blocking::in_folders(move || {
            Ok(folders::users_on_disk(&layout)?.into_iter().chain(folders::users_held(&layout)?).collect())
        });
        found.await.map_err(io::Error::other)?
    }

    /// All tasks, sorted by user id.
    pub fn list(&self) -> Vec<UserHandle> {
        let mut users: Vec<_> = self.users().values().cloned().collect();
        users.sort_by(|a, b| a.user.cmp(&b.user));
        users
    }

    /// A task for a worker that was found alive.
    pub fn adopt(&self, user: &UserId, adopted: Adopted) {
        self.begin(&mut self.users(), user, Some(adopted));
    }

    /// Stops every worker and ends every task; no new ones are made.
    pub async fn shut_down(&self) {
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
    pub fn retire(&self, user: &UserId, commands: &mut mpsc::Receiver<Command>) -> bool {
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
                if let Ok(handle) = self.find_or_create_known(user) {
                    handle.wake();
                }
            }
            Command::Call { answer, .. } => drop(answer.send(Err(CallFailure::NotReady))),
            // What is on disk has to go, whoever does it.
            Command::Operate { .. }
            | Command::Disconnect { .. }
            | Command::Reset { .. }
            | Command::Replace { .. }
            | Command::Delete { .. } => {
                if let Ok(handle) = self.find_or_create_known(user) {
                    handle.pass_on(command);
                }
            }
            Command::GiveWay => {}
            Command::Carry { answer } => drop(answer),
            Command::Renew { answer } | Command::Mend { answer } => drop(answer.send(Renewal::Needless)),
            Command::Limit { answer, .. } | Command::LimitAgain { answer } => {
                drop(answer.send(Err(LimitsError::Gone)));
            }
            Command::Shutdown { answer } => drop(answer.send(())),
        }
    }

    fn begin(
        &self,
        users: &mut HashMap<UserId, UserHandle>,
        user: &UserId,
        adopted: Option<Adopted>,
    ) -> UserHandle {
        let (handle, task) = SessionActor::new(Arc::clone(&self.inner.host), user.clone());
        users.insert(user.clone(), handle.clone());
        let (registry, user) = (self.clone(), user.clone());
        tasks::vital("user's end", async move {
            let own = registry.clone();
            let retire =
                move |user: &UserId, commands: &mut mpsc::Receiver<Command>| own.retire(user, commands);
            let run = tasks::passing("user", task.run(retire, adopted));
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
        self.inner.users.lock()
    }
}

/// Whose turn a newcomer may take.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// There are fewer than may be.
    Free,
    /// That of this one, for whom nobody has asked for longest.
    Of(usize),
    /// All of them are still asked for.
    Nobody,
}

/// `attended` says when somebody last asked for each of those who wait.
fn in_turn(attended: &[Instant], most: usize, now: Instant) -> Turn {
    if attended.len() < most {
        return Turn::Free;
    }
    let longest = attended.iter().enumerate().min_by_key(|(_, at)| **at);
    match longest {
        Some((index, at)) if now.saturating_duration_since(*at) >= TURN => Turn::Of(index),
        _ => Turn::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_newcomer_takes_the_turn_of_one_for_whom_nobody_asks_any_more() {
        let now = Instant::now() + Duration::from_secs(100);
        let ago = |secs| now - Duration::from_secs(secs);
        assert_eq!(in_turn(&[ago(90)], 2, now), Turn::Free);
        assert_eq!(in_turn(&[ago(31), ago(40), ago(1)], 3, now), Turn::Of(1));
        assert_eq!(in_turn(&[ago(29), ago(20)], 2, now), Turn::Nobody);
    }
}
