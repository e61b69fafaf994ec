//! Between the browser's debugging pipe and a CDP client that only speaks WebSocket.
//!
//! Owns a loopback port that lives until the first connection with the right path, and is closed then; the
//! path is secret and random. Passes messages on in both directions without reading them. When the browser
//! closes the pipe, the socket is reset rather than closed, because the client notices only a reset at once.

use std::borrow::Cow;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tokio::{TokioAdapter, accept_hdr_async_with_config};
use async_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use async_tungstenite::tungstenite::http::StatusCode;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Message, Utf8Bytes};
use bytes::{Bytes, BytesMut};
use colmeia::Secret;
use colmeia_base::tasks;
use futures::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

type Socket = WebSocketStream<TokioAdapter<TcpStream>>;

/// How long a stranger may take to fail its handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
const READ_AT_ONCE: usize = 64 * 1024;

/// A bridge at work. Dropping it closes the browser's pipe, upon which the browser ends.
#[derive(Debug)]
pub(crate) struct PipeBridge {
    url: Secret,
    task: AbortHandle,
}

impl PipeBridge {
    /// The address for the one client.
    pub(crate) fn url(&self) -> &Secret {
        &self.url
    }
}

impl Drop for PipeBridge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens the port. The first client that knows the path gets the pipe.
///
/// # Errors
/// When no loopback port can be opened.
pub(crate) async fn bridge(commands: pipe::Sender, answers: pipe::Receiver) -> io::Result<PipeBridge> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let path = format!("/{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    let url = Secret::new(format!("ws://{address}{path}"));
    let task = tasks::vital("pipe", async move {
        let Some(socket) = the_client(listener, path).await else { return };
        pass_on(socket, commands, answers).await;
    });
    Ok(PipeBridge { url, task: task.abort_handle() })
}

/// Accepts until somebody knows the path; the port is closed when this returns.
async fn the_client(listener: TcpListener, path: String) -> Option<Socket> {
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let path = path.clone();
                    handshakes.spawn(tasks::watched("handshake", async move {
                        tokio::time::timeout(HANDSHAKE, handshake(stream, path)).await.ok().flatten()
                    }));
                }
                Err(error) => {
                    tracing::warn!(%error, "the loopback port for the browser's pipe failed");
                    return None;
                }
            },
            Some(done) = handshakes.join_next() => if let Ok(Some(socket)) = done {
                return Some(socket);
            },
        }
    }
}

async fn handshake(stream: TcpStream, path: String) -> Option<Socket> {
    // From now on any close of this socket is a reset.
    stream.set_zero_linger().ok()?;
    stream.set_nodelay(true).ok()?;
    // The library's signature decides the size of the error.
    #[allow(clippy::result_large_err)]
    let check = |request: &Request, response: Response| {
        if request.uri().path() == path {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        Err(refusal)
    };
    // Media goes through here: no size is too large, and the browser is trusted not to lie about one.
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    match accept_hdr_async_with_config(stream, check, Some(config)).await {
        Ok(socket) => Some(socket),
        Err(_) => {
            tracing::warn!("somebody else knocked at the loopback port of the browser's pipe");
            None
        }
    }
}

/// Until either side ends.
async fn pass_on(socket: Socket, mut commands: pipe::Sender, mut answers: pipe::Receiver) {
    let (mut to_client, mut from_client) = socket.split();
    let down = async {
        while let Some(Ok(message)) = from_client.next().await {
            if let Message::Text(text) = message {
                let sent = async {
                    commands.write_all(text.as_bytes()).await?;
                    commands.write_all(&[0]).await
                };
                if sent.await.is_err() {
                    return;
                }
            }
        }
    };
    let up = async {
        let mut messages = Splitter::default();
        loop {
            while let Some(message) = messages.next() {
                if to_client.send(Message::Text(text(message))).await.is_err() {
                    return;
                }
            }
            match answers.read_buf(messages.buffer()).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    tokio::select! {
        () = down => {}
        () = up => {}
    }
}

/// The browser writes UTF-8; should it ever not, a lost character is better than a lost browser.
fn text(message: Bytes) -> Utf8Bytes {
    match String::from_utf8_lossy(&message) {
        Cow::Owned(mended) => mended.into(),
        Cow::Borrowed(_) => Utf8Bytes::try_from(message).unwrap_or_default(),
    }
}

/// Cuts a stream at its NULs, looking at each byte once.
#[derive(Debug, Default)]
struct Splitter {
    buffer: BytesMut,
    seen: usize,
}

impl Splitter {
    fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ_AT_ONCE);
        &mut self.buffer
    }

    fn next(&mut self) -> Option<Bytes> {
        match self.buffer[self.seen..].iter().position(|byte| *byte == 0) {
            Some(at) => {
                let mut message = self.buffer.split_to(self.seen + at + 1);
                message.truncate(message.len() - 1);
                self.seen = 0;
                Some(message.freeze())
            }
            None => {
                self.seen = self.buffer.len();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_tungstenite::tokio::{connect_async, connect_async_with_config};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_cut_of_the_stream_gives_the_same_messages(
            messages in prop::collection::vec("[^\0]{0,20}", 0..8),
            cut in 1_usize..7,
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|m| m.bytes().chain([0])).collect();
            let mut splitter = Splitter::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                splitter.buffer().extend_from_slice(piece);
                while let Some(message) = splitter.next() {
                    seen.push(String::from_utf8(message.to_vec()).expect("UTF-8"));
                }
            }
            prop_assert_eq!(seen, messages);
        }
    }

    /// A browser's ends: (reads commands, writes answers).
    async fn opened() -> (PipeBridge, pipe::Receiver, pipe::Sender) {
        let (commands, reads) = pipe::pipe().expect("a pipe");
        let (writes, answers) = pipe::pipe().expect("a pipe");
        (bridge(commands, answers).await.expect("a port"), reads, writes)
    }

    #[tokio::test]
    async fn one_client_with_the_right_path_and_no_other() {
        let (bridge, mut reads, mut writes) = opened().await;
        let wrong = format!("{}x", bridge.url().expose());
        assert!(connect_async(wrong).await.is_err());
        let (mut client, _) = connect_async(bridge.url().expose()).await.expect("the first client");
        client.send(Message::text("{\"id\":1}")).await.expect("sent");
        let mut command = [0; 9];
        reads.read_exact(&mut command).await.expect("read");
        assert_eq!(&command, b"{\"id\":1}\0");
        writes.write_all("{\"é\":2}\0".as_bytes()).await.expect("written");
        let answer = client.next().await.expect("open").expect("valid");
        assert_eq!(answer.into_text().expect("text").as_str(), "{\"é\":2}");
        assert!(connect_async(bridge.url().expose()).await.is_err(), "the port is closed");
    }

    #[tokio::test]
    async fn media_passes_and_the_browsers_end_is_a_reset() {
        let (bridge, _reads, mut writes) = opened().await;
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (mut client, _) =
            connect_async_with_config(bridge.url().expose(), Some(config)).await.expect("connects");
        let size = 70 * 1024 * 1024;
        let sending = tokio::spawn(async move {
            writes.write_all(&vec![b'x'; size]).await.expect("written");
            writes.write_all(&[0]).await.expect("written");
            writes
        });
        assert_eq!(client.next().await.expect("open").expect("valid").len(), size);
        // Only now: a reset overtakes what has not been read.
        drop(sending.await.expect("sent"));
        assert!(matches!(client.next().await, Some(Err(_))), "a reset, not a close");
    }
}
