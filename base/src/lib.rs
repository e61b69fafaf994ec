//! What both programs stand on, and nothing of what they do: [`tasks`], each with an owner; [`files`] that are whole
//! after a power cut; and the time in which we were [`awake`].

pub mod awake;
pub mod files;
pub mod tasks;
