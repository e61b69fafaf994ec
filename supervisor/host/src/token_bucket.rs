//! A token bucket: it fills with time and is emptied by what is taken. Pure: each call has its time, since any beginning.
//!
//! What may be taken is for its holder to say. It never sleeps, and no clock that stands or goes back fills it.

use std::time::Duration;

/// What is left of an allowance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBucket {
    most: f64,
    per_second: f64,
    /// Below zero when more was spent than was there.
    left: f64,
    /// When that was true.
    at: Duration,
}

impl TokenBucket {
    /// With nothing taken yet: so much at most, and so much more each second.
    #[must_use]
    pub fn full(most: f64, per_second: f64, at: Duration) -> Self {
        Self { most, per_second, left: most, at }
    }

    /// Another allowance from now on. What was taken stays taken, and of a debt as much as the new one can owe.
    pub fn change(&mut self, most: f64, per_second: f64, at: Duration) {
        self.fill(at);
        let taken = self.most - self.left;
        *self = Self { most, per_second, left: (most - taken).max(-most), at: self.at };
    }

    /// Takes so much; `false` when that was more than there is, and then nothing is left.
    pub fn take(&mut self, amount: f64, at: Duration) -> bool {
        self.spend(amount, at);
        let enough = self.left >= 0.0;
        self.left = self.left.max(0.0);
        enough
    }

    /// Takes one if there is one.
    ///
    /// # Errors
    /// How long after this moment there is one; nothing was taken.
    pub fn one(&mut self, at: Duration) -> Result<(), Duration> {
        self.fill(at);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - self.left) / self.per_second.max(f64::EPSILON);
        // A little more, so that no rounding wakes anyone too early.
        Err(Duration::from_secs_f64(missing) + Duration::from_millis(1))
    }

    /// Takes so much, also what is not there yet: nothing is left until that has come in too.
    pub fn spend(&mut self, amount: f64, at: Duration) {
        self.fill(at);
        self.left -= amount;
    }

    /// What was spent beyond this much is forgotten.
    pub fn owe_at_most(&mut self, debt: f64) {
        self.left = self.left.max(-debt);
    }

    /// Gives so much back, as far as there is room.
    pub fn give_back(&mut self, amount: f64, at: Duration) {
        self.fill(at);
        self.left = (self.left + amount).min(self.most);
    }

    /// Whether there is one.
    pub fn has_left(&mut self, at: Duration) -> bool {
        self.fill(at);
        self.left >= 1.0
    }

    /// Whether nothing is missing: it is as good as a new one.
    #[must_use]
    pub fn is_full(mut self, at: Duration) -> bool {
        self.fill(at);
        self.left >= self.most
    }

    fn fill(&mut self, at: Duration) {
        let since = at.saturating_sub(self.at);
        self.at = self.at.max(at);
        self.left = (self.left + since.as_secs_f64() * self.per_second).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket() -> impl Strategy<Value = TokenBucket> {
        (1_u32..50, 1_u32..600).prop_map(|(most, per_minute)| {
            TokenBucket::full(most.into(), f64::from(per_minute) / 60.0, Duration::ZERO)
        })
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_flows_in(
            mut bucket in bucket(),
            gaps in prop::collection::vec(0_u64..5_000, 1..200),
        ) {
            let (mut now, mut taken) = (Duration::ZERO, 0.0);
            for gap in gaps {
                now += Duration::from_millis(gap);
                if bucket.one(now).is_ok() {
                    taken += 1.0;
                }
            }
            let most = bucket.most + now.as_secs_f64() * bucket.per_second;
            prop_assert!(taken <= most + 1e-6, "{taken} > {most}");
        }

        #[test]
        fn who_waits_as_told_gets_one(mut bucket in bucket(), spent in 0_u32..100) {
            for _ in 0..spent {
                bucket.spend(1.0, Duration::ZERO);
                bucket.owe_at_most(bucket.most);
            }
            let before = bucket;
            if let Err(wait) = bucket.one(Duration::ZERO) {
                prop_assert_eq!(bucket, before, "nothing was taken");
                prop_assert!(bucket.one(wait).is_ok());
                let longest = Duration::from_secs_f64((bucket.most + 1.0) / bucket.per_second);
                prop_assert!(wait <= longest + Duration::from_millis(2), "{wait:?}");
            }
        }

        #[test]
        fn a_clock_that_goes_back_gives_nothing(mut bucket in bucket(), at in 0_u64..10_000, back in 0_u64..10_000) {
            bucket.spend(1.0, Duration::from_millis(at));
            let left = bucket.left;
            bucket.spend(0.0, Duration::from_millis(at.saturating_sub(back)));
            prop_assert!(bucket.left <= left);
        }

        #[test]
        fn what_was_given_back_is_as_if_it_was_never_taken(mut bucket in bucket(), at in 0_u64..10_000) {
            let at = Duration::from_millis(at);
            prop_assert!(bucket.one(at).is_ok());
            prop_assert!(!bucket.is_full(at));
            bucket.give_back(1.0, at);
            prop_assert!(bucket.is_full(at));
            bucket.give_back(1.0, at);
            prop_assert!(bucket.left <= bucket.most);
        }
    }

    #[test]
    fn what_is_spent_in_large_pieces_keeps_to_the_rate() {
        let (mut bucket, mut spent) = (TokenBucket::full(256.0, 16.0, Duration::ZERO), 0.0);
        for ms in 0..60_000 {
            let at = Duration::from_millis(ms);
            if bucket.has_left(at) {
                bucket.spend(400.0, at);
                spent += 400.0;
            }
        }
        assert!((1_200.0..=256.0 + 60.0 * 16.0 + 400.0).contains(&spent), "{spent}");
    }

    #[test]
    fn another_allowance_gives_nothing_back() {
        let mut bucket = TokenBucket::full(10.0, 1.0, Duration::ZERO);
        bucket.spend(8.0, Duration::ZERO);
        bucket.change(20.0, 2.0, Duration::ZERO);
        assert_eq!((bucket.left, bucket.most), (12.0, 20.0));
        bucket.change(3.0, 1.0, Duration::ZERO);
        assert_eq!(bucket.left, -3.0, "it owes no more than it may");
        assert!(bucket.one(Duration::from_secs(4)).is_ok(), "at the new pace");
    }

    #[test]
    fn too_much_at_once_empties_it() {
        let mut bucket = TokenBucket::full(3.0, 1.0, Duration::ZERO);
        assert!(bucket.take(2.0, Duration::ZERO));
        assert!(!bucket.take(2.0, Duration::ZERO));
        assert!(!bucket.has_left(Duration::ZERO));
        assert!(bucket.take(1.0, Duration::from_secs(1)), "no debt is left");
    }
}
