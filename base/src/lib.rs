//! What both programs stand on, and nothing of what they do: [`tasks`], each with an owner; [`files`] that are whole
//! after a power cut; the time in which we were [`awake`]; and what `/proc` says of processes ([`procfs`]). Whoever measures
//! reads what [`timing!`] notes.

pub mod awake;
pub mod files;
pub mod procfs;
pub mod tasks;

/// Notes how long something took, in a line for who measures: it has the target `timing`. Fields may follow.
#[macro_export]
macro_rules! timing {
    ($what:literal, $begun:expr $(, $field:ident = $value:expr)*) => {
        ::tracing::trace!(
            target: "timing",
            $($field = $value,)*
            ms = $begun.elapsed().as_secs_f64() * 1000.0,
            $what
        )
    };
}
