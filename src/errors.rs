//! How an error is logged: its whole chain, each link once.

use std::error::Error;

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
