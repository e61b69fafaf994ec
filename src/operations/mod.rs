//! [`Operation`]: what a session can do beyond the everyday [`crate::protocol::Call`]s, one row each.
//!
//! Owns the rows, in a file for each group of operations with the types of their results, and what comes of a row (`table`).
//! The worker's bridge has one function of the same name for each, and a test there holds both to each other.
//! Wire types only: nothing here asks or decides.
//!
//! ```
//! use colmeia::operations::{DeleteContact, Effect, Operation};
//!
//! let wire = r#"{"name":"delete_contact","contact":"+55 11 98888-7777"}"#;
//! let operation: Operation = serde_json::from_str(wire).expect("a row of the table");
//! assert_eq!((operation.effect(), operation.since()), (Effect::Change, 3));
//! assert_eq!(format!("{operation:?}"), "delete_contact", "whom is private");
//! assert!(matches!(operation, Operation::DeleteContact(DeleteContact { contact }) if contact.as_str() == "5511988887777@c.us"));
//! ```
//!
//! Results are a snake_case record of ours, whatever the page calls its fields. Times are in milliseconds since the
//! epoch, and ids are strings as WhatsApp writes them.

mod channels;
mod chats;
mod contacts;
mod groups;
mod ids;
mod labels;
mod messages;
mod presence;
mod profile;
pub(crate) mod record;
mod restrictions;
mod sends;
mod statuses;
mod table;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use channels::*;
pub use chats::*;
pub use contacts::*;
pub use groups::*;
pub use ids::*;
pub use labels::*;
pub use messages::*;
pub use presence::*;
pub use profile::*;
pub use record::*;
pub use sends::*;
pub use table::*;

/// What a worker of this build knows, told in its Hello: the newest `since` of all rows and calls. Where an older worker would
/// silently leave out an option of a call ([`crate::protocol::Call::needs`]) without a row that is as new, this has to be said here.
pub const OPERATIONS_VERSION: u32 =
    if SNAPSHOT_SINCE > Operation::NEWEST { SNAPSHOT_SINCE } else { Operation::NEWEST };

/// The first [`OPERATIONS_VERSION`] whose workers know [`crate::protocol::Call::Snapshot`].
pub const SNAPSHOT_SINCE: u32 = 4;

/// What an operation does to the world, and so what a failure without an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be asked again at once.
    Read,
    /// It sets something to a value: doing it twice is as good as once.
    Change,
    /// Others see it, or it makes something new: it is done at most once, and where nobody knows whether it was
    /// done the answer says so ([`crate::protocol::CallErrorKind::OutcomeUnknown`]).
    Send,
}

/// Who does it in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The bridge that is always there.
    Core,
    /// wa-js, which is put into a session's page when such an operation is first used there: that one takes some
    /// seconds longer (1.2 s on the simulator; 3 to 10 s of CPU on WhatsApp's own page, by its 18,000 modules).
    WaJs,
}

/// Arguments that name their operation, and its result with it.
pub trait Operate: Into<Operation> {
    /// See [`Operation::effect`].
    const EFFECT: Effect;
    /// What a success answers.
    type Output: DeserializeOwned;
}

/// An operation's answer as it travels. Its content is private.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationResult(pub serde_json::Value);

impl std::fmt::Debug for OperationResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperationResult")
    }
}

/// Nothing but that it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Nothing {}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// So many.
    pub count: u64,
}

/// Texts, names and numbers are private: `Debug` says only what it is.
macro_rules! private {
    ($($record:ident),* $(,)?) => {
        $(impl std::fmt::Debug for $record {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($record))
            }
        })*
    };
}
pub(crate) use private;

#[cfg(test)]
mod tests;
