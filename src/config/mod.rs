//! What is configured: [`ServiceConfig`] is what an operator sets, [`WorkerConfig`] what a supervisor hands to
//! each worker.
//!
//! Owns the names, the defaults and the reasons for them. Reading files, environment and flags is the
//! supervisor's business.

#[cfg(test)]
mod example;
mod memory;
mod service;
mod session;
mod worker;

pub use memory::{MemoryMode, MemoryOverrides, MemoryPolicy, UserConfig};
pub use service::{InvalidConfig, LogFormat, RestartPolicy, ServiceConfig};
pub use session::{InvalidSettings, Proxy, SessionSettings};
pub use worker::{Deadlines, Landlock, WorkerConfig};
