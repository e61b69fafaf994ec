//! Events: what happened in the sessions. The [`journal`] has them on disk before anybody is told, the [`envelope`] is the
//! shape in which they go out, and the [`delivery`] takes them to Flask and to webhooks.
//!
//! Never knows a session's task or an HTTP route.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

pub mod delivery;
pub mod envelope;
pub mod journal;
