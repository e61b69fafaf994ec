//! The names of events.

#[path = "../../supervisor/src/journal/id.rs"]
mod id;
#[path = "../../supervisor/src/journal/kind.rs"]
mod kind;

pub(crate) use id::EventId;
pub(crate) use kind::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    After(EventId),
}
