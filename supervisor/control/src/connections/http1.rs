//! [`converse`]: one connection with HTTP/1.1, request after request, for all listeners.
//!
//! Owns its limits. What a request means, and who may ask, is for the service that is handed in.

use std::fmt::Display;
use std::time::Duration;

use colmeia::errors::chain;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{Place, Watched, WatchedBody, Working};

/// How long a request's head may take, and how long a kept connection may be silent.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest head.
const HEAD_LIMIT: usize = 64 * 1024;

/// Speaks until either side has had enough. `unread`: how long the other side may take nothing of what was sent.
/// `received` sees each request before the service; what it gives lives until the answer is there. After `end` the
/// request under way is answered, and no other is taken.
pub async fn converse<S, B, G, K>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place<K>,
    unread: Duration,
    received: impl Fn(&mut Request<WatchedBody>) -> G,
    service: S,
    end: CancellationToken,
) where
    S: Service<Request<WatchedBody>, Response = Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Display,
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let watch = place.watch.clone();
    let service = service_fn(|request: Request<Incoming>| {
        let working = Working::begin(watch.clone());
        let mut request = request.map(|body| WatchedBody::new(body, watch.clone()));
        let until_answered = received(&mut request);
        let answer = service.call(request);
        async move {
            let answer = answer.await;
            drop(until_answered);
            answer.map(|answer| answer.map(|body| working.with(body)))
        }
    });
    let stream = Watched::new(stream, place.watch.clone(), unread);
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
        () = end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = chain(&error), "a connection ended early");
    }
}
