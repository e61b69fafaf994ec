//! What is configured: [`ServiceConfig`] is what an operator sets, [`WorkerConfig`] what a supervisor hands to
//! each worker.
//!
//! Owns the names, the defaults and the reasons for them. Reading files, environment and flags is the
//! supervisor's business.

#[cfg(test)]
mod example;
mod memory;
mod ownership;
mod rules;
mod service;
mod worker;

pub use memory::{MemoryMode, MemoryOverrides, MemoryPolicy, UserConfig, WrongLimit};
pub use ownership::{NoWorkerUids, Ownership, UidRange, WorkerUids};
pub use rules::InvalidConfig;
pub use service::{LogFormat, RestartPolicy, ServiceConfig};
pub use worker::{Deadlines, Landlock, WorkerConfig};
