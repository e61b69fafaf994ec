//! [`Connector`]: how a connection to a receiver is made, and how it becomes known that a request left it completely.
//!
//! Owns names, TCP and TLS of deliveries, and nothing of HTTP. A connection that ended at ourselves, by whatever name, is
//! closed before anything of a request is written to it. hyper flushes a connection only when all that it had to
//! write is written, so the first flush after a body's last bytes says that head and body are with the kernel; and
//! `TCP_USER_TIMEOUT` ends a connection whose other side does not acknowledge them. Both together are what "sent
//! completely" means here.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::Uri;
use hyper::http::Extensions;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tower_service::Service;

use colmeia_host::dns::Resolver;
use colmeia_host::ssrf::{Home, LeadsHome};

/// How long a connection may take to be made: name, TCP and TLS.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// How long what was written may stay unacknowledged by the other side's kernel.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Makes connections, but none to ourselves; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    https: HttpsConnector<HttpConnector<Resolver>>,
    home: Home,
}

impl Connector {
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(super) fn new(home: Home, names: Resolver) -> Result<Self, rustls::Error> {
        // The first one wins; a second call changes nothing and is no error worth a word.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = HttpConnector::new_with_resolver(names);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        http.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let tls = HttpsConnectorBuilder::new().try_with_platform_verifier()?;
        Ok(Self { https: tls.https_or_http().enable_http1().wrap_connector(http), home })
    }
}

impl Service<Uri> for Connector {
    type Response = WireConnection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<WireConnection, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let (connecting, home) = (self.https.call(address), self.home);
        Box::pin(async move {
            let stream = tokio::time::timeout(CONNECT, connecting).await;
            let stream = stream.map_err(|_| "no connection in time")??;
            if home.leads_to(peer(&stream)?) {
                return Err(LeadsHome.into());
            }
            Ok(WireConnection { stream, departure: Departure::default() })
        })
    }
}

/// Where a connection has led, whatever the name was.
fn peer(stream: &Stream) -> io::Result<SocketAddr> {
    match stream {
        MaybeHttpsStream::Http(plain) => plain.inner().peer_addr(),
        MaybeHttpsStream::Https(tls) => tls.inner().get_ref().0.inner().inner().peer_addr(),
    }
}

/// Where a body says that it has given its last bytes, and a flush that they are gone.
#[derive(Debug, Clone, Default)]
struct Departure(Arc<Mutex<Option<oneshot::Sender<Instant>>>>);

impl Departure {
    fn announce(&self, told: oneshot::Sender<Instant>) {
        *self.0.lock() = Some(told);
    }

    fn flushed(&self) {
        if let Some(told) = self.0.lock().take() {
            let _ = told.send(Instant::now()); // who no longer waits does not need to know
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct WireConnection {
    stream: Stream,
    departure: Departure,
}

impl Connection for WireConnection {
    fn connected(&self) -> Connected {
        self.stream.connected().extra(self.departure.clone())
    }
}

impl Read for WireConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for WireConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.departure.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A body that says when it has left; of one piece.
pub(super) struct Parcel {
    bytes: Option<Bytes>,
    /// The connection that it goes out on.
    line: CaptureConnection,
    told: Option<oneshot::Sender<Instant>>,
}

impl Parcel {
    /// The body, and what becomes ready when it is sent completely; an error when that will not be.
    pub(super) fn new(bytes: Bytes, line: CaptureConnection) -> (Self, oneshot::Receiver<Instant>) {
        let (told, sent) = oneshot::channel();
        (Self { bytes: Some(bytes), line, told: Some(told) }, sent)
    }
}

impl Body for Parcel {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        let mut extras = Extensions::new();
        if let Some(connected) = self.line.connection_metadata().as_ref() {
            connected.get_extras(&mut extras);
        }
        if let (Some(departure), Some(told)) = (extras.get::<Departure>(), self.told.take()) {
            departure.announce(told);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
