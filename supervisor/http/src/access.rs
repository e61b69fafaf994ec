//! Who may call, and from where.
//!
//! | caller | Flask's routes, `/qr` | dashboard, `/metrics` | `/api`, `/ws` |
//! | --- | --- | --- | --- |
//! | same machine, while we listen on loopback | nothing | nothing, until there is a key | the same |
//! | an address in `trusted_networks` (the unmodified Flask) | nothing | the same | a key |
//! | a browser in which someone has signed in with a key without limits | its cookie ([`super::visitors`]) | the same | the same |
//! | anyone else | a key without limits | the same | a key; what it allows is checked per operation |
//!
//! A key is sent as `X-Api-Key` or `Authorization: Bearer`. It is one of the configuration's `api_keys`, which allow
//! everything, or one that was made while running, with its own limits ([`caller`]). For `/ws` it may also stand in
//! the address, as `x-api-key`: browsers cannot add a header there. **A key that is sent is checked**, everywhere: one
//! that is nobody's is refused, and never counts as none. What it opened ends with it ([`until`]).
//!
//! Who called is [`super::external`]'s word: behind a proxy that nobody trusts everybody is a stranger.
//!
//! Who needs no key may be a browser that a foreign page has talked into calling us. Two checks are against
//! that. **Rebinding**: such a page's name resolves to our address, so its `Host` is a public name, and we
//! answer only to addresses and to names that no stranger can own. **Cross-site requests** ([`site`]): browsers say where
//! a request comes from, and another site may at most link to a page of ours that changes nothing; what changes
//! something says the table of all routes ([`super::routes`]). What a request gets of it, [`guard`] says.
//!
//! `/health`, `/ready`, `/ping`, the description of the API and the way to sign in are open to everyone. Keys are
//! compared as digests in constant time and never logged. The decision itself is pure ([`decision`]).

mod attempts;
mod caller;
mod decision;
pub(crate) mod guard;
mod sender;
pub(crate) mod site;
mod until;

use std::net::{IpAddr, SocketAddr};

use axum::extract::Query;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use colmeia::config::{LocalAccess, ServiceConfig};
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::visitors::{Digest, Visit, Visitors};
use super::{external, negotiate};
use crate::effect::Effect;
use attempts::Attempts;
use colmeia_host::ssrf::{self, Marked};
use colmeia_store::Store;
use decision::{AccessDecision, AccessQuestion, CallerPlace, Shown, decide, is_operators};
use site::Site;

pub(crate) use caller::{Caller, KeyAction};
pub(super) use decision::{Refusal, Surface};
pub(super) use sender::{Sender, Who};
pub(super) use until::Basis;

/// The other end of a request's connection, and who called through it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    address: SocketAddr,
    client: Option<IpAddr>,
}

impl Peer {
    /// Before anybody knows more.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, client: None }
    }

    /// Who called, as well as it is known.
    pub(super) fn caller(self) -> IpAddr {
        self.client.unwrap_or(self.address.ip())
    }
}

/// In a request whose page is to ask before it changes anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskFirst;

/// The rules, ready to be applied.
pub(super) struct Access {
    on_loopback: bool,
    trusted: Vec<IpNet>,
    keys: Vec<Digest>,
    open: bool,
    /// Those that were made while running.
    store: Store,
    attempts: Attempts,
    pub(super) visitors: Visitors,
}

/// A request, as far as it counts here. Its headers are settled.
struct Asked<'a> {
    /// Who called, where that is known.
    client: Option<IpAddr>,
    /// Who is at the other end of the connection.
    peer: Option<IpAddr>,
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    effect: Effect,
}

/// A request that passes.
#[derive(Debug, PartialEq, Eq)]
enum Passed {
    /// As this caller's, for as long as its basis counts.
    As(Caller, Option<Basis>),
    /// As nobody's.
    Anyone,
    /// As a page that asks first.
    AskFirst,
}

impl Access {
    pub(super) fn new(local: SocketAddr, config: &ServiceConfig, store: Store) -> Self {
        Self {
            on_loopback: local.ip().is_loopback(),
            trusted: config.trusted_networks.clone(),
            keys: config.api_keys.iter().map(|key| colmeia_store::digest(key.expose().as_bytes())).collect(),
            open: config.local_access == LocalAccess::Open,
            store,
            attempts: Attempts::default(),
            visitors: Visitors::new(),
        }
    }

    /// Decides about a request.
    fn check(&self, asked: &Asked<'_>) -> Result<Passed, Refusal> {
        let Asked { client, method, uri, headers, effect, .. } = *asked;
        let found = self.key(asked);
        let shown = match &found {
            None => Shown::Nothing,
            Some(None) => Shown::Unknown,
            Some(Some((_, caller))) if caller.is_admin() => Shown::Unlimited,
            Some(Some(_)) => Shown::Limited,
        };
        let visit = match shown {
            Shown::Nothing => self.signed_in(headers),
            _ => None,
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let mark = ssrf::marked(headers);
        let question = AccessQuestion {
            surface: Surface::of(uri.path()),
            operators: is_operators(uri.path(), negotiate::wants_html(headers)),
            effect,
            head: *method == Method::HEAD,
            shown,
            signed_in: visit.is_some(),
            place: if mark == Marked::No { self.place(client) } else { CallerPlace::Elsewhere },
            keys_exist: self.keys_exist(),
            open: self.open,
            host_is_ours: host.is_none_or(is_ours) && external::host(headers).is_none_or(is_ours),
            site: Site::of(headers, external::host(headers)),
            is_our_own: mark == Marked::Ours,
        };
        match (decide(&question), found, visit) {
            (AccessDecision::Key, Some(Some((digest, caller))), _) => {
                Ok(Passed::As(caller.clone(), Some(Basis::Key(digest, caller))))
            }
            (AccessDecision::Visit, _, Some(visit)) => {
                Ok(Passed::As(Caller::unlimited(), Some(Basis::Visit(visit))))
            }
            (AccessDecision::Keyless { until_keys }, ..) => {
                Ok(Passed::As(Caller::unlimited(), until_keys.then_some(Basis::NoKeys)))
            }
            (AccessDecision::Anyone, ..) => Ok(Passed::Anyone),
            (AccessDecision::AskFirst, ..) => Ok(Passed::AskFirst),
            (AccessDecision::Refused(Refusal::WrongKey), ..) => Err(self.wrong(asked.from(), "a request")),
            (AccessDecision::Refused(refusal), ..) => Err(refusal),
            // The decision names a key or a visit, and the request has none: nobody passes by mistake.
            (AccessDecision::Key | AccessDecision::Visit, ..) => Err(Refusal::NoKey),
        }
    }

    /// Whether the request's visit has signed in with a key that still counts.
    pub(super) fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        self.signed_in(headers).is_some()
    }

    fn signed_in(&self, headers: &HeaderMap) -> Option<Digest> {
        let visit = Visit::of(headers)?.digest();
        self.visit_counts(&visit).then_some(visit)
    }

    fn visit_counts(&self, visit: &Digest) -> bool {
        let key = self.visitors.key(visit, Instant::now()).and_then(|key| self.holder(&key, true));
        key.is_some_and(|caller| caller.is_admin())
    }

    /// Signs in who shows a key without limits; the cookie to be set.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`] or [`Refusal::TooMany`].
    pub(super) fn sign_in(&self, key: &str, peer: Peer, headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
        let (digest, from) = (colmeia_store::digest(key.trim().as_bytes()), Some(peer.caller()));
        match self.holder(&digest, self.compares(from)).filter(Caller::is_admin) {
            Some(_) => Ok(self.visitors.sign_in(digest, headers, Instant::now())),
            None => Err(self.wrong(from, "the dashboard")),
        }
    }

    /// Notes a wrong key, with a line where one is due.
    fn wrong(&self, from: Option<IpAddr>, at: &'static str) -> Refusal {
        let Some(from) = from else { return Refusal::WrongKey };
        let heard = self.attempts.wrong(from, Instant::now());
        if let Some(untold) = heard.line {
            tracing::warn!(%from, at, untold, "a wrong key was shown");
        }
        heard.wait.map_or(Refusal::WrongKey, |wait| Refusal::TooMany { secs: wait.as_secs() })
    }

    fn place(&self, client: Option<IpAddr>) -> CallerPlace {
        match client {
            Some(client) if self.on_loopback && client.is_loopback() => CallerPlace::Here,
            Some(client) if self.trusted.iter().any(|network| network.contains(&client)) => {
                CallerPlace::Trusted
            }
            _ => CallerPlace::Elsewhere,
        }
    }

    fn keys_exist(&self) -> bool {
        !self.keys.is_empty() || !self.store.keys().is_empty()
    }

    /// Whose key is shown, if any is; `Some(None)` when it is nobody's.
    fn key(&self, asked: &Asked<'_>) -> Option<Option<(Digest, Caller)>> {
        let (uri, headers) = (asked.uri, asked.headers);
        let bearer = headers.get_all(AUTHORIZATION).into_iter().filter_map(|value| {
            let (scheme, key) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
        let in_address = match uri.path() {
            "/ws" => Query::<Vec<(String, String)>>::try_from_uri(uri).ok(),
            _ => None,
        };
        let in_address = in_address.iter().flat_map(|Query(pairs)| pairs);
        let in_address = in_address.filter(|(name, _)| name == "x-api-key").map(|(_, key)| key.as_bytes());
        let shown = headers.get_all("x-api-key").into_iter().map(HeaderValue::as_bytes);
        let shown = shown.chain(bearer).chain(in_address);
        // A field that a client did not fill is no key.
        let mut shown = shown.map(<[u8]>::trim_ascii).filter(|key| !key.is_empty()).peekable();
        shown.peek()?;
        let compares = self.compares(asked.from());
        Some(shown.find_map(|key| {
            let digest = colmeia_store::digest(key);
            self.holder(&digest, compares).map(|caller| (digest, caller))
        }))
    }

    /// Whether keys that people chose are compared with what comes from there.
    fn compares(&self, from: Option<IpAddr>) -> bool {
        !from.is_some_and(|from| self.attempts.exhausted(from, Instant::now()))
    }

    /// Whose key has this digest. Every key is compared, whether or not one matched.
    fn holder(&self, digest: &Digest, configured: bool) -> Option<Caller> {
        let mut found = None;
        for key in self.keys.iter().filter(|_| configured) {
            if digest.ct_eq(key).into() {
                found = Some(Caller::unlimited());
            }
        }
        for key in self.store.keys().iter() {
            let same: bool = digest.ct_eq(&key.digest).into();
            if same && key.grants.active && found.is_none() {
                found = Some(Caller::of(&key.grants));
            }
        }
        found
    }
}

impl Asked<'_> {
    /// The address that a wrong key is counted against.
    fn from(&self) -> Option<IpAddr> {
        self.client.or(self.peer)
    }
}

/// Whether this `Host` is an address, or a name that nobody can register for everyone to resolve: a name
/// without a dot (a machine or container of the local network) or below a reserved top level.
fn is_ours(host: &str) -> bool {
    const RESERVED: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];
    if host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    !name.contains('.') || RESERVED.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests;
