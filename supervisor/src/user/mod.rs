//! One user: its task, its worker's process, its link. Everything about one user is in here, and nothing in
//! here knows a second one.

pub(crate) mod folders;
pub(crate) mod handle;
pub(crate) mod limits;
pub(crate) mod link;
mod passkey;
mod policy;
pub(crate) mod process;
mod status;
pub(crate) mod tail;
mod task;
pub(crate) mod token;
pub(crate) mod view;
mod vigil;

pub(crate) use handle::{
    CallFailure, CallResult, Command, DisconnectOutcome, NotDeleted, NotKept, Operation, UserHandle,
};
#[cfg(test)]
pub(crate) use passkey::request;
pub(crate) use passkey::{Challenge, Over, SWITCHED_OFF};
pub(crate) use policy::{Carried, LOGOUT, Renewal, Told};
pub(crate) use status::SessionStatus;
pub(crate) use task::{Adopted, Host, UserTask, marks, token_of};
#[cfg(test)]
pub(crate) use view::{MemoryUse, Pong};
pub(crate) use view::{Phase, UserView};
