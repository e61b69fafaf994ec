//! How an error is logged: its whole chain, each link once. And whether it means that a disk is full.

use std::error::Error;
use std::io::{self, ErrorKind};

/// Whether a full disk, or a quota, is at the bottom of this.
#[must_use]
pub fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    let full = |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    io_errors(error).any(full)
}

/// What the machine has none left of just now. It passes, as a full disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Open files: of this process, or of the whole machine.
    Descriptors,
    /// Processes and threads.
    Processes,
    /// Memory for the kernel.
    Memory,
    /// Local ports for outgoing connections to one place.
    Ports,
}

/// `EMFILE`, `ENFILE`, `ENOMEM` and `ENOBUFS` of errno(3), the same on every Linux.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];
const NO_MEMORY: [i32; 2] = [12, 105];

impl Lack {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Descriptors, Self::Processes, Self::Memory, Self::Ports];

    /// Its word in labels and sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Processes => "processes",
            Self::Memory => "memory",
            Self::Ports => "ports",
        }
    }

    /// Whether a worker cannot be started without it.
    #[must_use]
    pub fn stops_starts(self) -> bool {
        self != Self::Ports
    }
}

/// Whether at the bottom of this something is used up that others will give back. `EAGAIN` means that only where a
/// process was to be started, and `EADDRNOTAVAIL` the ports only where nothing is wrong with the address; neither is known here.
#[must_use]
pub fn lack_of(error: &(dyn Error + 'static)) -> Option<Lack> {
    os_codes(error).find_map(|code| match code {
        code if NO_DESCRIPTORS.contains(&code) => Some(Lack::Descriptors),
        code if NO_MEMORY.contains(&code) => Some(Lack::Memory),
        _ => None,
    })
}

/// What the system said, at any depth of this.
pub fn os_codes(error: &(dyn Error + 'static)) -> impl Iterator<Item = i32> {
    io_errors(error).filter_map(io::Error::raw_os_error)
}

fn io_errors<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a io::Error> {
    std::iter::successors(Some(error), below).filter_map(|error| error.downcast_ref())
}

/// What this was made of is not its source, but has one.
fn below<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let error: &'a (dyn Error + 'static) = *error;
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// `outer: cause: cause of the cause`. An error's own `Display` never repeats its source, so nothing stands in
/// it twice.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write it down")]
    struct Outer(#[source] io::Error);

    #[test]
    fn what_is_used_up_is_known_at_any_depth_and_a_busy_socket_is_no_lack() {
        for (code, lack) in [
            (24, Some(Lack::Descriptors)),
            (23, Some(Lack::Descriptors)),
            (12, Some(Lack::Memory)),
            (105, Some(Lack::Memory)),
            (99, None),
            (11, None),
            (2, None),
        ] {
            let error = || Outer(io::Error::from_raw_os_error(code));
            assert_eq!(lack_of(&error()), lack, "{code}");
            assert_eq!(lack_of(&Outer(io::Error::other(error()))), lack, "{code}");
        }
    }

    #[test]
    fn a_full_disk_is_known_at_any_depth() {
        assert!(is_disk_full(&Outer(ErrorKind::StorageFull.into())));
        assert!(is_disk_full(&Outer(io::Error::other(Outer(ErrorKind::StorageFull.into())))));
        assert!(is_disk_full(&io::Error::from(ErrorKind::QuotaExceeded)));
        assert!(!is_disk_full(&Outer(ErrorKind::NotFound.into())));
    }
}
