//! Who may call, and from where.
//!
//! | caller | needs |
//! | --- | --- |
//! | same machine, while we listen on loopback | nothing |
//! | an address in `trusted_networks` (the unmodified Flask) | nothing |
//! | a browser in which someone has signed in with one of `api_keys` | its cookie ([`super::visitors`]) |
//! | anyone else | one of `api_keys`, as `X-Api-Key` or `Authorization: Bearer` |
//!
//! Who needs no key may be a browser that a foreign page has talked into calling us. Two checks are against
//! that. **Rebinding**: such a page's name resolves to our address, so its `Host` is a public name, and we
//! answer only to addresses and to names that no stranger can own. **Cross-site requests**: browsers say where
//! a request comes from, and another site may at most link to a page of ours.
//!
//! `/health`, `/ready` and the way to sign in are open to everyone. Keys are compared as digests in constant time and never logged.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, UPGRADE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use colmeia::config::ServiceConfig;
use ipnet::IpNet;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use super::errors::Failure;
use super::visitors::{Digest, Visitors};
use super::{Http, negotiate, page};

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The rules, ready to be applied.
pub(super) struct Access {
    on_loopback: bool,
    trusted: Vec<IpNet>,
    keys: Vec<Digest>,
    pub(super) visitors: Visitors,
}

/// Why a caller is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NoKey,
    Host,
    CrossSite,
}

impl Access {
    pub(super) fn new(local: SocketAddr, config: &ServiceConfig) -> Self {
        Self {
            on_loopback: local.ip().is_loopback(),
            trusted: config.trusted_networks.clone(),
            keys: config.api_keys.iter().map(|key| Sha256::digest(key.expose()).into()).collect(),
            visitors: Visitors::new(),
        }
    }

    /// Decides about a request.
    pub(super) fn check(
        &self,
        peer: Option<IpAddr>,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        if self.has_key(headers) {
            return Ok(());
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if self.is_signed_in(headers) {
            // The cookie belongs to one name, which a page that was rebound to us does not have.
            return if is_cross_site(method, headers, host) { Err(Refusal::CrossSite) } else { Ok(()) };
        }
        if !peer.is_some_and(|peer| self.needs_no_key(peer.to_canonical())) {
            return Err(Refusal::NoKey);
        }
        if !host.is_none_or(is_ours) {
            return Err(Refusal::Host);
        }
        if is_cross_site(method, headers, host) { Err(Refusal::CrossSite) } else { Ok(()) }
    }

    /// Whether the request's visit has signed in with a key that still counts.
    pub(super) fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        self.visitors.key(headers, Instant::now()).is_some_and(|key| self.is_key(&key))
    }

    /// Signs in who shows one of the keys; the cookie to be set.
    pub(super) fn sign_in(&self, key: &str, headers: &HeaderMap) -> Option<HeaderValue> {
        let digest = Sha256::digest(key.trim()).into();
        self.is_key(&digest).then(|| self.visitors.sign_in(digest, headers, Instant::now()))
    }

    fn needs_no_key(&self, peer: IpAddr) -> bool {
        (self.on_loopback && peer.is_loopback()) || self.trusted.iter().any(|network| network.contains(&peer))
    }

    /// Every key is compared, whether or not one matched.
    fn has_key(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(|value| {
            let (scheme, key) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
        });
        let shown = headers.get("x-api-key").map(HeaderValue::as_bytes).into_iter().chain(bearer);
        let mut found = Choice::from(0);
        for shown in shown {
            found |= Choice::from(u8::from(self.is_key(&Sha256::digest(shown.trim_ascii()).into())));
        }
        found.into()
    }

    fn is_key(&self, digest: &Digest) -> bool {
        self.keys.iter().fold(Choice::from(0), |found, key| found | digest.ct_eq(key)).into()
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

/// Middleware: turns away who may not call.
pub(super) async fn guard(State(http): State<Http>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let open = is_open(request.uri().path());
    match http.access.check(peer, request.method(), request.headers()) {
        // A person is shown where to sign in; a program is told what is missing.
        Err(Refusal::NoKey) if !open && asks_for_a_page(&request) => page::to_sign_in(request.uri()),
        Err(refusal) if !open => refuse(refusal),
        _ => next.run(request).await,
    }
}

/// What anyone may ask for: signs of life, and what is needed to sign in.
fn is_open(path: &str) -> bool {
    matches!(path, "/health" | "/ready" | "/sign-in")
        || path.starts_with("/assets/")
        || path.starts_with("/language/")
}

fn asks_for_a_page(request: &Request) -> bool {
    *request.method() == Method::GET && negotiate::wants_html(request.headers())
}

fn refuse(refusal: Refusal) -> Response {
    let (status, error) = match refusal {
        Refusal::NoKey => (
            StatusCode::UNAUTHORIZED,
            "Acesso negado: envie uma chave em X-Api-Key ou Authorization: Bearer, ou inclua esta rede em trusted_networks",
        ),
        Refusal::Host => (
            StatusCode::FORBIDDEN,
            "Acesso negado: o nome em Host não é deste serviço. Use o endereço IP, um nome da rede local, ou envie uma chave",
        ),
        Refusal::CrossSite => (StatusCode::FORBIDDEN, "Acesso negado: a requisição vem de outro site"),
    };
    let mut response = Failure::new(status, error).into_response();
    if refusal == Refusal::NoKey {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests;
