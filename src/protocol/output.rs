//! Reading the result of an operation out of its reply. Pure.

use super::{CallError, CallErrorKind, Reply};
use crate::operations::{Effect, Operate};

/// The result in an operation's reply.
///
/// # Errors
/// [`CallErrorKind::OutcomeUnknown`] after a [`Effect::Send`], else [`CallErrorKind::Unsupported`], when the worker
/// answered something else than this operation answers.
pub fn output<O: Operate>(effect: Effect, reply: Reply) -> Result<O::Output, CallError> {
    let Reply::Value { value } = reply else { return Err(unreadable(effect)) };
    serde_json::from_value(value.0).map_err(|_| unreadable(effect))
}

fn unreadable(effect: Effect) -> CallError {
    let kind = match effect {
        Effect::Send => CallErrorKind::OutcomeUnknown,
        Effect::Read | Effect::Change => CallErrorKind::Unsupported,
    };
    CallError::new(kind, "the session's answer is not of the expected kind")
}
