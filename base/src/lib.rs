//! What both programs stand on, and nothing of what they do: [`tasks`], each with an owner; [`files`] that are whole
//! after a power cut; the time in which we were [`awake`]; and what `/proc` says of processes ([`procfs`]).

pub mod awake;
pub mod files;
pub mod procfs;
pub mod tasks;
