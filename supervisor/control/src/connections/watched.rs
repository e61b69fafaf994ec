//! What a connection is seen to do: [`Watched`] is its socket, [`WatchedBody`] a request's body on it, and [`Working`]
//! an answer that is not given yet.
//!
//! Owns the end of whoever does not read. Changes nothing of what passes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Watch;

/// A socket whose other side may leave unread what was written for so long and no longer.
#[derive(Debug)]
pub struct Watched<S> {
    socket: S,
    watch: Watch,
    patience: Duration,
    /// Runs while something is not taken.
    unread: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// A socket whose other side may leave unread what was written for so long.
    pub fn new(socket: S, watch: Watch, patience: Duration) -> Self {
        Self { socket, watch, patience, unread: None }
    }

    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if self.unread.take().is_some() {
                self.watch.note(|seen| seen.unread = false);
            }
            return written;
        }
        if self.unread.is_none() {
            self.watch.note(|seen| seen.unread = true);
        }
        let patience = self.patience;
        let over = self.unread.get_or_insert_with(|| Box::pin(sleep(patience)));
        if over.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nobody read what was sent")));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// A request's body.
#[derive(Debug)]
pub struct WatchedBody {
    body: Incoming,
    watch: Watch,
    waiting: bool,
}

impl WatchedBody {
    /// Its body, whose pieces are noted.
    pub fn new(body: Incoming, watch: Watch) -> Self {
        Self { body, watch, waiting: false }
    }

    fn waits(&mut self, waiting: bool) {
        if self.waiting != waiting {
            self.waiting = waiting;
            self.watch.note(|seen| seen.body = waiting);
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.waits(frame.is_pending());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.waits(false);
    }
}

/// An answer, until it is given as a whole; first without, then with its body.
#[derive(Debug)]
pub struct Working<B> {
    body: B,
    _until: Until,
}

/// A request is being worked on until this is dropped.
#[derive(Debug)]
struct Until(Watch);

impl Drop for Until {
    fn drop(&mut self) {
        self.0.note(|seen| seen.working = false);
    }
}

impl Working<()> {
    /// A request has come in.
    pub fn begin(watch: Watch) -> Self {
        watch.note(|seen| seen.working = true);
        Self { body: (), _until: Until(watch) }
    }

    /// Its answer.
    pub fn with<B>(self, body: B) -> Working<B> {
        Working { body, _until: self._until }
    }
}

impl<B: Body + Unpin> Body for Working<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_let_go_and_who_reads_slowly_is_not() {
        let (ours, mut theirs) = duplex(64);
        let watch = Watch::new(Arc::default());
        watch.note(|seen| seen.working = true);
        let mut socket = Watched::new(ours, watch.clone(), Duration::from_secs(120));
        let writing = tokio::spawn(async move { socket.write_all(&[0; 640]).await });
        for _ in 0..8 {
            sleep(Duration::from_secs(100)).await;
            assert!(watch.waiting_since().is_some(), "it may be made to give its place up");
            theirs.read_exact(&mut [0; 64]).await.expect("more");
        }
        assert!(!writing.is_finished());
        let error = writing.await.expect("no panic").expect_err("let go");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
