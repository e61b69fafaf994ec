//! [`Client`]: one POST to a receiver and how it ended.
//!
//! Owns the HTTP client. Never decides whether to try again, and never writes a body, an address or a header to a
//! log.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, redirect};

use super::policy::Outcome;
use crate::logging::chain;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer's body is read so that the connection can be used again. Nobody looks at it.
const ANSWER: usize = 64 * 1024;

/// Posts; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client(reqwest::Client);

impl Client {
    /// A client whose receivers may take this long to answer. It follows no redirect, uses no proxy and keeps no
    /// cookie.
    pub(super) fn new(timeout: Duration) -> reqwest::Result<Self> {
        // The first one wins; a second call changes nothing and is no error worth a word.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("colmeia/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    /// A POST to be filled in.
    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.0.post(url)
    }
}

/// Sends it once.
pub(super) async fn send(request: RequestBuilder) -> Outcome {
    match request.send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            finish(response).await;
            Outcome::Answered(status)
        }
        Err(error) => {
            // The address may carry a token.
            let error = error.without_url();
            let away = error.is_connect() || error.is_builder();
            let reason = if error.is_timeout() { "no answer in time".into() } else { chain(&error) };
            if away { Outcome::Unreachable(reason) } else { Outcome::Unanswered(reason) }
        }
    }
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
