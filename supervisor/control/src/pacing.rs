//! The send limit of each session: [`Pacing`] keeps a token bucket for each.
//!
//! A number that writes much faster than a person does is what WhatsApp bans. The limit is the service's
//! `sends_per_minute` with `send_burst` at once; a send that is refused was not begun, and says when again. Flask's
//! `/send` has no word for "later" in its contract and is not limited; what it sends is taken from the bucket, so
//! that both ways together keep to the limit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use colmeia::UserId;
use colmeia_host::token_bucket::TokenBucket;
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

impl Rate {
    fn at_once(self) -> f64 {
        f64::from(self.burst.max(1))
    }

    fn bucket(self, now: Duration) -> TokenBucket {
        TokenBucket::full(self.at_once(), f64::from(self.per_minute) / 60.0, now)
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
        match self.rate.per_minute {
            0 => Ok(()),
            _ => self.change(user, TokenBucket::one),
        }
    }

    /// Takes one in any case; a debt is never larger than the burst.
    pub fn spend(&self, user: &UserId) {
        self.change(user, |bucket, now| {
            bucket.spend(1.0, now);
            bucket.owe_at_most(self.rate.at_once());
        });
    }

    /// Gives one back: what it was taken for was not done.
    pub fn give_back(&self, user: &UserId) {
        self.change(user, |bucket, now| bucket.give_back(1.0, now));
    }

    fn change<T>(&self, user: &UserId, change: impl FnOnce(&mut TokenBucket, Duration) -> T) -> T {
        let now = self.born.elapsed();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MANY {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let bucket = buckets.entry(user.clone()).or_insert_with(|| self.rate.bucket(now));
        change(bucket, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: usize) -> UserId {
        n.to_string().parse().expect("a number is an id")
    }

    #[tokio::test(start_paused = true)]
    async fn each_session_has_the_burst_and_then_the_rate() {
        let pacing = Pacing::new(Rate { burst: 3, per_minute: 60 });
        for user in [user(1), user(2)] {
            assert!((0..3).all(|_| pacing.take(&user).is_ok()));
            let wait = pacing.take(&user).expect_err("the burst is over");
            assert!((Duration::from_millis(900)..=Duration::from_millis(1_001)).contains(&wait), "{wait:?}");
        }
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert!(pacing.take(&user(1)).is_ok());
        assert!(pacing.take(&user(1)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_refused_owes_no_more_than_the_burst() {
        let pacing = Pacing::new(Rate { burst: 3, per_minute: 60 });
        (0..100).for_each(|_| pacing.spend(&user(1)));
        let wait = pacing.take(&user(1)).expect_err("it owes three");
        assert!((Duration::from_secs(4)..Duration::from_millis(4_100)).contains(&wait), "{wait:?}");
        pacing.give_back(&user(1));
        assert!(pacing.take(&user(1)).expect_err("it owes two") < wait);
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_owe_nothing_are_forgotten() {
        let pacing = Pacing::new(Rate { burst: 3, per_minute: 60 });
        (0..MANY).for_each(|n| pacing.take(&user(n)).expect("the first"));
        tokio::time::advance(Duration::from_secs(2)).await;
        pacing.take(&user(MANY)).expect("the first");
        assert_eq!(pacing.buckets.lock().expect("nobody panicked").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_everything_passes() {
        let pacing = Pacing::new(Rate { burst: 1, per_minute: 0 });
        assert!((0..1_000).all(|_| pacing.take(&user(1)).is_ok()));
    }
}
