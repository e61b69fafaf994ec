//! The send limit of each session: [`Pacing`] keeps a token bucket for each.
//!
//! A number that writes much faster than a person does is what WhatsApp bans. The limit is `sendsPerMinute` with `sendBurst`
//! at once of the session's own configuration, else the service's `sends_per_minute` and `send_burst`. A send that is refused
//! was not begun, and says when again; one of which nothing came costs nothing. Flask's `/send` has no word for "later" in its
//! contract and is not limited; what it sends is taken from the bucket, so that both ways together keep to the limit.

use std::collections::HashMap;
use std::time::Duration;

use colmeia::UserId;
use colmeia::config::{ServiceConfig, SessionLimits};
use colmeia_host::token_bucket::TokenBucket;
use parking_lot::Mutex;
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

/// A session sends faster than it may; nothing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session sends faster than its limit; again in {secs} s")]
pub struct TooSoon {
    /// In how many seconds, rounded up, it may.
    pub secs: u64,
}

impl Rate {
    /// Of a session with these limits of its own.
    pub fn of(config: &ServiceConfig, own: SessionLimits) -> Self {
        Self {
            burst: own.send_burst.unwrap_or(config.send_burst),
            per_minute: own.sends_per_minute.unwrap_or(config.sends_per_minute),
        }
    }

    fn at_once(self) -> f64 {
        f64::from(self.burst.max(1))
    }

    fn per_second(self) -> f64 {
        f64::from(self.per_minute) / 60.0
    }
}

/// The buckets of all sessions.
pub struct Pacing {
    born: Instant,
    buckets: Mutex<HashMap<UserId, (Rate, TokenBucket)>>,
}

impl Pacing {
    /// Nobody has sent anything.
    #[must_use]
    pub fn new() -> Self {
        Self { born: Instant::now(), buckets: Mutex::default() }
    }

    /// Does this work if the session may send now, and takes nothing where nothing came of it.
    ///
    /// # Errors
    /// When it may send again; the work was not begun then.
    pub async fn once<T, E>(
        &self,
        user: &UserId,
        rate: Rate,
        undone: impl FnOnce(&E) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, TooSoon> {
        self.take(user, rate)?;
        Ok(self.judged(user, rate, undone, work.await))
    }

    /// The same for work that cannot wait. A debt is never larger than the burst.
    pub async fn in_any_case<T, E>(
        &self,
        user: &UserId,
        rate: Rate,
        undone: impl FnOnce(&E) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.change(user, rate, |bucket, now| {
            bucket.spend(1.0, now);
            bucket.owe_at_most(rate.at_once());
        });
        self.judged(user, rate, undone, work.await)
    }

    fn judged<T, E>(
        &self,
        user: &UserId,
        rate: Rate,
        undone: impl FnOnce(&E) -> bool,
        done: Result<T, E>,
    ) -> Result<T, E> {
        if done.as_ref().is_err_and(undone) {
            self.change(user, rate, |bucket, now| bucket.give_back(1.0, now));
        }
        done
    }

    fn take(&self, user: &UserId, rate: Rate) -> Result<(), TooSoon> {
        let taken = self.change(user, rate, TokenBucket::one).unwrap_or(Ok(()));
        taken.map_err(|wait| TooSoon { secs: (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1) })
    }

    /// Nothing where there is no limit.
    fn change<T>(
        &self,
        user: &UserId,
        rate: Rate,
        change: impl FnOnce(&mut TokenBucket, Duration) -> T,
    ) -> Option<T> {
        let now = self.born.elapsed();
        let mut buckets = self.buckets.lock();
        if rate.per_minute == 0 {
            buckets.remove(user);
            return None;
        }
        if buckets.len() >= MANY {
            buckets.retain(|_, (_, bucket)| !bucket.is_full(now));
        }
        let full = || (rate, TokenBucket::full(rate.at_once(), rate.per_second(), now));
        let (known, bucket) = buckets.entry(user.clone()).or_insert_with(full);
        if *known != rate {
            bucket.change(rate.at_once(), rate.per_second(), now);
            *known = rate;
        }
        Some(change(bucket, now))
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, per_minute: 60 };

    fn user(n: usize) -> UserId {
        n.to_string().parse().expect("a number is an id")
    }

    /// A send that ends so.
    async fn sent(pacing: &Pacing, rate: Rate, end: Result<(), &str>) -> Result<bool, u64> {
        let undone = |error: &&str| *error == "nothing was done";
        let done = pacing.once(&user(1), rate, undone, async { end }).await;
        done.map(|done| done.is_ok()).map_err(|soon| soon.secs)
    }

    #[tokio::test(start_paused = true)]
    async fn each_session_has_the_burst_and_then_the_rate() {
        let pacing = Pacing::new();
        for user in [user(1), user(2)] {
            assert!((0..3).all(|_| pacing.take(&user, RATE).is_ok()));
            assert_eq!(pacing.take(&user, RATE), Err(TooSoon { secs: 2 }), "a second and a little more");
        }
        tokio::time::advance(Duration::from_millis(1_001)).await;
        assert!(pacing.take(&user(1), RATE).is_ok());
        assert!(pacing.take(&user(1), RATE).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_have_been_done_counts() {
        let pacing = Pacing::new();
        for _ in 0..10 {
            assert_eq!(sent(&pacing, RATE, Err("nothing was done")).await, Ok(false));
        }
        assert_eq!(sent(&pacing, RATE, Err("nobody knows")).await, Ok(false));
        assert_eq!(sent(&pacing, RATE, Ok(())).await, Ok(true));
        assert_eq!(sent(&pacing, RATE, Ok(())).await, Ok(true));
        assert_eq!(sent(&pacing, RATE, Ok(())).await, Err(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_refused_owes_no_more_than_the_burst() {
        let pacing = Pacing::new();
        let send = async |end: Result<(), &str>| {
            pacing.in_any_case(&user(1), RATE, |error| *error == "undone", async { end }).await.is_ok()
        };
        for _ in 0..100 {
            assert!(send(Ok(())).await);
        }
        assert_eq!(pacing.take(&user(1), RATE), Err(TooSoon { secs: 5 }), "it owes three");
        assert!(!send(Err("undone")).await);
        assert_eq!(pacing.take(&user(1), RATE), Err(TooSoon { secs: 4 }), "what was not sent is no debt");
    }

    #[tokio::test(start_paused = true)]
    async fn another_limit_holds_at_once_and_what_was_sent_counts() {
        let (pacing, config) = (Pacing::new(), ServiceConfig::default());
        assert_eq!(Rate::of(&config, SessionLimits::default()), Rate { burst: 20, per_minute: 30 });
        let own = |burst, per_minute| {
            let limits = SessionLimits {
                send_burst: Some(burst),
                sends_per_minute: Some(per_minute),
                ..SessionLimits::default()
            };
            Rate::of(&config, limits)
        };
        for _ in 0..2 {
            assert_eq!(sent(&pacing, own(2, 60), Ok(())).await, Ok(true));
        }
        assert_eq!(sent(&pacing, own(2, 60), Ok(())).await, Err(2));
        assert_eq!(sent(&pacing, own(3, 60), Ok(())).await, Ok(true), "one more than before");
        assert_eq!(sent(&pacing, own(3, 6), Ok(())).await, Err(11), "ten seconds and a little more");
        assert_eq!(sent(&pacing, own(1, 0), Ok(())).await, Ok(true), "no limit");
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_owe_nothing_are_forgotten() {
        let pacing = Pacing::new();
        (0..MANY).for_each(|n| pacing.take(&user(n), RATE).expect("the first"));
        tokio::time::advance(Duration::from_secs(2)).await;
        pacing.take(&user(MANY), RATE).expect("the first");
        assert_eq!(pacing.buckets.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_everything_passes_and_nothing_is_kept() {
        let (pacing, rate) = (Pacing::new(), Rate { burst: 1, per_minute: 0 });
        assert!((0..1_000).all(|_| pacing.take(&user(1), rate).is_ok()));
        assert!(pacing.buckets.lock().is_empty());
    }
}
