//! The connections: accepted, limited in number and time, and ended cleanly.
//!
//! Owns the sockets. HTTP/1.1 only: that is what Flask, curl and a browser on loopback speak.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use colmeia_base::tasks;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::access::Peer;
use super::control::Controlled;
use super::{App, Http, external, router};
use crate::logging::chain;

/// How long a request's head may take, and how long a kept connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the other side may take nothing of what was sent before the connection is ended, in milliseconds.
const UNREAD_MS: u32 = 120_000;
/// The largest head.
const HEAD_LIMIT: usize = 64 * 1024;
/// The most connections at once; the next one waits.
const CONNECTIONS: usize = 1024;
/// How long running requests may take at the end: longer than any call.
const FAREWELL: Duration = Duration::from_secs(15);
/// How long one who has just connected may take to begin when no more is accepted.
const FIRST_WORD: Duration = Duration::from_millis(500);
/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until it is stopped, and then finishes what has begun.
///
/// # Errors
/// When the listener has no address.
pub(crate) async fn serve(listener: TcpListener, app: App, controlled: Controlled) -> io::Result<()> {
    let local = listener.local_addr()?;
    let base_path: Arc<str> = app.parts.config.base_path.as_str().into();
    let router = router(Http::new(app, local, controlled.stop.clone()));
    accept_all(listener, router, base_path, controlled).await;
    Ok(())
}

/// Accepts until it is stopped.
pub(super) async fn accept_all(
    listener: TcpListener,
    router: Router,
    base_path: Arc<str>,
    mut controlled: Controlled,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (running, give_up) = (TaskTracker::new(), CancellationToken::new());
    while let Some((stream, peer, place)) = accept(&listener, &places, &mut controlled).await {
        let (router, base_path, shutdown) = (router.clone(), Arc::clone(&base_path), controlled.stop.clone());
        let (give_up, busy) = (give_up.clone(), controlled.busy.clone());
        running.spawn(tasks::watched("http connection", async move {
            let _place = place;
            let _ =
                give_up.run_until_cancelled(converse(stream, peer, router, base_path, busy, shutdown)).await;
        }));
    }
    // Who calls now is refused, and does not wait for nothing; unless the next image of the program has it too.
    drop(listener);
    running.close();
    if timeout(FAREWELL, running.wait()).await.is_err() {
        warn!(connections = running.len(), "requests were still running at the end");
        give_up.cancel();
        running.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    controlled: &mut Controlled,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = || async {
        loop {
            let place = Arc::clone(places).acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, place)),
                Err(error) => {
                    warn!(error = chain(&error), "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    loop {
        tokio::select! {
            () = controlled.stop.cancelled() => return None,
            // That the loop turns is also true while everyone waits for a place.
            Some(beat) = controlled.beats.recv() => drop(beat.send(())),
            accepted = next() => return accepted,
        }
    }
}

/// One connection, request after request.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    base_path: Arc<str>,
    busy: TaskTracker,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true); // only a matter of speed
    // On a system that knows no such limit an unread stream keeps its place.
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, UNREAD_MS);
    if !begins(&stream, &shutdown).await {
        return;
    }
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        if let Some(below) = external::below(&base_path, request.uri()) {
            *request.uri_mut() = below;
        }
        receive(&mut request, peer);
        let (busy, answer) = (busy.token(), service.call(request));
        async move {
            let _busy = busy;
            answer.await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    // In this order: what has been said already is read before the end is seen.
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(error = chain(&error), "a connection ended early");
    }
}

/// That the address had a slash at its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndSlash;

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
