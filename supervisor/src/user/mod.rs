//! One user: its task, its worker's process, its link. Everything about one user is in here, and nothing in
//! here knows a second one.

pub(crate) mod handle;
pub(crate) mod view;

pub(crate) use handle::{CallFailure, CallResult, Command, DisconnectOutcome, UserHandle};
pub(crate) use view::{Phase, UserView};
