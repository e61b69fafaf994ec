//! The first phase: what only one supervisor may have. Directories and their locks, user ids, the port.
//!
//! Reads nothing of what lies in the directories, and begins no task.

use std::sync::Arc;

use colmeia::config::ServiceConfig;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia_host::locks::{self, Lock};
use colmeia_host::uids::{InForce, UidAllocator};
use colmeia_host::{folders, private};

use super::errors::ServiceError;
use crate::port::{self, Port};
use crate::upgrade::{Handover, Inherited};

/// The names under which the locks are passed on.
const RUNTIME_LOCK: &str = "runtime_lock";
const STATE_LOCK: &str = "state_lock";

/// What is ours alone now.
pub(super) struct Claim {
    pub(super) run: RunLayout,
    pub(super) state: StateLayout,
    pub(super) uids: UidAllocator,
    pub(super) locks: Locks,
}

/// Nobody else uses the directories as long as this lives.
pub(super) struct Locks {
    run: Lock,
    state: Lock,
}

impl Claim {
    /// Takes the directories, then the port.
    pub(super) fn take(
        config: Arc<ServiceConfig>,
        inherited: &mut Inherited,
    ) -> Result<(Self, Port), ServiceError> {
        let (run, state) = layouts(&config)?;
        for path in [run.root(), state.root()] {
            folders::make_private(path).map_err(ServiceError::at(path))?;
        }
        let state = resolved(&state, &config)?;
        private::state_directory(&state)?;
        let in_force = InForce::decide(&config, state.root(), run.root())?;
        locks::private_directory(run.root())?;
        let locks = Locks {
            run: locks::take(&run.supervisor_lock(), inherited.claim(RUNTIME_LOCK))?,
            state: locks::take(&state.lock(), inherited.claim(STATE_LOCK))?,
        };
        let uids = UidAllocator::open(in_force, &state, &run)?;
        let port = port::open(config, inherited)?;
        Ok((Self { run, state, uids, locks }, port))
    }
}

impl Locks {
    /// Adds them to what another image of the program gets.
    pub(super) fn pass_on(
        &self,
        to: &mut Handover,
        run: &RunLayout,
        state: &StateLayout,
    ) -> Result<(), ServiceError> {
        to.add(RUNTIME_LOCK, self.run.pass_on().map_err(ServiceError::at(run.supervisor_lock()))?);
        to.add(STATE_LOCK, self.state.pass_on().map_err(ServiceError::at(state.lock()))?);
        Ok(())
    }
}

/// Absolute: a worker has another working directory.
fn layouts(config: &ServiceConfig) -> Result<(RunLayout, StateLayout), ServiceError> {
    let run = RunLayout::new(config.runtime_dir.clone().unwrap_or_default())?;
    Ok((run, StateLayout::new(config.state_dir.clone(), config.client_prefix.clone())))
}

/// The state directory as it is called without a link: what lies in it is opened by that name.
fn resolved(state: &StateLayout, config: &ServiceConfig) -> Result<StateLayout, ServiceError> {
    let root = std::fs::canonicalize(state.root()).map_err(ServiceError::at(state.root()))?;
    Ok(StateLayout::new(root, config.client_prefix.clone()))
}
