//! The connections: accepted, limited in number and time, and ended cleanly.
//!
//! Owns the sockets. HTTP/1.1 only: that is what Flask, curl and a browser on loopback speak. Who gives a place up when
//! all are taken, [`connections`](colmeia_control::connections) decides.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use colmeia::config::ServiceConfig;
use colmeia_base::tasks;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::access::Peer;
use super::external;
use crate::effect::EndSlash;
use crate::router::router;
use crate::routes;
use crate::state::{App, Http};
use crate::trends;
use colmeia_control::connections::{Acceptor, HEAD_TIMEOUT, Place, Places, WatchedBody, converse};
use colmeia_control::server_control::Controlled;
use colmeia_host::shares::Holder;

/// How long the other side may take nothing of what was sent before the connection is ended.
const UNREAD: Duration = Duration::from_secs(120);
/// The most connections at once. Streams have places of their own among them ([`super::places`]), about half.
const CONNECTIONS: usize = 1024;
/// The most of one address that nobody trusts: a household or an office behind one router has room in it.
const SHARE: usize = 128;
/// How long running requests may take at the end: longer than any call.
const FAREWELL: Duration = Duration::from_secs(15);
/// How long one who has just connected may take to begin when no more is accepted.
const FIRST_WORD: Duration = Duration::from_millis(500);

/// What a listener goes by.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The path before all our paths.
    pub(super) base_path: Arc<str>,
    /// Who has no share of its own beside this machine: behind one of these addresses are many.
    pub(super) known: Arc<[IpNet]>,
    pub(super) connections: usize,
    pub(super) share: usize,
    pub(super) unread: Duration,
}

impl Rules {
    pub(super) fn of(config: &ServiceConfig) -> Self {
        let known = config.trusted_networks.iter().chain(&config.trusted_proxies).copied().collect();
        let base_path = config.base_path.as_str().into();
        Self { base_path, known, connections: CONNECTIONS, share: SHARE, unread: UNREAD }
    }

    /// Whose place it is, and whether there is a share of that.
    fn place_of(&self, peer: SocketAddr) -> (IpAddr, bool) {
        let address = peer.ip().to_canonical();
        let known = address.is_loopback() || self.known.iter().any(|network| network.contains(&address));
        match Holder::at(address) {
            Holder::Address(network) if !known => (network, true),
            _ => (address, false),
        }
    }
}

/// Serves until it is stopped, and then finishes what has begun.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(listener: TcpListener, app: App, controlled: Controlled) -> io::Result<()> {
    let local = listener.local_addr()?;
    let rules = Rules::of(&app.parts.config);
    let http = Http::new(app, routes::effects(), local, controlled.stop.clone());
    let (seen, stop) = (http.clone(), controlled.stop.clone());
    tasks::restarted("trends", move || trends::follow(seen.clone(), stop.clone()));
    let router = router(http);
    accept_all(listener, router, rules, controlled).await;
    Ok(())
}

/// Accepts until it is stopped.
pub(super) async fn accept_all(
    listener: TcpListener,
    router: Router,
    rules: Rules,
    mut controlled: Controlled,
) {
    let places = Places::new(rules.connections, rules.share);
    let mut acceptor = Acceptor::new(listener, places, {
        let rules = rules.clone();
        move |(_, peer): &(TcpStream, SocketAddr)| rules.place_of(*peer)
    });
    let (running, give_up) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let ((stream, peer), place) = tokio::select! {
            () = controlled.stop.cancelled() => break,
            // That the loop turns is also true while everyone waits for a place.
            Some(beat) = controlled.beats.recv() => {
                let _ = beat.send(()); // who asked may have given up
                continue;
            }
            next = acceptor.next() => next,
        };
        let (router, rules, shutdown) = (router.clone(), rules.clone(), controlled.stop.clone());
        let (give_up, busy) = (give_up.clone(), controlled.busy.clone());
        running.spawn(tasks::watched("http connection", async move {
            tokio::select! {
                () = talk(stream, peer, &place, router, rules, busy, shutdown) => {}
                () = place.end.cancelled() => debug!(%peer, "a connection gives its place up"),
                () = give_up.cancelled() => {}
            }
        }));
    }
    // Who calls now is refused, and does not wait for nothing; unless the next image of the program has it too.
    drop(acceptor);
    running.close();
    if timeout(FAREWELL, running.wait()).await.is_err() {
        warn!(connections = running.len(), "requests were still running at the end");
        give_up.cancel();
        running.wait().await;
    }
}

/// One connection, request after request.
async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    place: &Place<IpAddr>,
    router: Router,
    rules: Rules,
    busy: TaskTracker,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true); // only a matter of speed
    // Who is gone without a word takes nothing either; who is there and does not read is seen by `Watched`.
    let gone = u32::try_from(rules.unread.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, gone);
    if !begins(&stream, &shutdown).await {
        return;
    }
    let received = |request: &mut hyper::Request<WatchedBody>| {
        if let Some(below) = external::below(&rules.base_path, request.uri()) {
            *request.uri_mut() = below;
        }
        receive(request, peer);
        busy.token()
    };
    converse(stream, place, rules.unread, received, TowerToHyperService::new(router), shutdown).await;
}

/// What becomes of every request before it is routed: it carries who asks, and a slash at the end of its address is gone.
/// The route is the same with and without it, whatever the method and the body; a redirect would lose both in many
/// clients.
pub(super) fn receive<B>(request: &mut hyper::Request<B>, peer: SocketAddr) {
    request.extensions_mut().insert(Peer::new(peer));
    if let Some(uri) = without_end_slash(request.uri()) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(EndSlash);
    }
}

/// The address without it; `None` where there is none, and for the pages below `/docs/`, whose links need it.
fn without_end_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.ends_with('/') || path.starts_with("/docs/") {
        return None;
    }
    let path = Some(path.trim_end_matches('/')).filter(|path| !path.is_empty())?;
    let mut parts = uri.clone().into_parts();
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    parts.path_and_query = whole.parse().ok();
    Uri::from_parts(parts).ok()
}

/// Whether a caller begins to speak. One who was accepted just before the end is listened to, for a moment: to cut
/// that call off would look like a failure.
async fn begins(stream: &TcpStream, shutdown: &CancellationToken) -> bool {
    let mut byte = [0];
    let patience = async {
        let _ = timeout(HEAD_TIMEOUT, shutdown.cancelled()).await;
        sleep(FIRST_WORD).await;
    };
    tokio::select! {
        biased;
        // Not merely `readable`, which may be said of a stream that has nothing to read yet.
        first = stream.peek(&mut byte) => first.is_ok_and(|read| read > 0),
        () = patience => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_share_and_those_behind_whom_many_are_have_none() {
        let config = ServiceConfig {
            trusted_networks: vec!["172.18.0.0/16".parse().expect("network")],
            trusted_proxies: vec!["192.0.2.1/32".parse().expect("network")],
            ..ServiceConfig::default()
        };
        let rules = Rules::of(&config);
        for (peer, who, shares) in [
            ("127.0.0.1:1", "127.0.0.1", false),
            ("[::1]:1", "::1", false),
            ("[::ffff:172.18.0.7]:1", "172.18.0.7", false),
            ("192.0.2.1:1", "192.0.2.1", false),
            ("192.0.2.2:1", "192.0.2.2", true),
            ("[2001:db8::1:2:3:4]:1", "2001:db8::", true),
        ] {
            let place = rules.place_of(peer.parse().expect("an address"));
            assert_eq!(place, (who.parse().expect("an address"), shares), "{peer}");
        }
    }

    #[test]
    fn an_address_is_the_same_with_and_without_a_slash_at_its_end() {
        for (from, to) in [
            ("/status/?user_id=3", Some("/status?user_id=3")),
            ("/api/sessions//", Some("/api/sessions")),
            ("http://h:1/api/x/?a=/", Some("http://h:1/api/x?a=/")),
            ("//", None),
            ("/", None),
            ("/?a=b/", None),
            ("/status?x=/", None),
            ("/api/1/labels//chats", None),
            ("/docs/", None),
        ] {
            let uri = from.parse().expect("an address");
            assert_eq!(without_end_slash(&uri).map(|uri| uri.to_string()).as_deref(), to, "{from}");
        }
    }
}
