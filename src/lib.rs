//! The contract that `colmeia-supervisor` and `colmeia-worker` share.
//!
//! Owns what both sides must agree on: who a user is ([`UserId`]), what states a session has
//! ([`SessionState`]), what can be asked of one ([`operations`]), what travels between the processes ([`protocol`]), where files lie ([`layout`])
//! what is configured ([`config`]), and what operators are told ([`admin`]).
//!
//! Never does I/O and never starts a task: the only thing here that touches bytes is the frame codec,
//! and that works on buffers.

pub mod address;
pub mod admin;
pub mod chat;
pub mod config;
pub mod convert;
pub mod errors;
pub mod layout;
pub mod moment;
pub mod operations;
pub mod passkey;
pub mod protocol;
pub mod restrictions;
pub mod secret;
pub mod session;
pub mod text;
pub mod user;

pub use chat::ChatId;
pub use restrictions::{MessageCapping, ReachoutTimelock, Restriction, RestrictionName, Restrictions};
pub use secret::Secret;
pub use session::{ExitReason, Me, MissingMember, SessionReport, SessionState, impossible};
pub use user::UserId;
