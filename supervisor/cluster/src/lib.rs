//! Many hosts as one: who owns a user, and the ground on which that is written down.
//!
//! Owns the decisions ([`ownership`], pure: no clock, no task, no I/O), the words that hosts write for each other
//! ([`records`]), the [`ground`] that keeps them, and the time in which all deadlines are counted ([`moment`]). Never
//! starts or ends a browser: it says who may run one, and until when. The rule above all others is that no user ever has
//! two.

pub mod ground;
pub mod moment;
pub mod names;
pub mod ownership;
pub mod records;
