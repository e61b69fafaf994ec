//! HTTP: turns requests into commands and what is known of a user into answers.
//!
//! Owns the routes, who may call them and what every answer looks like. Never waits for a browser to say how a
//! session is, and knows no process: it asks [`colmeia_control::users`] for a user's handle, reads its view and sends commands.
//!
//! ```text
//! server (connections, time-outs) ─▶ observe (span, panics) ─▶ access ─▶ body (size) ─▶ flask/ | api/ | page/
//! ```
//!
//! `flask/` has the surface that Flask calls, one file per handler; `api/` the one that WAHA's clients call; `page/`
//! has what people look at, `watch/` what other programs watch us by, `events/` tells them what happens.
//! **What is known of a user is read in one place**, [`colmeia_control::summary`], so that no two answers contradict each other.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

mod access;
mod api;
mod body;
mod cookies;
mod effect;
mod errors;
mod events;
mod external;
mod flask;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod names;
mod negotiate;
mod observe;
mod page;
mod passkey;
mod phone_number;
mod places;
mod reasons;
mod reply;
mod restricted;
mod route;
mod router;
mod routes;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod trends;
mod unmatched;
mod user;
mod visitors;
mod watch;

pub use routes::listed;
pub use server::serve;
pub use state::{App, Parts};
