//! [`Holds`]: which caller of the API answers a session's request for a passkey. Pure but for its lock: the time comes in,
//! in milliseconds since the epoch.
//!
//! Owns one rule: **of one linking only one caller asks.** Whoever has asked what is to be signed holds it, through every
//! new request of the same linking, until the last one that they asked for is no longer good; meanwhile nobody else may
//! ask, answer or confirm. The page for the account's owner takes no hold and is never locked out.

use std::collections::HashMap;

use colmeia::UserId;
use colmeia::passkey::Request;
use parking_lot::{Mutex, MutexGuard};

use colmeia_host::shares::Holder;

/// All of them.
#[derive(Default)]
pub(in super::super) struct Holds(Mutex<HashMap<UserId, Hold>>);

struct Hold {
    by: Holder,
    /// When the linking began.
    since_ms: u64,
    /// How long the last request is good that was asked for.
    until_ms: u64,
}

/// Another caller holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held;

impl Holds {
    /// Somebody wants to know what is to be signed, or has signed it. Whether this request is news to them.
    ///
    /// # Errors
    /// [`Held`] by another caller.
    pub(super) fn ask(&self, user: &UserId, by: &Holder, request: &Request, now: u64) -> Result<bool, Held> {
        let mut holds = self.holds();
        holds.retain(|_, hold| hold.until_ms > now);
        let hold = holds.get(user).filter(|hold| hold.since_ms == request.since_ms);
        if hold.is_some_and(|hold| hold.by != *by) {
            return Err(Held);
        }
        let news = hold.is_none_or(|hold| hold.until_ms != request.until_ms);
        let own = Hold { by: by.clone(), since_ms: request.since_ms, until_ms: request.until_ms };
        holds.insert(user.clone(), own);
        Ok(news)
    }

    /// Somebody wants to see the code, or has compared it.
    ///
    /// # Errors
    /// [`Held`] by another caller.
    pub(super) fn compare(&self, user: &UserId, by: &Holder, now: u64) -> Result<(), Held> {
        let holds = self.holds();
        let hold = holds.get(user).filter(|hold| hold.until_ms > now);
        if hold.is_some_and(|hold| hold.by != *by) { Err(Held) } else { Ok(()) }
    }

    /// The account's owner has signed on the page: the code is whoever's.
    pub(super) fn end(&self, user: &UserId) {
        self.holds().remove(user);
    }

    /// A panic while the lock was held leaves holds, and each of them ends.
    fn holds(&self) -> MutexGuard<'_, HashMap<UserId, Hold>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(since_ms: u64, until_ms: u64) -> Request {
        colmeia_session::request("AAAA", since_ms, until_ms)
    }

    #[test]
    fn one_caller_asks_for_one_linking() {
        let (holds, user) = (Holds::default(), "1".parse().expect("valid"));
        let (one, two) = (Holder::Key([1; 32]), Holder::Key([2; 32]));
        assert_eq!(holds.ask(&user, &one, &request(10, 600), 20), Ok(true));
        assert_eq!(holds.ask(&user, &one, &request(10, 600), 30), Ok(false), "the same again");
        assert_eq!(holds.ask(&user, &two, &request(10, 600), 30), Err(Held));
        assert_eq!(holds.compare(&user, &two, 30), Err(Held));
        assert_eq!(holds.compare(&user, &one, 30), Ok(()));
        // An answer that was not accepted leads to a new request of the same linking.
        assert_eq!(holds.ask(&user, &two, &request(10, 800), 300), Err(Held));
        assert_eq!(holds.ask(&user, &one, &request(10, 800), 300), Ok(true));
        let other = "2".parse().expect("valid");
        assert_eq!(holds.ask(&other, &two, &request(10, 600), 30), Ok(true), "another session's is its own");
    }

    #[test]
    fn a_hold_ends_with_its_linking_with_its_request_and_with_an_answer_on_the_page() {
        let (holds, user) = (Holds::default(), "1".parse().expect("valid"));
        let (one, two) = (Holder::Key([1; 32]), Holder::Here);
        assert_eq!(holds.ask(&user, &one, &request(10, 600), 20), Ok(true));
        assert_eq!(holds.ask(&user, &two, &request(50, 700), 60), Ok(true), "a phone has scanned anew");
        assert_eq!(
            holds.ask(&user, &one, &request(50, 900), 700),
            Ok(true),
            "nobody took the new one in time"
        );
        assert_eq!(holds.compare(&user, &two, 899), Err(Held));
        holds.end(&user);
        assert_eq!(holds.compare(&user, &two, 899), Ok(()));
    }
}
