//! The send limit of each session: a token bucket. [`TokenBucket::take`] is pure; [`Pacing`] keeps one bucket per session.
//!
//! A number that writes much faster than a person does is what WhatsApp bans. The limit is the service's
//! `sends_per_minute` with `send_burst` at once; a send that is refused was not begun, and says when again. Flask's
//! `/send` has no word for "later" in its contract and is not limited; what it sends is taken from the bucket, so
//! that both ways together keep to the limit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use colmeia::UserId;
use tokio::time::Instant;

/// How many sessions' buckets are kept before full ones are forgotten.
const MANY: usize = 1024;

/// How fast a session may send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many at once; at least 1.
    pub burst: u32,
    /// How many in a minute, in the long run; 0 means no limit.
    pub per_minute: u32,
}

/// What is left of a session's allowance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBucket {
    /// Below zero when more was taken than was there.
    tokens: f64,
    /// When that was true, since any beginning.
    at: Duration,
}

impl TokenBucket {
    /// A full one.
    pub fn full(rate: Rate, now: Duration) -> Self {
        Self { tokens: f64::from(rate.burst.max(1)), at: now }
    }

    /// What it holds after what has flowed in until `now`.
    fn filled(self, rate: Rate, now: Duration) -> Self {
        let flowed = now.saturating_sub(self.at).as_secs_f64() * f64::from(rate.per_minute) / 60.0;
        Self { tokens: (self.tokens + flowed).min(f64::from(rate.burst.max(1))), at: now.max(self.at) }
    }

    /// Takes one token, or says in how long there will be one.
    ///
    /// # Errors
    /// The time until there is one; nothing was taken.
    pub fn take(self, rate: Rate, now: Duration) -> Result<Self, (Self, Duration)> {
        let filled = self.filled(rate, now);
        if rate.per_minute == 0 || filled.tokens >= 1.0 {
            return Ok(filled.spend(rate));
        }
        let wait = (1.0 - filled.tokens) * 60.0 / f64::from(rate.per_minute);
        Err((filled, Duration::from_secs_f64(wait.max(0.001))))
    }

    /// Takes one token whether or not there is one; a debt is never larger than the burst.
    pub fn spend(self, rate: Rate) -> Self {
        Self { tokens: (self.tokens - 1.0).max(-f64::from(rate.burst.max(1))), ..self }
    }

    /// One more, as far as there is room.
    fn gain(self, rate: Rate) -> Self {
        Self { tokens: (self.tokens + 1.0).min(f64::from(rate.burst.max(1))), ..self }
    }

    fn is_full(self, rate: Rate, now: Duration) -> bool {
        self.filled(rate, now).tokens >= f64::from(rate.burst.max(1))
    }
}

/// The buckets of all sessions.
pub struct Pacing {
    rate: Rate,
    born: Instant,
    buckets: Mutex<HashMap<UserId, TokenBucket>>,
}

impl Pacing {
    /// Of sessions that may send so fast.
    pub fn new(rate: Rate) -> Self {
        Self { rate, born: Instant::now(), buckets: Mutex::default() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// In how long there is one.
    pub fn take(&self, user: &UserId) -> Result<(), Duration> {
        self.change(user, |bucket, now| match bucket.take(self.rate, now) {
            Ok(left) => (left, Ok(())),
            Err((left, wait)) => (left, Err(wait)),
        })
    }

    /// Takes one in any case.
    pub fn spend(&self, user: &UserId) {
        self.change(user, |bucket, now| (bucket.filled(self.rate, now).spend(self.rate), ()));
    }

    /// Gives one back: what it was taken for was not done.
    pub fn give_back(&self, user: &UserId) {
        self.change(user, |bucket, now| (bucket.filled(self.rate, now).gain(self.rate), ()));
    }

    fn change<T>(&self, user: &UserId, change: impl FnOnce(TokenBucket, Duration) -> (TokenBucket, T)) -> T {
        let now = self.born.elapsed();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| !bucket.is_full(self.rate, now));
        }
        let bucket = buckets.get(user).copied().unwrap_or_else(|| TokenBucket::full(self.rate, now));
        let (left, answer) = change(bucket, now);
        buckets.insert(user.clone(), left);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate() -> impl Strategy<Value = Rate> {
        (1_u32..50, 1_u32..600).prop_map(|(burst, per_minute)| Rate { burst, per_minute })
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_what_flows_in(
            rate in rate(),
            gaps in prop::collection::vec(0_u64..5_000, 1..200),
        ) {
            let mut bucket = TokenBucket::full(rate, Duration::ZERO);
            let (mut now, mut sent) = (Duration::ZERO, 0_u32);
            for gap in gaps {
                now += Duration::from_millis(gap);
                match bucket.take(rate, now) {
                    Ok(left) => { bucket = left; sent += 1; }
                    Err((left, _)) => bucket = left,
                }
            }
            let most = f64::from(rate.burst) + now.as_secs_f64() * f64::from(rate.per_minute) / 60.0;
            prop_assert!(f64::from(sent) <= most + 1e-6, "{sent} > {most}");
        }

        #[test]
        fn who_waits_as_told_gets_one(rate in rate(), sends in 0_u32..100) {
            let mut bucket = TokenBucket::full(rate, Duration::ZERO);
            for _ in 0..sends {
                bucket = bucket.spend(rate);
            }
            if let Err((left, wait)) = bucket.take(rate, Duration::ZERO) {
                prop_assert!(left.take(rate, wait + Duration::from_millis(1)).is_ok());
                prop_assert!(wait <= Duration::from_secs_f64(60.0 * f64::from(rate.burst + 1) / f64::from(rate.per_minute)) + Duration::from_millis(2));
            }
        }

        #[test]
        fn a_clock_that_goes_back_gives_nothing(rate in rate(), at in 0_u64..10_000, back in 0_u64..10_000) {
            let bucket = TokenBucket::full(rate, Duration::from_millis(at)).spend(rate);
            let earlier = Duration::from_millis(at.saturating_sub(back));
            prop_assert!(bucket.filled(rate, earlier).tokens <= bucket.tokens);
        }
    }

    #[test]
    fn without_a_limit_everything_passes() {
        let rate = Rate { burst: 1, per_minute: 0 };
        let mut bucket = TokenBucket::full(rate, Duration::ZERO);
        for _ in 0..1000 {
            bucket = bucket.take(rate, Duration::ZERO).expect("no limit");
        }
    }
}
