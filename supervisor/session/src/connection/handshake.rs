//! Connecting and the two Hellos. Owns the check of who is at the other end.

use std::io;
use std::path::Path;
use std::time::Duration;

use colmeia::protocol::{
    FrameError, FromWorker, PROTOCOL_VERSION, Part, PartCodec, SupervisorHello, ToWorker, WorkerHello,
};
use colmeia::{Secret, UserId};
use futures::{SinkExt as _, StreamExt as _};
use interprocess::local_socket::GenericFilePath;
use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::tokio::prelude::*;
use rustix::process::Pid;
use tokio::time::timeout;
use tokio_util::codec::Framed;

/// A connection whose other end is known, but has not said anything yet.
#[derive(Debug)]
pub struct Peer {
    stream: Stream,
    /// Who opened the socket, as the kernel says.
    pub pid: Pid,
    uid: u32,
}

/// A connection whose Hellos are done.
#[derive(Debug)]
pub struct Handshake {
    pub(super) frames: Framed<Stream, PartCodec>,
    /// What the worker said.
    pub hello: WorkerHello,
    /// The user id that it runs as.
    pub uid: u32,
}

/// Why there is no connection to a worker.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// Nobody listens.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The kernel does not say who listens.
    #[error("the socket does not tell who listens")]
    Credentials(#[source] io::Error),
    /// Somebody else listens.
    #[error("the socket belongs to user id {0}")]
    ForeignUid(u32),
    /// Another process than the one that was started.
    #[error("the socket belongs to process {0}, which is not this worker")]
    ForeignProcess(u32),
    /// Nobody knows what to say to it.
    #[error("the worker's token cannot be read")]
    NoToken(#[source] io::Error),
    /// No Hello in time.
    #[error("the worker did not say Hello in time")]
    Deadline,
    /// It closed the connection.
    #[error("the worker closed the connection instead of saying Hello")]
    Closed,
    /// It sent something else.
    #[error("the worker's Hello cannot be read")]
    Frame(#[from] FrameError),
    /// It said something else.
    #[error("the worker did not say Hello first")]
    NoHello,
    /// It speaks another version.
    #[error("the worker speaks protocol {0}; {PROTOCOL_VERSION} is expected")]
    Protocol(u32),
    /// It serves somebody else.
    #[error("the worker serves another user")]
    WrongUser,
}

impl HandshakeError {
    /// Whether this says only that nobody is there, and nothing bad of who is.
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::Credentials(_) | Self::Closed | Self::Frame(FrameError::Io(_))
        )
    }
}

/// Connects and asks the kernel who is there.
///
/// # Errors
/// [`HandshakeError`]; a process of a user id that is not expected is refused here.
pub async fn open(
    socket: &Path,
    deadline: Duration,
    expected: impl Fn(u32) -> bool,
) -> Result<Peer, HandshakeError> {
    let name = socket.to_fs_name::<GenericFilePath>().map_err(HandshakeError::Connect)?;
    let stream = timeout(deadline, Stream::connect(name))
        .await
        .map_err(|_| HandshakeError::Deadline)?
        .map_err(HandshakeError::Connect)?;
    let peer = stream.peer_creds().map_err(HandshakeError::Credentials)?;
    let uid = peer.euid().unwrap_or(u32::MAX);
    if !expected(uid) {
        return Err(HandshakeError::ForeignUid(uid));
    }
    let pid = peer
        .pid()
        .and_then(Pid::from_raw)
        .ok_or_else(|| HandshakeError::Credentials(io::Error::other("no process id")))?;
    Ok(Peer { stream, pid, uid })
}

/// Says Hello, with the token that makes us believed, and waits for the worker's.
///
/// # Errors
/// [`HandshakeError`] when the other end is not the worker of this user.
pub async fn greet(
    peer: Peer,
    user: &UserId,
    token: Secret,
    deadline: Duration,
) -> Result<Handshake, HandshakeError> {
    timeout(deadline, exchange(peer, user, token)).await.map_err(|_| HandshakeError::Deadline)?
}

async fn exchange(peer: Peer, user: &UserId, token: Secret) -> Result<Handshake, HandshakeError> {
    let mut frames = Framed::new(peer.stream, PartCodec::default());
    let hello = SupervisorHello { protocol: PROTOCOL_VERSION, user: user.clone(), token };
    frames.send(Part::begin(&ToWorker::Hello(hello), 0)?).await?;
    let first = frames.next().await.ok_or(HandshakeError::Closed)??;
    // Who has said nothing yet has no body to send.
    let Part::Begin { head, body: 0 } = first else { return Err(HandshakeError::NoHello) };
    let hello = serde_json::from_slice(&head).map_err(FrameError::Head)?;
    let FromWorker::Hello(hello) = hello else { return Err(HandshakeError::NoHello) };
    if hello.protocol != PROTOCOL_VERSION {
        return Err(HandshakeError::Protocol(hello.protocol));
    }
    if hello.user != *user {
        return Err(HandshakeError::WrongUser);
    }
    if Pid::from_raw(hello.pid.cast_signed()) != Some(peer.pid) {
        return Err(HandshakeError::ForeignProcess(hello.pid));
    }
    Ok(Handshake { frames, hello, uid: peer.uid })
}

impl Handshake {
    /// Says something without starting a [`super::Connection`].
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn say(&mut self, message: &ToWorker) -> Result<(), FrameError> {
        self.frames.send(Part::begin(message, 0)?).await
    }
}
