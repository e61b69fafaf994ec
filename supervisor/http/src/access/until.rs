//! For how long a request that was let in may be answered. A stream or a long file ends when what let its reader in
//! counts no more: a key that was taken away or changed, a visit that ended, or keys where there were none.
//!
//! Owns the wait for that, and the body that it ends ([`bound`]). A WebSocket waits for it itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::{Frame, SizeHint};
use tokio::time::sleep_until;

use super::super::visitors::Digest;
use super::{Access, Caller};

/// What let a request in, where that may end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Basis {
    /// The key with this digest, and what it allowed.
    Key(Digest, Caller),
    /// The visit with this digest.
    Visit(Digest),
    /// That there was no key at all.
    NoKeys,
}

impl Access {
    fn counts(&self, basis: &Basis) -> bool {
        match basis {
            Basis::Key(digest, caller) => self.holder(digest, true).as_ref() == Some(caller),
            Basis::Visit(visit) => self.visit_counts(visit),
            Basis::NoKeys => !self.keys_exist(),
        }
    }

    /// Waits until it counts no more.
    pub(in super::super) async fn ended(&self, basis: &Basis) {
        let (mut keys, mut visits) = (self.store.watch_keys(), self.visitors.watch());
        loop {
            keys.borrow_and_update();
            visits.borrow_and_update();
            if !self.counts(basis) {
                return;
            }
            let over = match basis {
                Basis::Visit(visit) => self.visitors.until(visit),
                Basis::Key(..) | Basis::NoKeys => None,
            };
            let over = async {
                match over {
                    Some(over) => sleep_until(over).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = keys.changed() => if changed.is_err() { return std::future::pending().await },
                _ = visits.changed() => {}
                () = over => {}
            }
        }
    }
}

/// How much is handed on at once, so that the end comes in time for a reader who takes little.
const PIECE: usize = 64 * 1024;
/// What is no longer than this is sent before anyone could change anything.
const SHORT: u64 = 256 * 1024;

/// Ends a long answer when this is over.
pub(super) fn bound(ended: impl Future<Output = ()> + Send + 'static, response: Response) -> Response {
    if response.body().size_hint().upper().is_some_and(|most| most <= SHORT) {
        return response;
    }
    let ended = ended.boxed();
    let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    response.map(|whole| Body::new(Bounded { whole, rest: Bytes::new(), ended, is_stream }))
}

struct Bounded {
    whole: Body,
    /// Of a frame that was too large.
    rest: Bytes,
    ended: BoxFuture<'static, ()>,
    /// Its end is no loss; that of anything else has to look like one.
    is_stream: bool,
}

/// A part of the answer is missing.
#[derive(Debug, thiserror::Error)]
#[error("the caller may not read on")]
struct CutOff;

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended.poll_unpin(context).is_ready() {
            self.ended = std::future::ready(()).boxed();
            let end = if self.is_stream { None } else { Some(Err(axum::Error::new(CutOff))) };
            return Poll::Ready(end);
        }
        let mut data = if self.rest.is_empty() {
            match Pin::new(&mut self.whole).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return other,
            }
        } else {
            std::mem::take(&mut self.rest)
        };
        self.rest = data.split_off(data.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, whole) = (self.rest.len() as u64, self.whole.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(whole.lower() + rest);
        if let Some(upper) = whole.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::sync::oneshot;

    use super::*;

    fn bounded(body: Body, is_stream: bool) -> (oneshot::Sender<()>, Body) {
        let (end, ended) = oneshot::channel::<()>();
        let ended = async {
            if ended.await.is_err() {
                std::future::pending().await
            }
        }
        .boxed();
        (end, Body::new(Bounded { whole: body, rest: Bytes::new(), ended, is_stream }))
    }

    #[tokio::test]
    async fn a_long_file_comes_in_pieces_and_breaks_off_when_its_reader_may_not_read_on() {
        let file = Bytes::from(vec![7; 10 * PIECE + 1]);
        let (_end, body) = bounded(Body::from(file.clone()), false);
        assert_eq!(body.size_hint().exact(), Some(file.len() as u64), "its length is still said");
        assert_eq!(body.collect().await.expect("whole").to_bytes(), file);
        let (end, mut body) = bounded(Body::from(file), false);
        let first = body.frame().await.expect("more").expect("a piece").into_data().expect("data");
        assert_eq!(first.len(), PIECE);
        end.send(()).expect("listened to");
        assert!(body.frame().await.expect("said").is_err(), "an end would look like the whole");
    }

    #[tokio::test]
    async fn a_stream_just_ends() {
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let (end, body) = bounded(Body::from_stream(never), true);
        let (read, ()) = tokio::join!(body.collect(), async { end.send(()).expect("listened to") });
        assert!(read.expect("a clean end").to_bytes().is_empty());
    }
}
