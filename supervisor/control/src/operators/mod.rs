//! [`Operators`]: what whoever runs the service can see of the sessions and do to them, whichever way they come:
//! over the admin socket (of the supervisor) or on the dashboard (`http::page::dashboard`).
//!
//! Owns the reading of a view for them and which word means which command. Speaks no HTTP and asks nobody who they
//! are: both callers have done that. Every change is logged with who asked for it.

mod change;
mod dead_letters;
mod error;
mod look;
mod sentences;
mod usage;

use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use colmeia::layout::StateLayout;

use crate::deletion::Deletions;
use crate::server_control::ServerControl;
use crate::users::Users;
use colmeia_events::journal::Journal;
use colmeia_host::vitals::{Gauge, Vitals};
use colmeia_host::{blocking, folders};
use colmeia_session::UserHandle;

pub use change::{Asker, Word};
pub use colmeia_session::log_tail::{LogTail, Position};
pub use dead_letters::Letters;
pub use error::OperationError;
pub use look::{Details, HeldLimits, millis};
pub use usage::Machine;

/// Everything that an operation needs; cheap to clone.
#[derive(Clone)]
pub struct Operators(Arc<Inner>);

struct Inner {
    users: Box<dyn Users>,
    state: StateLayout,
    config: Arc<ServiceConfig>,
    journal: Journal,
    /// What is under way here is waited for as requests are.
    control: ServerControl,
    deletions: Deletions,
    gauge: Gauge,
}

impl Operators {
    /// Puts them together.
    pub fn new(
        users: Box<dyn Users>,
        state: StateLayout,
        config: Arc<ServiceConfig>,
        journal: Journal,
        control: ServerControl,
        deletions: Deletions,
    ) -> Self {
        let gauge = Gauge::of(state.root());
        Self(Arc::new(Inner { users, state, config, journal, control, deletions, gauge }))
    }

    /// The user's task; made for who has none but is known by a folder, a hold or a configuration.
    ///
    /// # Errors
    /// When nobody of this name is known.
    pub async fn known(&self, user: &UserId) -> Result<UserHandle, OperationError> {
        let Inner { users, state, .. } = &*self.0;
        if let Some(handle) = users.find_or_restore(user).await {
            return Ok(handle);
        }
        let (state, held) = (state.clone(), user.clone());
        let held = blocking::in_folders(move || folders::is_held(&state, &held)).await;
        let held =
            held.map_err(OperationError::Look)?.map_err(|error| OperationError::Unread(error.into()))?;
        let made = if held || self.0.deletions.has_settings(user) {
            users.find_or_create(user).await.ok()
        } else {
            None
        };
        let handle = made.ok_or_else(|| OperationError::Unknown(user.clone()))?;
        handle.settled().await;
        Ok(handle)
    }

    /// What ends sessions for good.
    pub fn deletions(&self) -> &Deletions {
        &self.0.deletions
    }

    /// How much of the machine is in use. Reads files: not for a task that may not wait.
    pub fn vitals(&self) -> Vitals {
        self.0.gauge.look()
    }

    /// The user's own log.
    pub fn tail(&self, user: &UserId) -> LogTail {
        LogTail::of(&self.0.state, user)
    }
}

impl std::fmt::Debug for Operators {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operators")
    }
}
