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
    fn a_full_disk_is_known_at_any_depth() {
        assert!(is_disk_full(&Outer(ErrorKind::StorageFull.into())));
        assert!(is_disk_full(&io::Error::from(ErrorKind::QuotaExceeded)));
        assert!(!is_disk_full(&Outer(ErrorKind::NotFound.into())));
    }
}
