//! Files that are fetched from an address: `http` and `https` only, within a size and a time, and **never from a
//! private address or this machine** unless `media_networks` names it.
//!
//! Every name is resolved once and the connection goes to what was checked (a name that answers differently the second
//! time gains nothing); every redirect is checked anew. What comes in goes to the disk piece by piece.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use futures::StreamExt as _;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::super::failure::ApiError;
use super::super::session::Session;
use super::public::may_ask;
use super::{is_mimetype, lower, no_room, not_taken, too_large};
use crate::logging::chain;
use crate::outgoing::{self, Home, LeadsHome, is_of_this_machine};
use crate::uploads::{LARGEST, Upload};

/// How long a fetch may take altogether, and until there is a connection.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// The field that says where.
const FIELD: &str = "file.url";

/// Fetches a file, and its type where the server says it.
///
/// # Errors
/// What is wrong with the address or with what is there.
pub(super) async fn fetch(url: &str, session: &Session) -> Result<(Upload, Option<String>), ApiError> {
    let fetching = tokio::time::timeout(FETCHED_WITHIN, async {
        let (http, home) = (&session.http, Home::of(session.http.local));
        let (answer, said) = follow(url, &http.config.media_networks, home).await?;
        Ok((read(answer, session).await?, said))
    });
    fetching.await.unwrap_or_else(|_| Err(failed("did not answer in time")))
}

/// The answer that has the file, and the file's type where it says one.
async fn follow(
    url: &str,
    allowed: &[IpNet],
    home: Home,
) -> Result<(reqwest::Response, Option<String>), ApiError> {
    let mut url = checked(url, allowed, home)?;
    for _ in 0..=REDIRECTS {
        let client = client(allowed, home.is_port_of(&url))?;
        let answer = client.get(url.clone()).send().await.map_err(|error| explain(&error))?;
        if answer.status().is_redirection() {
            let next = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = next.and_then(|next| url.join(next).ok());
            url = checked(next.ok_or_else(|| failed("redirects to nowhere"))?.as_str(), allowed, home)?;
            continue;
        }
        if !answer.status().is_success() {
            return Err(failed(&format!("answers {}", answer.status().as_u16())));
        }
        let said = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = said.filter(|text| is_mimetype(text)).map(lower);
        let said = said.filter(|text| !text.starts_with("application/octet-stream"));
        return Ok((answer, said));
    }
    Err(failed("redirects too often"))
}

/// The file, for this session.
async fn read(answer: reqwest::Response, session: &Session) -> Result<Upload, ApiError> {
    let most = answer.content_length().unwrap_or(LARGEST);
    if most > LARGEST {
        return Err(too_large(FIELD));
    }
    let expected = session.http.uploads.expect(most).and_then(|expected| expected.of(session.user()));
    let expected = expected.map_err(|error| no_room(error, FIELD))?;
    let mut draft = expected.beginning().await.map_err(|error| not_taken(&error, FIELD))?;
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| explain(&error))?;
        draft = draft.taking(chunk).await.map_err(|error| not_taken(&error, FIELD))?;
    }
    Ok(draft.finish())
}

/// An address that may be asked. A name is checked when it is resolved; a number is checked here.
fn checked(url: &str, allowed: &[IpNet], home: Home) -> Result<Url, ApiError> {
    let wrong = || ApiError::field(FIELD, "has to be a http:// or https:// address without user name");
    let url = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(ip) if !may_ask(ip, allowed) => Err(not_public()),
        Ok(_) if home.is(&url) => Err(own()),
        _ => Ok(url),
    }
}

fn failed(what: &str) -> ApiError {
    ApiError::field(FIELD, format!("cannot be fetched: it {what}"))
}

fn not_public() -> ApiError {
    ApiError::field(FIELD, "leads to a private address; the service's media_networks has to name it")
}

fn own() -> ApiError {
    ApiError::field(FIELD, "leads to this service itself")
}

/// The address is the caller's own and is not repeated; what is wrong with it is found in the chain of causes.
fn explain(error: &reqwest::Error) -> ApiError {
    // Whoever is asked for a name hands on what we said to it as a text.
    let why = chain(error);
    if why.contains(NOT_PUBLIC) {
        return not_public();
    }
    if why.contains(&LeadsHome.to_string()) {
        return own();
    }
    failed(if error.is_timeout() { "did not answer in time" } else { "cannot be reached" })
}

/// A client for one request. Where the port is ours, no name leads to this machine, whatever `media_networks` says.
fn client(allowed: &[IpNet], is_our_port: bool) -> Result<reqwest::Client, ApiError> {
    // The first one wins; a second call changes nothing and is no error worth a word.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    outgoing::mark(&mut headers);
    reqwest::Client::builder()
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTED_WITHIN)
        .timeout(FETCHED_WITHIN)
        .dns_resolver(Arc::new(Public { allowed: allowed.into(), is_our_port }))
        .user_agent(concat!("colmeia/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            tracing::error!(error = chain(&error), "files cannot be fetched");
            ApiError::bug()
        })
}

/// Resolves names to addresses that may be asked, and to no others.
struct Public {
    allowed: Arc<[IpNet]>,
    is_our_port: bool,
}

const NOT_PUBLIC: &str = "the name leads to a private address";

#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
struct NotPublic;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, is_our_port) = (Arc::clone(&self.allowed), self.is_our_port);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One bad address among good ones is an attack, not an accident.
            if !found.iter().all(|address| may_ask(address.ip(), &allowed)) {
                return Err(NotPublic.into());
            }
            if is_our_port && found.iter().any(|address| is_of_this_machine(address.ip())) {
                return Err(LeadsHome.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static HOME: LazyLock<Home> = LazyLock::new(|| Home::of(([127, 0, 0, 1], 5001).into()));

    #[test]
    fn an_address_is_checked_before_anything_is_asked() {
        for url in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://me:pw@example.com/",
            "nothing",
            "http://",
            "http://[::ffff:7f00:1]/",
        ] {
            assert!(checked(url, &[], *HOME).is_err(), "{url}");
        }
        assert!(checked("https://example.com/a.png", &[], *HOME).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_asked() {
        let error = follow("http://localhost:1/", &[], *HOME).await.map(drop).expect_err("private");
        assert_eq!(error, not_public());
    }

    #[tokio::test]
    async fn we_do_not_ask_ourselves_whatever_may_be_asked() {
        let all = ["0.0.0.0/0".parse().expect("network"), "::/0".parse().expect("network")];
        for url in [
            "http://127.0.0.1:5001/api/keys",
            "http://[::1]:5001/",
            "http://localhost:5001/",
            "http://0:5001/",
        ] {
            let error = follow(url, &all, *HOME).await.map(drop).expect_err("ours");
            assert_eq!(error, own(), "{url}");
        }
        let other = follow("http://127.0.0.1:1/", &all, *HOME).await.map(drop).expect_err("nobody is there");
        assert_eq!(other, failed("cannot be reached"));
    }
}
