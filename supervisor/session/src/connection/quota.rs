//! How much a worker may say: [`Pace`] for its words, [`Quota`] for its events. Pure: told of each with its time,
//! they say when it was too much.
//!
//! After an outage thousands of events come at once, and rightly so; but each of them goes to disk and stays there
//! for weeks. So a user has a large quota of them, which outlives the worker and grows slowly.

use std::time::Duration;

use colmeia_host::token_bucket::TokenBucket;

/// What a worker may say at once. A start brings a few dozen reports.
const BURST: f64 = 1_000.0;
/// What it may say each second from then on. A report follows a change or a probe, a pong a ping, a response a
/// request; together they were seen to stay below 30.
const PER_SECOND: f64 = 200.0;
/// The largest report or pong in bytes. What is in one is a code, a name and a number.
pub(super) const MAX_WORD: usize = 256 * 1024;

/// The events of one user that may come at once: several times what a busy phone gathers in two weeks offline, since
/// they come again after a connection was lost.
const EVENTS: f64 = 50_000.0;
/// How many more each second: 172,800 a day.
const EVENTS_PER_SECOND: f64 = 2.0;
/// Their bytes, in the same way. A message takes 500 to 1,000 bytes, the longest text 64 KiB.
const BYTES: f64 = 64.0 * 1024.0 * 1024.0;
/// How many more each second: 127 MiB a day, which is what a hostile worker can make the journal grow by.
const BYTES_PER_SECOND: f64 = 1_536.0;

/// What one connection may carry besides events and media.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace(TokenBucket);

impl Pace {
    /// With nothing said yet.
    pub(super) fn new() -> Self {
        Self(TokenBucket::full(BURST, PER_SECOND, Duration::ZERO))
    }

    /// A frame came at this time after the connection's beginning; `false` when it was one too many.
    pub(super) fn keeps(&mut self, at: Duration) -> bool {
        self.0.take(1.0, at)
    }
}

/// What one user's events may come to, over all its connections and workers.
///
/// An event that was not given to the disk comes again on the next connection and costs nothing then: a disk that
/// is full for long is no flood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    events: TokenBucket,
    bytes: TokenBucket,
    /// Paid for and not yet given to the disk.
    owed: Amount,
    /// How much of that may still come again on this connection.
    again: Amount,
}

/// Events and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    events: usize,
    bytes: usize,
}

impl Amount {
    fn add(&mut self, bytes: usize) {
        self.events = self.events.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn covers(self, bytes: usize) -> bool {
        self.events > 0 && self.bytes >= bytes
    }

    fn subtract(&mut self, bytes: usize) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl Quota {
    /// With nothing used up yet.
    pub(super) fn new() -> Self {
        Self {
            events: TokenBucket::full(EVENTS, EVENTS_PER_SECOND, Duration::ZERO),
            bytes: TokenBucket::full(BYTES, BYTES_PER_SECOND, Duration::ZERO),
            owed: Amount::default(),
            again: Amount::default(),
        }
    }

    /// A new connection begins.
    pub(super) fn connected(&mut self) {
        self.again = self.owed;
    }

    /// An event of this many bytes came at this time; `false` when it was one too many.
    pub(super) fn keeps(&mut self, bytes: usize, at: Duration) -> bool {
        if self.again.covers(bytes) {
            self.again.subtract(bytes);
            return true;
        }
        #[allow(clippy::cast_precision_loss, reason = "an event is far smaller than 2^52 bytes")]
        let size = bytes as f64;
        // Both are taken from in any case.
        let (number, size) = (self.events.take(1.0, at), self.bytes.take(size, at));
        if number && size {
            self.owed.add(bytes);
        }
        number && size
    }

    /// An event of this many bytes is given to the disk; whether that succeeds is not waited for.
    pub(super) fn spent(&mut self, bytes: usize) {
        self.owed.subtract(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    fn told(quota: &mut Quota, events: u32, bytes: usize, every: Duration) -> bool {
        (0..events).all(|n| quota.keeps(bytes, every * n))
    }

    #[test]
    fn a_long_offline_time_fits_twice_and_a_flood_does_not() {
        let mut quota = Quota::new();
        assert!(told(&mut quota, 20_000, 1_500, Duration::ZERO));
        assert!(!told(&mut quota, 30_001, 1, Duration::ZERO), "too many");
        assert!(!told(&mut Quota::new(), 5_000, 20_000, Duration::ZERO), "too large");
        assert!(
            told(&mut Quota::new(), 600_000, 700, Duration::from_millis(600)),
            "four days of a busy account"
        );
    }

    #[test]
    fn what_a_flood_leaves_behind_is_bounded_by_the_day() {
        let (mut quota, mut bytes) = (Quota::new(), 0_u64);
        let hour = Duration::from_secs(3_600);
        for n in 0..24 {
            // Each refusal ends a worker, and the next one begins to flood again.
            while quota.keeps(60_000, hour * n) {
                bytes += 60_000;
            }
        }
        assert!((64 << 20..200 << 20).contains(&bytes), "{bytes}");
    }

    #[test]
    fn what_the_disk_did_not_take_may_come_again_and_again() {
        let mut quota = Quota::new();
        for _ in 0..100 {
            quota.connected();
            assert!(told(&mut quota, 10_000, 700, Duration::ZERO));
        }
    }

    proptest! {
        /// However it mixes connections, sizes and the disk's moments, no worker gets more to the disk than it paid.
        #[test]
        fn no_connection_is_worth_anything(steps in prop::collection::vec((0_u8..3, 1_usize..1_000_000), 0..400)) {
            let (mut quota, mut waiting, mut written) = (Quota::new(), Vec::new(), 0_usize);
            for (step, bytes) in steps {
                match step {
                    0 => {
                        quota.connected();
                        waiting.clear();
                    }
                    1 => if quota.keeps(bytes, Duration::ZERO) {
                        waiting.push(bytes);
                    }
                    _ => for bytes in waiting.drain(..) {
                        quota.spent(bytes);
                        written += bytes;
                    }
                }
            }
            prop_assert!(written <= 64 << 20, "{written}");
        }
    }

    #[test]
    fn a_clock_that_stands_or_goes_back_gives_nothing() {
        let mut pace = Pace::new();
        assert!(pace.keeps(Duration::from_secs(5)));
        assert!((0..999).all(|_| pace.keeps(Duration::from_secs(1))));
        assert!(!pace.keeps(Duration::from_secs(5)));
    }
}
