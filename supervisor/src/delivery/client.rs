//! [`Client`]: one POST to a receiver and how it ended.
//!
//! Owns the HTTP client. Never decides whether to try again, and never writes a body, an address or a header to a
//! log.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{RequestBuilder, Response, redirect};

use super::policy::Outcome;
use crate::logging::chain;
use crate::outgoing::{self, Home, LeadsHome};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer's body is read so that the connection can be used again. Nobody looks at it.
const ANSWER: usize = 64 * 1024;

/// Posts, but never to ourselves; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    usual: reqwest::Client,
    /// For our own port, on whatever machine: its names lead to no address of ours.
    careful: Arc<OnceLock<reqwest::Client>>,
    timeout: Duration,
    home: Home,
}

impl Client {
    /// A client whose receivers may take this long to answer. It follows no redirect, uses no proxy and keeps no
    /// cookie.
    pub(super) fn new(timeout: Duration, home: Home) -> reqwest::Result<Self> {
        // The first one wins; a second call changes nothing and is no error worth a word.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let usual = builder(timeout).build()?;
        Ok(Self { usual, careful: Arc::default(), timeout, home })
    }

    /// A POST to be filled in.
    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.usual.post(url)
    }

    /// Sends it once.
    pub(super) async fn send(&self, request: RequestBuilder) -> Outcome {
        let answer = async {
            let mut request = request.build()?;
            if self.home.is(request.url()) {
                return Ok(Err(LeadsHome));
            }
            // Last, so that no header that a session's owner configured stands in its place.
            outgoing::mark(request.headers_mut());
            let client = if self.home.is_port_of(request.url()) { self.careful()? } else { &self.usual };
            client.execute(request).await.map(Ok)
        };
        match answer.await {
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                finish(response).await;
                Outcome::Answered(status)
            }
            Ok(Err(home)) => Outcome::Unreachable(home.to_string()),
            Err(error) => {
                // The address may carry a token.
                let error: reqwest::Error = error;
                let error = error.without_url();
                let away = error.is_connect() || error.is_builder();
                let reason = if error.is_timeout() { "no answer in time".into() } else { chain(&error) };
                if away { Outcome::Unreachable(reason) } else { Outcome::Unanswered(reason) }
            }
        }
    }

    /// Made when it is first needed: few have a receiver there.
    fn careful(&self) -> reqwest::Result<&reqwest::Client> {
        if let Some(made) = self.careful.get() {
            return Ok(made);
        }
        let made = builder(self.timeout).dns_resolver(Home::resolver()).build()?;
        Ok(self.careful.get_or_init(|| made))
    }
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("colmeia/", env!("CARGO_PKG_VERSION")))
}

/// Reads a short answer to its end. The status is known, so nothing that happens here matters any more.
async fn finish(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn nothing_is_sent_to_ourselves_by_whatever_name() {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let (ours, theirs) = (Home::of(address), Home::of(([127, 0, 0, 1], 1).into()));
        let client = |home| Client::new(PATIENCE, home).expect("a client");
        let (careful, other) = (client(ours), client(theirs));
        let to = |host: &str| format!("http://{host}:{}/disconnect?user_id=1", address.port());
        for host in [
            "127.0.0.1",
            "127.1.2.3",
            "0.0.0.0",
            "0",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LOCALHOST",
        ] {
            let outcome = careful.send(careful.post(&to(host))).await;
            let Outcome::Unreachable(why) = &outcome else { panic!("{host}: {outcome:?}") };
            assert!(why.contains("this service's own"), "{host}: {why}");
        }
        // Who is not this service is told, with our mark, which no header of the receiver's takes the place of.
        let told = async {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let (mut head, mut piece) = (Vec::new(), [0; 512]);
            while !head.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut piece).await.expect("a head");
                assert_ne!(read, 0);
                head.extend_from_slice(&piece[..read]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("answered");
            String::from_utf8(head).expect("text")
        };
        let request = other.post(&to("localhost")).header("x-colmeia-sender", "somebody else");
        let (head, outcome) = tokio::join!(told, other.send(request));
        assert_eq!(outcome, Outcome::Answered(204));
        let mut marked = http_headers(&head);
        assert_eq!(outgoing::marked(&marked), outgoing::Marked::Ours, "{head}");
        marked.remove("x-colmeia-sender");
        assert_eq!(outgoing::marked(&marked), outgoing::Marked::No);
        let nobody: SocketAddr = ([127, 0, 0, 1], address.port()).into();
        assert!(ours.leads_to(nobody) && !theirs.leads_to(nobody));
    }

    fn http_headers(head: &str) -> axum::http::HeaderMap {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let name = |name: &str| name.parse::<axum::http::HeaderName>().expect("a name");
        lines.map(|(key, value)| (name(key), value.parse().expect("a value"))).collect()
    }
}
