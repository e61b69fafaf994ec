//! Sessions: everything about one user is in that user's actor, which knows no second one.
//!
//! ```text
//! UserHandle ──Command──▶ actor ──▶ connection ──▶ the worker's socket
//!      ▲                    │ ├──▶ lifecycle, liveness  (pure: what follows from what happened)
//!      └──── UserView ◀─────┘ └──▶ worker_process, admission queue
//! ```
//!
//! The [`registry`] finds the actor of a user, [`admission`] says who may start now, and [`adoption`] takes over the
//! workers that outlived another supervisor. Never knows an HTTP route.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

mod actor;
pub mod admission;
pub mod adoption;
pub mod connection;
pub mod handle;
pub mod lacks;
mod lifecycle;
pub mod limits;
mod liveness;
pub mod log_tail;
mod message_files;
mod passkey;
pub mod registry;
mod status;
pub mod token;
pub mod view;
pub mod worker_process;

pub use actor::{Adopted, Host, SessionActor, marks, token_of};
pub use handle::{
    CallFailure, CallResult, Command, DisconnectOutcome, NotDeleted, NotKept, NotReplaced, OperatorCommand,
    UserHandle,
};
pub(crate) use lifecycle::TURN;
pub use lifecycle::{Carried, LOGOUT, PhoneNotified, Renewal};
#[cfg(any(test, feature = "testing"))]
pub use passkey::request;
pub use passkey::{Challenge, SWITCHED_OFF};
pub use status::SessionStatus;
#[cfg(any(test, feature = "testing"))]
pub use view::{MemoryUse, Pong};
pub use view::{Over, Phase, UserView};
