//! What is configured: [`WorkerConfig`] is what a supervisor hands to each worker.
//!
//! Owns the names, the defaults and the reasons for them. Reading files, environment and flags is the
//! supervisor's business.

mod worker;

pub use worker::{Deadlines, WorkerConfig};
