//! [`Flood`]: hundreds of connections that keep the service waiting: event streams that nobody reads, half heads and half
//! bodies. They come from this machine, but from an address that nobody else calls from.
//!
//! Owns the connections. Never finishes a request, so that nothing that it says has an effect.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::schedule::USERS;

/// Together more than the service has places for connections.
const STREAMS: usize = 400;
const HEADS: usize = 500;
const BODIES: usize = 300;
/// How many are made at once.
const AT_ONCE: usize = 64;
/// How much of a stream the kernel takes for a reader who does not read.
const UNREAD: u32 = 4096;
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);

/// The connections; dropped, they end.
#[derive(Debug, Default)]
pub(crate) struct Flood(Vec<TcpStream>);

impl Flood {
    /// Opens them. What the service does not take, it does not have.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut words: Vec<String> = Vec::new();
        for n in 0..STREAMS.max(HEADS).max(BODIES) {
            let stream = match n % 2 {
                0 => "/api/events/stream".to_owned(),
                _ => format!("/qr/events?user_id={}", n % USERS + 1),
            };
            let each = [
                (STREAMS, format!("GET {stream} HTTP/1.1\r\nHost: {address}\r\n\r\n")),
                (HEADS, format!("GET /status?user_id=1 HTTP/1.1\r\nHost: {address}\r\nX-Half: ")),
                (
                    BODIES,
                    format!(
                        "POST /send HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
                         Content-Length: 4096\r\n\r\n{{\"user_id\": \"1\","
                    ),
                ),
            ];
            words.extend(each.into_iter().filter(|(most, _)| n < *most).map(|(_, word)| word));
        }
        let opened = futures::stream::iter(words)
            .map(|words| async move { begin(address, &words).await.ok() })
            .buffer_unordered(AT_ONCE)
            .filter_map(|opened| async { opened });
        Self(opened.collect().await)
    }

    /// How many of them were answered and are open: streams that the service writes for nobody.
    pub(crate) async fn streams(&self) -> u64 {
        let mut streams = 0;
        for connection in &self.0 {
            let mut begun = [0; 12];
            let peeked = futures::FutureExt::now_or_never(connection.peek(&mut begun));
            streams += u64::from(matches!(peeked, Some(Ok(12))) && begun.ends_with(b" 200"));
        }
        streams
    }
}

async fn begin(address: SocketAddr, words: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(FROM), 0))?;
    socket.set_recv_buffer_size(UNREAD)?;
    let mut connection = socket.connect(address).await?;
    connection.write_all(words.as_bytes()).await?;
    Ok(connection)
}
