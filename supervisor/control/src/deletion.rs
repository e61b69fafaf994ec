//! [`Deletions`]: the end of a session and of everything that is known of it, so that whoever has its name next finds
//! nothing of the one before.
//!
//! Owns the order of the steps, and that a deletion which has begun is finished: also when whoever asked hangs up, and
//! by the next supervisor when this one dies. Never deletes a step's data itself: each part forgets its own.
//!
//! ```text
//! mark on disk ─▶ configuration, answers to repeated requests ─▶ the phone, the worker, profile, snapshots, limits, marks
//!      ▲                                                                                              │
//!      └── (next supervisor) ◀── crash        mark removed ◀── events, queues, dead letters ◀── keys ◀─┘
//! ```
//!
//! The configuration goes first: a page that polls `/qr` starts the next session of the name as soon as the profile is
//! gone, and it must not go through the last owner's proxy. Keys that
//! name only this session end with it, as soon as it is gone, so that none opens the next session of the name. The events
//! go last: the worker's end is one of them.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::{MemoryPolicy, ServiceConfig, SessionSettings};
use colmeia::layout::StateLayout;
use colmeia_base::tasks;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;

use crate::server_control::ServerControl;
use crate::users::Users;
use colmeia::errors::chain;
use colmeia_events::journal::{Journal, JournalError, Statuses};
use colmeia_host::{blocking, folders};
use colmeia_session::registry::RegistryError;
use colmeia_session::{LOGOUT, NotDeleted, Phase, PhoneNotified, limits};
use colmeia_store::{Store, StoreError};

/// How often another task is asked when one ends before it has heard us: each ends for want of anything to do.
const TASKS: usize = 5;

/// Why something of a session is still there. Asked again, the deletion goes on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeletionError {
    /// That it has begun, or is done, cannot be written down.
    #[error("the mark of the deletion cannot be written")]
    Mark(#[source] Arc<io::Error>),
    /// The configuration or the answers.
    #[error("the session's configuration cannot be deleted")]
    Settings(#[source] Arc<StoreError>),
    /// What keys allow with it.
    #[error("the session's keys cannot be ended")]
    Keys(#[source] Arc<StoreError>),
    /// Nobody can be asked to end the session.
    #[error("the session's task cannot be made")]
    NoTask(#[source] Arc<RegistryError>),
    /// The profile and what lies beside it.
    #[error("the session cannot be deleted")]
    Session(#[source] NotDeleted),
    /// The events.
    #[error("the session's events cannot be deleted")]
    Events(#[source] JournalError),
    /// The work itself broke off.
    #[error("the deletion broke off")]
    Broken,
}

/// How long whoever asked waits at most: longer than a page may take to tell the phone, and its worker to end.
pub const DELETED_WITHIN: Duration = LOGOUT.saturating_add(Duration::from_secs(15));

type Going = Shared<BoxFuture<'static, Result<PhoneNotified, DeletionError>>>;

/// All deletions under way; cheap to clone.
#[derive(Clone)]
pub struct Deletions(Arc<Inner>);

struct Inner {
    parts: Parts,
    going: Mutex<HashMap<UserId, Going>>,
}

/// Who has something to forget.
pub struct Parts {
    /// Who there is.
    pub users: Box<dyn Users>,
    /// Where their folders are.
    pub state: StateLayout,
    /// Their keys and configurations.
    pub store: Store,
    /// Their events.
    pub journal: Journal,
    /// The last status of each.
    pub statuses: Statuses,
    /// What is under way here is waited for as requests are.
    pub control: ServerControl,
}

impl std::fmt::Debug for Deletions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deletions")
    }
}

impl Deletions {
    /// None is under way.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, going: Mutex::default() }))
    }

    /// Deletes a session, or waits for the deletion that is under way, and says whether the phone learned of it. It goes on
    /// whoever stops waiting.
    ///
    /// # Errors
    /// [`DeletionError`] says what is still there.
    pub async fn delete(&self, user: &UserId) -> Result<PhoneNotified, DeletionError> {
        self.begin(user).await
    }

    /// Whether something is configured for the session.
    pub fn has_settings(&self, user: &UserId) -> bool {
        self.0.parts.store.session(user).is_some()
    }

    /// Everyone for whom something is configured.
    pub(crate) fn with_settings(&self) -> Vec<UserId> {
        self.0.parts.store.sessions().keys().cloned().collect()
    }

    /// What is configured for the session.
    pub(crate) fn settings(&self, user: &UserId) -> Option<SessionSettings> {
        self.0.parts.store.session(user)
    }

    /// What is configured for the user's memory.
    pub(crate) fn memory_of(&self, config: &ServiceConfig, user: &UserId) -> MemoryPolicy {
        limits::configured(config, &self.0.parts.store, user)
    }

    /// Waits until no deletion of this user is under way, however it ends.
    pub async fn settled(&self, user: &UserId) {
        let going = self.0.going.lock().get(user).cloned();
        if let Some(going) = going {
            let _ = going.await; // whoever asked for it is told
        }
    }

    /// Goes on with what the last supervisor could not finish: with these.
    pub fn resume(&self, users: Vec<UserId>) {
        for user in users {
            tracing::info!(%user, "the deletion of a session goes on");
            drop(self.begin(&user));
        }
    }

    fn begin(&self, user: &UserId) -> Going {
        let mut going = self.0.going.lock();
        if let Some(under_way) = going.get(user) {
            return under_way.clone();
        }
        let (inner, deleted) = (Arc::clone(&self.0), user.clone());
        let work = tasks::passing("deletion", async move {
            let _busy = inner.parts.control.busy();
            let result = inner.parts.delete(&deleted).await;
            if let Err(error) = &result {
                tracing::error!(user = %deleted, error = chain(error), "a session is not deleted as a whole");
            }
            inner.going.lock().remove(&deleted);
            result
        });
        let waiting = async move { work.await.unwrap_or(Err(DeletionError::Broken)) }.boxed().shared();
        going.insert(user.clone(), waiting.clone());
        waiting
    }
}

impl Parts {
    async fn delete(&self, user: &UserId) -> Result<PhoneNotified, DeletionError> {
        let Self { state, store, journal, statuses, .. } = self;
        let mark = async |going_on| {
            let (state, user) = (state.clone(), user.clone());
            blocking::in_folders(move || folders::keep_deletion(&state, &user, going_on))
                .await
                .map_err(|_| DeletionError::Broken)?
                .map_err(|error| DeletionError::Mark(Arc::new(error)))
        };
        mark(true).await?;
        store.forget_session(user).await.map_err(|error| DeletionError::Settings(Arc::new(error)))?;
        let told = self.end_session(user).await?;
        store.forget_keys_of(user).await.map_err(|error| DeletionError::Keys(Arc::new(error)))?;
        // What its end had to tell is on disk before the disk forgets it.
        statuses.flush().await;
        journal.forget(user).await.map_err(DeletionError::Events)?;
        mark(false).await?;
        tracing::info!(%user, "everything of the session is deleted");
        Ok(told)
    }

    async fn end_session(&self, user: &UserId) -> Result<PhoneNotified, DeletionError> {
        let mut result = Err(NotDeleted::Gone);
        for _ in 0..TASKS {
            let handle = self.users.find_or_create(user).await;
            let handle = handle.map_err(|error| DeletionError::NoTask(Arc::new(error)))?;
            let view = handle.view();
            result = handle.delete().await.map(|told| match told {
                // Nothing ran, and no phone was linked as far as is known.
                PhoneNotified::No if view.phase != Phase::Running && !view.was_linked => {
                    PhoneNotified::Nobody
                }
                told => told,
            });
            if !matches!(result, Err(NotDeleted::Gone)) {
                break;
            }
        }
        result.map_err(DeletionError::Session)
    }
}
