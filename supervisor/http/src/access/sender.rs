//! [`Sender`]: where a request came from, and [`Who`] that is in the operator's log.
//!
//! Owns how callers are named there: a key by its id, or its place in `api_keys`, never by its text; and the address.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::Extensions;
use axum::http::request::Parts;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use super::super::visitors::Digest;
use super::{Access, Basis, Peer};

/// Where a request came from, as the guard has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Sender {
    key: Option<Digest>,
    visit: Option<Digest>,
    from: Option<IpAddr>,
}

/// A caller as the log names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Who {
    key: Option<Named>,
    from: Option<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// A key that was made while running, by its id.
    Made(String),
    /// One of `api_keys`, by its place.
    Configured(usize),
}

impl Sender {
    /// Of a request that has passed the guard.
    pub(in super::super) fn of(extensions: &Extensions) -> Self {
        let (key, visit) = match extensions.get() {
            Some(Basis::Key(digest, _)) => (Some(*digest), None),
            Some(Basis::Visit(digest)) => (None, Some(*digest)),
            Some(Basis::NoKeys) | None => (None, None),
        };
        Self { key, visit, from: extensions.get::<Peer>().map(|peer| peer.caller()) }
    }
}

impl<S: Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

impl Access {
    /// The name of whoever sent a request.
    pub(in super::super) fn who(&self, sender: Sender) -> Who {
        let visits = sender.visit.and_then(|visit| self.visitors.key(&visit, Instant::now()));
        let key = sender.key.or(visits).and_then(|digest| self.name(&digest));
        Who { key, from: sender.from }
    }

    fn name(&self, digest: &Digest) -> Option<Named> {
        let is = |key: &Digest| bool::from(digest.ct_eq(key));
        let made = || self.store.keys().iter().find(|key| is(&key.digest)).map(|key| key.id.clone());
        let place = self.keys.iter().position(is).map(Named::Configured);
        place.or_else(|| made().map(Named::Made))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(Named::Made(id)) => f.write_str(id)?,
            Some(Named::Configured(place)) => write!(f, "api_keys[{place}]")?,
            None => f.write_str("no key")?,
        }
        match self.from {
            Some(from) => write!(f, ", from {from}"),
            None => Ok(()),
        }
    }
}
