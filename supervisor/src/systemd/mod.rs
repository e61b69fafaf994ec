//! What is said to the service manager, and how it sees that we live. Without one nothing here does anything.
//!
//! Owns the messages of sd_notify(3). The port that systemd opened is received in `upgrade::handover`, with what an
//! earlier image of this program passes on.

mod pulse;

use sd_notify::NotifyState;

pub(crate) use pulse::beat;

/// Serving: the port is open, and living workers are adopted.
pub(crate) fn ready() {
    say(&[NotifyState::Ready]);
}

/// The end has been asked for.
pub(crate) fn stopping() {
    say(&[NotifyState::Stopping, NotifyState::Status("ending: workers are stopped")]);
}

/// The program is about to be replaced; [`ready`] follows, from the new image or, if it cannot be used, from us.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the clock cannot be read"),
    }
}

fn say(what: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
