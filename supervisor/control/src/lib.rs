//! What can be asked of sessions, by HTTP or by the admin socket: one reading of a session's state for everyone
//! ([`summary`]), calls that go on when the caller hangs up ([`calls`]), what whoever runs the service sees and does
//! ([`operators`]), deletions that run to their end ([`deletion`]), backups and what is restored of them
//! ([`backups`]), converted files ([`convert`]), and how fast a
//! session may send ([`pacing`]).
//!
//! Never knows a route, a status code or a text of Flask's.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

pub mod backups;
pub mod calls;
pub mod connections;
pub mod convert;
pub mod deletion;
pub mod operators;
pub mod pacing;
pub mod server_control;
pub mod summary;
pub mod users;
