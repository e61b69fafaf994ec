//! [`Pace`]: how much a worker may say. Pure: told of each frame with its time, it says when it was too much.
//!
//! Events are not its business: after an outage thousands come at once, and rightly so; they have bounds of their
//! own.

use std::time::Duration;

/// What a worker may say at once. A start brings a few dozen reports.
const BURST: f64 = 1_000.0;
/// What it may say each second from then on. A report follows a change or a probe, a pong a ping, a response a
/// request; together they were seen to stay below 30.
const PER_SECOND: f64 = 200.0;
/// The largest report or pong in bytes. What is in one is a code, a name and a number.
pub(super) const MAX_WORD: usize = 256 * 1024;

/// A bucket that fills with time and is emptied by frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    left: f64,
    at: Duration,
}

impl Pace {
    /// With a full bucket.
    pub(super) fn new() -> Self {
        Self { left: BURST, at: Duration::ZERO }
    }

    /// A frame came at this time after the connection's beginning; `false` when it was one too many.
    pub(super) fn keeps(&mut self, at: Duration) -> bool {
        let since = at.saturating_sub(self.at);
        self.at = self.at.max(at);
        self.left = (self.left + since.as_secs_f64() * PER_SECOND).min(BURST) - 1.0;
        self.left >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(frames: u32, every: Duration) -> bool {
        let mut pace = Pace::new();
        (0..frames).all(|n| pace.keeps(every * n))
    }

    #[test]
    fn a_busy_worker_may_go_on_for_ever_and_a_flood_may_not() {
        assert!(said(100_000, Duration::from_millis(10)));
        assert!(said(1_000, Duration::ZERO), "a start");
        assert!(!said(1_001, Duration::ZERO));
        assert!(!said(10_000, Duration::from_millis(1)));
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_gives_nothing() {
        let mut pace = Pace::new();
        assert!(pace.keeps(Duration::from_secs(5)));
        assert!((0..999).all(|_| pace.keeps(Duration::from_secs(1))));
        assert!(!pace.keeps(Duration::from_secs(5)));
    }
}
