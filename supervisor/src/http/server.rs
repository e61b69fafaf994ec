//! The connections: accepted, limited in number and time, and ended cleanly.
//!
//! Owns the sockets. HTTP/1.1 only: that is what Flask, curl and a browser on loopback speak.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::access::Peer;
use super::{App, Http, router};
use crate::logging::chain;

/// How long a request's head may take, and how long a kept connection may be silent.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest head.
const HEAD_LIMIT: usize = 64 * 1024;
/// The most connections at once; the next one waits.
const CONNECTIONS: usize = 1024;
/// How long running requests may take at the end: longer than any call.
const FAREWELL: Duration = Duration::from_secs(15);
/// How long to wait when the system has no more sockets for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until the token is cancelled, and then finishes what has begun.
///
/// # Errors
/// When the listener has no address.
pub(crate) async fn serve(listener: TcpListener, app: App, shutdown: CancellationToken) -> io::Result<()> {
    let local = listener.local_addr()?;
    accept_all(listener, router(Http::new(app, local, shutdown.clone())), shutdown).await;
    Ok(())
}

/// Accepts until the token is cancelled.
pub(super) async fn accept_all(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let (running, give_up) = (TaskTracker::new(), CancellationToken::new());
    while let Some((stream, peer, place)) = accept(&listener, &places, &shutdown).await {
        let (router, shutdown) = (router.clone(), shutdown.clone());
        let give_up = give_up.clone();
        running.spawn(async move {
            let _place = place;
            let _ = give_up.run_until_cancelled(converse(stream, peer, router, shutdown)).await;
        });
    }
    drop(listener); // who calls now is refused, and does not wait for nothing
    running.close();
    if tokio::time::timeout(FAREWELL, running.wait()).await.is_err() {
        warn!(connections = running.len(), "requests were still running at the end");
        give_up.cancel();
        running.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        loop {
            let place = Arc::clone(places).acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, place)),
                Err(error) => {
                    warn!(error = chain(&error), "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(next).await.flatten()
}

/// One connection, request after request.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: CancellationToken) {
    let _ = stream.set_nodelay(true); // only a matter of speed
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
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
