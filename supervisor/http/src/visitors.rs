//! [`Visitors`]: people at a browser. A cookie says which visit a request belongs to; who has signed in with which
//! key is kept here and nowhere else; and every changing form carries a token that only our own pages know.
//!
//! Owns the visits that have signed in: bounded in number and life, and gone with the process. **No key is ever in a
//! cookie**, nor kept here: only its digest, so that a key that is taken away ends its visits too.
//!
//! A visit's name is random, so it cannot be guessed; the cookie is `HttpOnly` and `SameSite=Strict`, so neither a
//! script nor another site's page can use it. The token is the visit's name under a secret of this process: another
//! site can make a browser post a form, but cannot read the token that has to be in it.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use hmac::{Hmac, Mac as _};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{cookies, external};

/// How long a visit stays signed in: a working day.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// The most visits that are signed in at once; the oldest makes room.
const MOST: usize = 1_000;
/// The cookie's name. Ports share cookies, so it says whose it is.
const NAME: &str = "colmeia_visit";

/// What keys are compared by.
pub(super) type Digest = [u8; 32];

/// All of them.
pub(super) struct Visitors {
    secret: [u8; 32],
    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    signed_in: Mutex<HashMap<Digest, SignedIn>>,
    /// Told when one has ended before its time.
    ended: watch::Sender<()>,
}

struct SignedIn {
    key: Digest,
    until: Instant,
}

/// A visit's name: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Visit(String);

impl Visit {
    fn new() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()))
    }

    /// The visit that a request belongs to, if its cookie names one.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let cookie = cookies::value(headers, NAME)?;
        let name = cookie.value();
        let well_made = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        well_made.then(|| Self(name.into()))
    }

    /// The same, or a new one with the cookie to be set.
    pub(super) fn of_or_new(headers: &HeaderMap) -> (Self, Option<HeaderValue>) {
        match Self::of(headers) {
            Some(visit) => (visit, None),
            None => {
                let visit = Self::new();
                let cookie = visit.cookie(headers, None);
                (visit, Some(cookie))
            }
        }
    }

    /// Over TLS, which ends before us, the cookie is for TLS only.
    fn cookie(&self, headers: &HeaderMap, life: Option<Duration>) -> HeaderValue {
        let cookie = cookies::of(NAME, &self.0, external::cookie_path(headers)).http_only(true);
        let cookie = if external::is_tls(headers) { cookie.secure(true) } else { cookie };
        cookies::set(&match life {
            Some(life) => cookie.max_age(life.try_into().unwrap_or_default()),
            None => cookie,
        })
    }

    /// By what it is known here.
    pub(super) fn digest(&self) -> Digest {
        Sha256::digest(&self.0).into()
    }
}

impl Visitors {
    pub(super) fn new() -> Self {
        Self { secret: rand::random(), signed_in: Mutex::default(), ended: watch::Sender::new(()) }
    }

    /// Signs someone in who has shown this key. The visit gets a new name, so that one that was planted beforehand
    /// is worth nothing; the cookie says it.
    pub(super) fn sign_in(&self, key: Digest, headers: &HeaderMap, now: Instant) -> HeaderValue {
        let mut signed_in = self.signed_in.lock();
        signed_in.retain(|_, visit| visit.until > now);
        if signed_in.len() >= MOST
            && let Some(oldest) = signed_in.iter().min_by_key(|(_, visit)| visit.until).map(|(name, _)| *name)
        {
            signed_in.remove(&oldest);
            self.ended.send_replace(());
        }
        let visit = Visit::new();
        signed_in.insert(visit.digest(), SignedIn { key, until: now + LIFE });
        visit.cookie(headers, Some(LIFE))
    }

    /// Ends a visit; the cookie forgets it.
    pub(super) fn sign_out(&self, visit: &Visit, headers: &HeaderMap) -> HeaderValue {
        self.signed_in.lock().remove(&visit.digest());
        self.ended.send_replace(());
        visit.cookie(headers, Some(Duration::ZERO))
    }

    /// The digest of the key that this visit has signed in with.
    pub(super) fn key(&self, visit: &Digest, now: Instant) -> Option<Digest> {
        self.signed_in.lock().get(visit).filter(|visit| visit.until > now).map(|visit| visit.key)
    }

    /// When this visit ends by itself.
    pub(super) fn until(&self, visit: &Digest) -> Option<Instant> {
        self.signed_in.lock().get(visit).map(|visit| visit.until)
    }

    /// Sees each visit's end before its time.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.ended.subscribe()
    }

    /// What a form of this visit has to carry.
    pub(super) fn token(&self, visit: &Visit) -> String {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return String::new() };
        mac.update(visit.0.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// Whether a form came from one of our pages in this visit.
    pub(super) fn is_ours(&self, headers: &HeaderMap, token: &str) -> bool {
        let expected = Visit::of(headers).map(|visit| self.token(&visit));
        expected.is_some_and(|expected| {
            !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(token.as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    fn with(cookie: &HeaderValue) -> HeaderMap {
        let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
        let line = format!("other=1; {pair}; last=x");
        HeaderMap::from_iter([(COOKIE, line.parse().expect("value"))])
    }

    #[test]
    fn a_visit_is_signed_in_for_its_life_and_until_it_signs_out() {
        let (visitors, start) = (Visitors::new(), Instant::now());
        let none = HeaderMap::new();
        assert!(Visit::of(&none).is_none());
        let cookie = visitors.sign_in([7; 32], &none, start);
        let text = cookie.to_str().expect("text");
        assert!(
            ["HttpOnly", "SameSite=Strict", "Max-Age=43200", "Path=/"]
                .iter()
                .all(|part| text.split("; ").any(|found| found == *part))
                && !text.contains("Secure"),
            "{text}"
        );
        let visit = Visit::of(&with(&cookie)).expect("named");
        assert_eq!(visitors.key(&visit.digest(), start + LIFE - Duration::from_secs(1)), Some([7; 32]));
        assert_eq!(visitors.key(&visit.digest(), start + LIFE), None);
        assert_eq!(Visitors::new().key(&visit.digest(), start), None, "another process knows nobody");
        visitors.sign_out(&visit, &none);
        assert_eq!(visitors.key(&visit.digest(), start), None);
        let tls =
            HeaderMap::from_iter([("x-forwarded-proto".parse().expect("name"), "https".parse().expect("v"))]);
        assert!(visitors.sign_in([7; 32], &tls, start).to_str().expect("text").contains("; Secure"));
    }

    #[test]
    fn there_is_no_end_of_visitors_and_an_end_of_memory() {
        let (visitors, start) = (Visitors::new(), Instant::now());
        let none = HeaderMap::new();
        let first = visitors.sign_in([1; 32], &none, start);
        for n in 1..=MOST {
            visitors.sign_in([2; 32], &none, start + Duration::from_millis(n.try_into().expect("small")));
        }
        assert_eq!(visitors.signed_in.lock().len(), MOST);
        assert_eq!(
            visitors.key(&Visit::of(&with(&first)).expect("named").digest(), start),
            None,
            "the oldest made room"
        );
    }

    #[test]
    fn a_token_belongs_to_one_visit_of_one_process() {
        let visitors = Visitors::new();
        let (visit, cookie) = Visit::of_or_new(&HeaderMap::new());
        let headers = with(&cookie.expect("a new one"));
        let token = visitors.token(&visit);
        assert!(visitors.is_ours(&headers, &token));
        let (other, _) = Visit::of_or_new(&HeaderMap::new());
        for wrong in ["", "0", &visitors.token(&other), &Visitors::new().token(&visit)] {
            assert!(!visitors.is_ours(&headers, wrong), "{wrong}");
        }
        assert!(!visitors.is_ours(&HeaderMap::new(), &token), "without the cookie it is nobody's");
        assert!(Visit::of_or_new(&headers).1.is_none(), "a visit keeps its name");
        for made_up in ["colmeia_visit=short", "colmeia_visit=", "colmeia_visit=zz"] {
            let headers = HeaderMap::from_iter([(COOKIE, made_up.parse().expect("value"))]);
            assert!(Visit::of(&headers).is_none(), "{made_up}");
        }
    }
}
