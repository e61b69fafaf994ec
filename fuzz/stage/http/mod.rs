//! The readers, as deep as they lie in the supervisor.

mod api;
mod body;
mod events;

pub(crate) use api::lifted;
pub(crate) use events::asked;
