//! Files that come with a request, as base64 or as an address, and files of messages that go out.
//!
//! Owns the fetching: `http` and `https` only, within a size and a time, and **never from a private address or this
//! machine** unless `media_networks` names it. Every name is resolved once and the connection goes to what was
//! checked (a name that answers differently the second time gains nothing); every redirect is checked anew.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Bytes, BytesMut};
use colmeia::protocol::{Call, Reply};
use futures::StreamExt as _;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::super::Http;
use super::answer::Raw;
use super::failure::ApiError;
use super::session::Session;
use crate::logging::chain;

/// The largest file: WhatsApp's cap for everyday media.
const LARGEST: usize = 64 * 1024 * 1024;
/// How long a fetch may take altogether, and until there is a connection.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// How many redirects are followed.
const REDIRECTS: usize = 5;
/// Padding may be missing, as some clients write it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// A file of a request: `data` or `url`.
#[derive(Deserialize, ToSchema)]
pub(super) struct FileArg {
    /// Its type; when absent that of the address's answer, else what the operation is about.
    #[serde(default, deserialize_with = "text_or_nothing")]
    mimetype: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "text_or_nothing")]
    filename: Option<String>,
    /// In base64, with or without a `data:` address around it.
    #[serde(default)]
    data: Option<String>,
    /// Where it is fetched.
    #[serde(default)]
    url: Option<String>,
}

/// A file that is there.
pub(super) struct File {
    pub(super) bytes: Bytes,
    pub(super) mimetype: String,
    pub(super) filename: String,
}

/// The SDK's types for voice and video ask for an object where a text is meant.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

impl FileArg {
    /// The file, fetched if need be. `usual` is its type where nobody says.
    pub(super) async fn get(self, http: &Http, usual: &str) -> Result<File, ApiError> {
        let (bytes, said) = match (self.data, self.url) {
            (Some(data), _) if !data.is_empty() => (decode(&data)?, None),
            (_, Some(url)) if !url.is_empty() => fetch(&url, &http.config.media_networks).await?,
            _ => return Err(ApiError::field("file", "has to have data or url")),
        };
        if bytes.is_empty() {
            return Err(ApiError::field("file", "is empty"));
        }
        let mimetype = self.mimetype.or(said).unwrap_or_else(|| usual.to_owned());
        if !is_mimetype(&mimetype) {
            return Err(ApiError::field("file.mimetype", "has to be a type such as image/png"));
        }
        let filename = self.filename.unwrap_or_else(|| usual_name(&mimetype));
        if filename.chars().count() > 255 || filename.chars().any(|c| c.is_control() || c == '/') {
            return Err(ApiError::field(
                "file.filename",
                "has to be a file's name of at most 255 characters",
            ));
        }
        Ok(File { bytes, mimetype, filename })
    }
}

/// `type/subtype` and perhaps parameters.
fn is_mimetype(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= 127
        && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && essence.split_once('/').is_some_and(|(family, sub)| token(family) && token(sub))
}

fn usual_name(mimetype: &str) -> String {
    let sub = mimetype.split(';').next().unwrap_or_default().split('/').nth(1).unwrap_or("bin");
    let ending = match sub.trim() {
        "jpeg" => "jpg",
        "plain" => "txt",
        "octet-stream" => "bin",
        sub if sub.len() <= 5 && sub.bytes().all(|b| b.is_ascii_alphanumeric()) => sub,
        _ => "bin",
    };
    format!("file.{ending}")
}

fn decode(data: &str) -> Result<Bytes, ApiError> {
    let data = match data.split_once(";base64,") {
        Some((scheme, data)) if scheme.starts_with("data:") => data,
        _ => data,
    };
    if data.len() / 4 * 3 > LARGEST {
        return Err(too_large());
    }
    let bytes = BASE64.decode(data.trim()).map_err(|_| ApiError::field("file.data", "has to be base64"))?;
    Ok(bytes.into())
}

fn too_large() -> ApiError {
    let error = format!("The file is larger than {} MiB", LARGEST / 1024 / 1024);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, error)
}

/// Fetches a file, and its type where the server says it.
async fn fetch(url: &str, allowed: &[IpNet]) -> Result<(Bytes, Option<String>), ApiError> {
    let fetching = tokio::time::timeout(FETCHED_WITHIN, follow(url, allowed));
    fetching.await.unwrap_or_else(|_| Err(failed("did not answer in time")))
}

async fn follow(url: &str, allowed: &[IpNet]) -> Result<(Bytes, Option<String>), ApiError> {
    let client = client(allowed)?;
    let mut url = checked(url, allowed)?;
    for _ in 0..=REDIRECTS {
        let answer = client.get(url.clone()).send().await.map_err(|error| explain(&error))?;
        if answer.status().is_redirection() {
            let next = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = next.and_then(|next| url.join(next).ok());
            url = checked(next.ok_or_else(|| failed("redirects to nowhere"))?.as_str(), allowed)?;
            continue;
        }
        if !answer.status().is_success() {
            return Err(failed(&format!("answers {}", answer.status().as_u16())));
        }
        let said = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = said.filter(|text| is_mimetype(text) && !text.starts_with("application/octet-stream"));
        let said = said.map(str::to_owned);
        return Ok((read(answer).await?, said));
    }
    Err(failed("redirects too often"))
}

async fn read(answer: reqwest::Response) -> Result<Bytes, ApiError> {
    if answer.content_length().is_some_and(|length| length > LARGEST as u64) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| explain(&error))?;
        if bytes.len() + chunk.len() > LARGEST {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// An address that may be asked. A name is checked when it is resolved; a number is checked here.
fn checked(url: &str, allowed: &[IpNet]) -> Result<Url, ApiError> {
    let wrong = || ApiError::field("file.url", "has to be a http:// or https:// address without user name");
    let url = Url::parse(url).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(ip) if !may_ask(ip, allowed) => Err(not_public()),
        _ => Ok(url),
    }
}

fn failed(what: &str) -> ApiError {
    ApiError::field("file.url", format!("cannot be fetched: it {what}"))
}

fn not_public() -> ApiError {
    ApiError::field("file.url", "leads to a private address; the service's media_networks has to name it")
}

/// The address is the caller's own and is not repeated; what is wrong with it is found in the chain of causes.
fn explain(error: &reqwest::Error) -> ApiError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>()
            || error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.get_ref().is_some_and(|e| e.is::<NotPublic>()))
        {
            return not_public();
        }
        cause = error.source();
    }
    if chain(error).contains(NOT_PUBLIC) {
        return not_public();
    }
    failed(if error.is_timeout() { "did not answer in time" } else { "cannot be reached" })
}

fn client(allowed: &[IpNet]) -> Result<reqwest::Client, ApiError> {
    // The first one wins; a second call changes nothing and is no error worth a word.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTED_WITHIN)
        .timeout(FETCHED_WITHIN)
        .dns_resolver(Arc::new(Public { allowed: allowed.into() }))
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
}

const NOT_PUBLIC: &str = "the name leads to a private address";

#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
struct NotPublic;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One bad address among good ones is an attack, not an accident.
            if !found.iter().all(|address| may_ask(address.ip(), &allowed)) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether a file may be fetched from there.
fn may_ask(ip: IpAddr, allowed: &[IpNet]) -> bool {
    let ip = ip.to_canonical();
    is_public(ip) || allowed.iter().any(|network| network.contains(&ip))
}

/// Whether an address is everybody's: none of the special ones of RFC 6890 and its successors. Addresses that carry
/// another one in them are what they carry.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            let s = ip.segments();
            let carried = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match s {
                [0, 0, 0, 0, 0, _, high, low] => s[5] == 0xffff && carried(high, low),
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => carried(high, low),
                [0x64, 0xff9b, ..] => false,
                [0x2002, high, low, ..] => carried(high, low),
                [0x2001, second, ..] if second < 0x200 => false,
                [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
                _ => is_global_unicast(ip),
            }
        }
    }
}

/// `2000::/3`; everything else is local, multicast or not given out.
fn is_global_unicast(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xe000 == 0x2000
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || match ip.octets() {
            [0, ..] | [240..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => true,
            [100, second, ..] => (64..128).contains(&second),
            [198, second, ..] => second == 18 || second == 19,
            _ => false,
        })
}

/// The file of a message.
#[derive(Deserialize, ToSchema)]
pub(super) struct MessageFileArgs {
    /// The message's id.
    message: String,
}

/// `GET /api/files/{session}/{message}`: it comes from strangers and is served from our origin, so no script of
/// theirs runs there: it is a download in a sandbox, whatever it says it is.
pub(super) async fn of_message(session: Session, args: MessageFileArgs) -> Result<Raw, ApiError> {
    let call = Call::DownloadMedia { message: args.message };
    let (Reply::Media { mimetype, filename }, bytes) = session.call(call).await? else {
        return Err(ApiError::wrong_reply());
    };
    let mimetype = Some(mimetype).filter(|text| is_mimetype(text));
    let content_type = mimetype.and_then(|text| HeaderValue::from_str(&text).ok());
    let name = filename.unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c)).collect();
    let disposition =
        if name.is_empty() { "attachment".into() } else { format!("attachment; filename=\"{name}\"") };
    let fixed = HeaderValue::from_static;
    let headers = [
        (CONTENT_TYPE, content_type.unwrap_or(fixed("application/octet-stream"))),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(fixed("attachment"))),
        (CONTENT_SECURITY_POLICY, fixed("sandbox")),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (CACHE_CONTROL, fixed("private, max-age=31536000")),
    ];
    Ok(Raw(axum::response::IntoResponse::into_response((headers, bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn private_addresses_in_any_dress_are_not_asked() {
        for ip in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!may_ask(ip.parse().expect(ip), &[]), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(may_ask(ip.parse().expect(ip), &[]), "{ip}");
        }
        let mine: IpNet = "10.0.0.0/24".parse().expect("network");
        assert!(may_ask("10.0.0.9".parse().expect("ip"), &[mine]));
        assert!(may_ask("::ffff:10.0.0.9".parse().expect("ip"), &[mine]));
        assert!(!may_ask("10.0.1.9".parse().expect("ip"), &[mine]));
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
            assert!(checked(url, &[]).is_err(), "{url}");
        }
        assert!(checked("https://example.com/a.png", &[]).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_asked() {
        let error = fetch("http://localhost:1/", &[]).await.expect_err("private");
        assert_eq!(error, not_public());
    }

    #[test]
    fn data_may_be_written_as_clients_write_it() {
        for data in ["b2k=", "b2k", "data:text/plain;base64,b2k=", " b2k=\n"] {
            assert_eq!(decode(data).expect(data).as_ref(), b"oi");
        }
        assert!(decode("no base64!").is_err());
    }

    proptest! {
        #[test]
        fn what_a_v6_address_carries_counts(a: u8, b: u8, c: u8, d: u8) {
            let v4 = Ipv4Addr::new(a, b, c, d);
            prop_assert_eq!(may_ask(v4.to_ipv6_mapped().into(), &[]), is_public_v4(v4));
        }
    }
}
