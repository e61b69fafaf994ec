//! How an error is logged: its whole chain, each link once. And whether it means that a disk is full.

use std::error::Error;
use std::io::{self, ErrorKind};

/// Whether a full disk, or a quota, is at the bottom of this.
#[must_use]
pub fn is_disk_full(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        {
            return true;
        }
        next = error.source();
    }
    false
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
}

/// `EMFILE`, `ENFILE` and `ENOMEM` of errno(3), the same on every Linux.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];
const NO_MEMORY: i32 = 12;

impl Lack {
    /// Its word in labels and sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Processes => "processes",
            Self::Memory => "memory",
        }
    }
}

/// Whether at the bottom of this something is used up that others will give back. `EAGAIN` means that only where a
/// process was to be started, and is not known here.
#[must_use]
pub fn lack_of(error: &(dyn Error + 'static)) -> Option<Lack> {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        match io.and_then(io::Error::raw_os_error) {
            Some(code) if NO_DESCRIPTORS.contains(&code) => return Some(Lack::Descriptors),
            Some(NO_MEMORY) => return Some(Lack::Memory),
            _ => {}
        }
        // What such an error was made of is not its source, but has one.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
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
        assert!(is_disk_full(&io::Error::from(ErrorKind::QuotaExceeded)));
        assert!(!is_disk_full(&Outer(ErrorKind::NotFound.into())));
    }
}
