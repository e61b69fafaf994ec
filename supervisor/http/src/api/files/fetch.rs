//! Files that are fetched from an address: `http` and `https` only, within a size and a time, and **never from a
//! private address or this machine** unless `media_networks` names it.
//!
//! Every name is resolved once and the connection goes to what was checked (a name that answers differently the second
//! time gains nothing); every redirect is checked anew. What comes in goes to the disk piece by piece.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use colmeia::UserId;
use colmeia::errors::{Lack, chain, lack_of};
use futures::StreamExt as _;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::mimetype::{is_mimetype, lower};
use super::public::may_ask;
use super::refusals::{no_room, not_taken, too_large};
use crate::errors::ApiError;
use colmeia_host::connecting;
use colmeia_host::dns::Resolver;
use colmeia_host::shares::Holder;
use colmeia_host::shortage::{Shortage, no_socket};
use colmeia_host::ssrf::{self, Home, LeadsHome, is_of_this_machine};
use colmeia_host::uploads::{LARGEST, Upload, Uploads};

/// How long a fetch may take altogether, and until there is a connection.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// The field that says where.
const FIELD: &str = "file.url";

/// For whom a file is fetched.
#[derive(Clone, Copy)]
pub(super) struct Taker<'a> {
    pub(super) uploads: &'a Uploads,
    /// Whose part of the room it takes.
    pub(super) holder: &'a Holder,
    pub(super) user: &'a UserId,
}

/// The clients for all files: what a client has (certificates, connections) is there once.
pub(in super::super::super) struct Fetcher {
    names: Resolver,
    allowed: Arc<[IpNet]>,
    home: Home,
    shortage: Shortage,
    /// For our own port, at which no name may lead to this machine, and for all others.
    clients: [OnceLock<reqwest::Client>; 2],
}

impl Fetcher {
    /// Files from these networks may be fetched although they are private.
    pub(in super::super::super) fn new(
        names: Resolver,
        allowed: &[IpNet],
        home: Home,
        shortage: Shortage,
    ) -> Self {
        Self { names, allowed: allowed.into(), home, shortage, clients: Default::default() }
    }

    /// Fetches a file, and its type where the server says it.
    ///
    /// # Errors
    /// What is wrong with the address or with what is there.
    pub(super) async fn fetch(
        &self,
        url: &str,
        taker: Taker<'_>,
    ) -> Result<(Upload, Option<String>), ApiError> {
        let fetching = tokio::time::timeout(FETCHED_WITHIN, async {
            let (answer, said) = self.follow(url).await?;
            Ok((read(answer, taker).await?, said))
        });
        fetching.await.unwrap_or_else(|_| Err(failed("did not answer in time")))
    }

    /// The answer that has the file, and the file's type where it says one.
    async fn follow(&self, url: &str) -> Result<(reqwest::Response, Option<String>), ApiError> {
        let mut url = self.checked(url)?;
        for _ in 0..=REDIRECTS {
            let answer = match self.client(&url)?.get(url.clone()).send().await {
                Ok(answer) => answer,
                Err(error) => return Err(self.unasked(&url, &error).await),
            };
            if answer.status().is_redirection() {
                let next = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
                let next = next.and_then(|next| url.join(next).ok());
                url = self.checked(next.ok_or_else(|| failed("redirects to nowhere"))?.as_str())?;
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

    /// Why nothing came.
    async fn unasked(&self, url: &Url, error: &reqwest::Error) -> ApiError {
        let lack = if error.is_connect() { connecting::lack(error, url, &self.names).await } else { None };
        match lack {
            Some(lack) => self.without_means(lack),
            None => explain(error),
        }
    }

    fn checked(&self, url: &str) -> Result<Url, ApiError> {
        checked(url, &self.allowed, self.home)
    }

    /// The client for an address. One that cannot be made now, for certificates are read for it, may be made the next time.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, ApiError> {
        let is_our_port = self.home.is_port_of(url);
        let place = &self.clients[usize::from(is_our_port)];
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let public = Public { names: self.names.clone(), allowed: Arc::clone(&self.allowed), is_our_port };
        match client(public) {
            Ok(client) => Ok(place.get_or_init(|| client)),
            Err(error) => match lack_of(&error).or_else(|| lack_of(&no_socket()?)) {
                Some(lack) => Err(self.without_means(lack)),
                None => Err(ApiError::failed(&error, "files cannot be fetched")),
            },
        }
    }

    fn without_means(&self, lack: Lack) -> ApiError {
        self.shortage.noticed(lack);
        ApiError::no_means(lack)
    }
}

/// The file, on the disk.
async fn read(answer: reqwest::Response, taker: Taker<'_>) -> Result<Upload, ApiError> {
    let most = answer.content_length().unwrap_or(LARGEST);
    if most > LARGEST {
        return Err(too_large(FIELD));
    }
    let expected = taker.uploads.expect(most, taker.holder).and_then(|expected| expected.of(taker.user));
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

fn client(public: Public) -> reqwest::Result<reqwest::Client> {
    // The first one wins; a second call changes nothing and is no error worth a word.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    ssrf::mark(&mut headers);
    reqwest::Client::builder()
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTED_WITHIN)
        .timeout(FETCHED_WITHIN)
        // A connection that is used again would lead where the name led before.
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(public))
        .user_agent(concat!("colmeia/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Resolves names to addresses that may be asked, and to no others.
struct Public {
    names: Resolver,
    allowed: Arc<[IpNet]>,
    is_our_port: bool,
}

const NOT_PUBLIC: &str = "the name leads to a private address";

#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
struct NotPublic;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, allowed, is_our_port) = (self.names.clone(), Arc::clone(&self.allowed), self.is_our_port);
        Box::pin(async move {
            let found = names.find(name.as_str()).await?;
            // One bad address among good ones is an attack, not an accident.
            if !found.iter().all(|address| may_ask(*address, &allowed)) {
                return Err(NotPublic.into());
            }
            if is_our_port && found.iter().any(|address| is_of_this_machine(*address)) {
                return Err(LeadsHome.into());
            }
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static HOME: LazyLock<Home> = LazyLock::new(|| Home::of(([127, 0, 0, 1], 5001).into()));

    fn fetcher(allowed: &[IpNet]) -> Fetcher {
        Fetcher::new(Resolver::of_system().expect("names"), allowed, *HOME, Shortage::never())
    }

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
        let error = fetcher(&[]).follow("http://localhost:1/").await.map(drop).expect_err("private");
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
            let error = fetcher(&all).follow(url).await.map(drop).expect_err("ours");
            assert_eq!(error, own(), "{url}");
        }
        let other = fetcher(&all).follow("http://127.0.0.1:1/").await.map(drop).expect_err("nobody is there");
        assert_eq!(other, failed("cannot be reached"));
    }
}
