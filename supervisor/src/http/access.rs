//! Who may call, and from where.
//!
//! | caller | Flask's routes and pages | `/api`, `/ws` |
//! | --- | --- | --- |
//! | same machine, while we listen on loopback | nothing | nothing |
//! | an address in `trusted_networks` (the unmodified Flask) | nothing | a key |
//! | a browser in which someone has signed in with a key without limits | its cookie ([`super::visitors`]) | the same |
//! | anyone else | a key without limits | a key; what it allows is checked per operation |
//!
//! A key is sent as `X-Api-Key` or `Authorization: Bearer`. It is one of the configuration's `api_keys`, which allow
//! everything, or one that was made while running, with its own limits ([`caller`]). For `/ws` it may also stand in
//! the address, as `x-api-key`: browsers cannot add a header there.
//!
//! Who needs no key may be a browser that a foreign page has talked into calling us. Two checks are against
//! that. **Rebinding**: such a page's name resolves to our address, so its `Host` is a public name, and we
//! answer only to addresses and to names that no stranger can own. **Cross-site requests**: browsers say where
//! a request comes from, and another site may at most link to a page of ours.
//!
//! `/health`, `/ready`, `/ping`, the description of the API and the way to sign in are open to everyone. Keys are
//! compared as digests in constant time and never logged.

mod caller;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Query, Request};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use colmeia::config::ServiceConfig;
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::errors::Failure;
use super::visitors::{Digest, Visitors};
use super::{Http, api, negotiate, page};
use crate::store::{self, Store};

pub(crate) use caller::{Action, Caller};

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The rules, ready to be applied.
pub(super) struct Access {
    on_loopback: bool,
    trusted: Vec<IpNet>,
    keys: Vec<Digest>,
    /// Those that were made while running.
    store: Store,
    pub(super) visitors: Visitors,
}

/// What a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// Nothing is asked of the caller: signs of life, the API's description, and what is needed to sign in.
    Open,
    /// What programs use; errors are English.
    Api,
    /// Flask's routes, and pages for people.
    Pages,
}

impl Surface {
    /// The surface of a path.
    pub(super) fn of(path: &str) -> Self {
        let below = |prefix: &str| {
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match path {
            "/health" | "/ready" | "/ping" | "/openapi.json" | "/sign-in" => Self::Open,
            _ if below("/docs") || path.starts_with("/assets/") || path.starts_with("/language/") => {
                Self::Open
            }
            _ if below("/api") || below("/ws") || below("/mcp") => Self::Api,
            _ => Self::Pages,
        }
    }
}

/// Why a caller is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NoKey,
    /// The key has limits, and Flask's routes know none.
    Limited,
    Host,
    CrossSite,
}

impl Access {
    pub(super) fn new(local: SocketAddr, config: &ServiceConfig, store: Store) -> Self {
        Self {
            on_loopback: local.ip().is_loopback(),
            trusted: config.trusted_networks.clone(),
            keys: config.api_keys.iter().map(|key| store::digest(key.expose().as_bytes())).collect(),
            store,
            visitors: Visitors::new(),
        }
    }

    /// Decides about a request.
    pub(super) fn check(
        &self,
        peer: Option<IpAddr>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Caller, Refusal> {
        let surface = Surface::of(uri.path());
        match self.key(uri, headers) {
            Some(caller) if surface == Surface::Pages && !caller.is_admin() => return Err(Refusal::Limited),
            Some(caller) => return Ok(caller),
            None => {}
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if self.is_signed_in(headers) {
            // The cookie belongs to one name, which a page that was rebound to us does not have.
            let foreign = is_cross_site(method, headers, host);
            return if foreign { Err(Refusal::CrossSite) } else { Ok(Caller::unlimited()) };
        }
        if !peer.is_some_and(|peer| self.needs_no_key(peer.to_canonical(), surface)) {
            return Err(Refusal::NoKey);
        }
        if !host.is_none_or(is_ours) {
            return Err(Refusal::Host);
        }
        if is_cross_site(method, headers, host) { Err(Refusal::CrossSite) } else { Ok(Caller::unlimited()) }
    }

    /// Whether the request's visit has signed in with a key that still counts.
    pub(super) fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        let key = self.visitors.key(headers, Instant::now()).and_then(|key| self.holder(&key));
        key.is_some_and(|caller| caller.is_admin())
    }

    /// Signs in who shows a key without limits; the cookie to be set.
    pub(super) fn sign_in(&self, key: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        let digest = store::digest(key.trim().as_bytes());
        self.holder(&digest)
            .filter(Caller::is_admin)
            .map(|_| self.visitors.sign_in(digest, headers, Instant::now()))
    }

    fn needs_no_key(&self, peer: IpAddr, surface: Surface) -> bool {
        let trusted = || self.trusted.iter().any(|network| network.contains(&peer));
        (self.on_loopback && peer.is_loopback()) || (surface != Surface::Api && trusted())
    }

    /// Whose key is shown. Every key is compared, whether or not one matched.
    fn key(&self, uri: &Uri, headers: &HeaderMap) -> Option<Caller> {
        let bearer = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
            let (scheme, key) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
        let in_address = match uri.path() {
            "/ws" => Query::<Vec<(String, String)>>::try_from_uri(uri).ok(),
            _ => None,
        };
        let in_address = in_address.iter().flat_map(|Query(pairs)| pairs);
        let in_address = in_address.filter(|(name, _)| name == "x-api-key").map(|(_, key)| key.as_bytes());
        let shown = headers.get("x-api-key").map(HeaderValue::as_bytes).into_iter();
        let mut shown = shown.chain(bearer).chain(in_address);
        shown.find_map(|key| self.holder(&store::digest(key.trim_ascii())))
    }

    /// Whose key has this digest. Every key is compared, whether or not one matched.
    fn holder(&self, digest: &Digest) -> Option<Caller> {
        let mut found = None;
        for key in &self.keys {
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

/// Whether a browser says that a page of another origin is behind this request. Only following a link to us is
/// left to such pages; a `GET` from the same site (Flask's own page beside us) is harmless.
fn is_cross_site(method: &Method, headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // A page may open a WebSocket to anyone and read from it, so that one is held to its origin as a change is.
    let opens_socket = headers.contains_key(UPGRADE);
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !opens_socket;
    let site_is_foreign = match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => false,
        Some("same-site") => !reads,
        Some(_) => !(reads && text("sec-fetch-mode") == Some("navigate")),
    };
    let origin_is_foreign = !reads
        && headers.get(ORIGIN).is_some_and(|origin| {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            origin.is_none_or(|(_, theirs)| !host.is_some_and(|ours| ours.eq_ignore_ascii_case(theirs)))
        });
    site_is_foreign || origin_is_foreign
}

/// Turns away who may not call, with this answer, and notes in the request who may.
pub(super) fn guard(http: &Http, request: &mut Request) -> Result<(), Box<Response>> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let surface = Surface::of(request.uri().path());
    match http.access.check(peer, request.method(), request.uri(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(())
        }
        Err(_) if surface == Surface::Open => Ok(()),
        // A person is shown where to sign in; a program is told what is missing.
        Err(Refusal::NoKey) if surface == Surface::Pages && asks_for_a_page(request) => {
            Err(Box::new(page::to_sign_in(request.uri())))
        }
        Err(refusal) => Err(Box::new(refuse(refusal, surface))),
    }
}

fn asks_for_a_page(request: &Request) -> bool {
    *request.method() == Method::GET && negotiate::wants_html(request.headers())
}

fn refuse(refusal: Refusal, surface: Surface) -> Response {
    let (status, portuguese, english) = match refusal {
        Refusal::NoKey => (
            StatusCode::UNAUTHORIZED,
            "Acesso negado: envie uma chave em X-Api-Key ou Authorization: Bearer, ou inclua esta rede em trusted_networks",
            "Send a key as X-Api-Key or as Authorization: Bearer",
        ),
        Refusal::Limited => (
            StatusCode::FORBIDDEN,
            "Acesso negado: esta chave só vale em /api. Aqui é preciso uma chave sem limites",
            "This key is for /api only",
        ),
        Refusal::Host => (
            StatusCode::FORBIDDEN,
            "Acesso negado: o nome em Host não é deste serviço. Use o endereço IP, um nome da rede local, ou envie uma chave",
            "The name in Host is not this service's: use its IP address, a name of the local network, or send a key",
        ),
        Refusal::CrossSite => (
            StatusCode::FORBIDDEN,
            "Acesso negado: a requisição vem de outro site",
            "The request comes from another site",
        ),
    };
    let mut response = match surface {
        Surface::Api => api::ApiError::new(status, english).into_response(),
        Surface::Open | Surface::Pages => Failure::new(status, portuguese).into_response(),
    };
    if refusal == Refusal::NoKey {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests;
