//! How a request reached us: who called, and by which address. Reverse proxies tell it in headers, and so can anyone.
//!
//! Owns what is believed of that ([`Proxies::settle`], once per request, before anything else reads a header): **after
//! it `X-Forwarded-Proto`, `-Host` and `-Prefix` stand in a request only as a trusted proxy or the configuration said
//! them**, each once and in a valid form, and the other headers of proxies not at all. From them come the address that
//! answers name ([`base`]), where cookies and links lead ([`prefix`]), and what a page's origin is compared with
//! ([`host`]). Pure.
//!
//! | who is directly at the other end | the caller is |
//! | --- | --- |
//! | somebody, and no header of a proxy | that somebody |
//! | a trusted proxy | the right-most address of `X-Forwarded-For` (or `Forwarded`) that is no trusted proxy's |
//! | anyone else with such a header, or with HTTP/1.0 as nginx's plain `proxy_pass` speaks it | unknown |

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{FORWARDED, HOST, HeaderName, LOCATION, VIA};
use axum::http::{HeaderMap, HeaderValue, Uri, Version};
use axum::response::Response;
use colmeia::config::{ServiceConfig, is_base_path};
use ipnet::IpNet;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// What only a proxy says. Programs that call us themselves send none of it.
const SIGNS: [HeaderName; 12] = [
    FOR,
    PROTO,
    FORWARDED_HOST,
    PREFIX,
    REAL_IP,
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("x-client-ip"),
];

/// Whose word counts, and what is configured instead of it.
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    base_path: Option<HeaderValue>,
}

/// What the proxies say together.
#[derive(Default)]
struct ForwardedFor {
    client: Option<IpAddr>,
    https: Option<bool>,
    host: Option<String>,
}

impl Proxies {
    pub(super) fn new(config: &ServiceConfig) -> Self {
        let base_path = Some(config.base_path.as_str()).filter(|path| !path.is_empty());
        let base_path = base_path.and_then(|path| HeaderValue::from_str(path).ok());
        Self { trusted: config.trusted_proxies.clone(), base_path }
    }

    /// Who called, as far as it is known, and of the proxies' headers leaves only what is believed.
    pub(super) fn settle(
        &self,
        peer: Option<IpAddr>,
        version: Version,
        headers: &mut HeaderMap,
    ) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.to_canonical());
        let proxied = headers.keys().any(|name| SIGNS.contains(name));
        let trusted = proxied && peer.is_some_and(|peer| self.trusts(peer));
        let said = if trusted { self.hear(headers) } else { ForwardedFor::default() };
        let prefix = self.base_path.clone().or_else(|| if trusted { prefix_said(headers) } else { None });
        if proxied {
            SIGNS.iter().for_each(|name| drop(headers.remove(name)));
        }
        if let Some(https) = said.https {
            headers.insert(PROTO, HeaderValue::from_static(if https { "https" } else { "http" }));
        }
        if let Some(host) = said.host.and_then(|host| HeaderValue::from_str(&host).ok()) {
            headers.insert(FORWARDED_HOST, host);
        }
        if let Some(prefix) = prefix {
            headers.insert(PREFIX, prefix);
        }
        match proxied {
            true => said.client,
            false => peer.filter(|_| version >= Version::HTTP_11),
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// What a trusted proxy says, and those before it that are trusted too.
    fn hear(&self, headers: &HeaderMap) -> ForwardedFor {
        let elements = listed(headers, &FORWARDED);
        let (mut by_forwarded, mut https, mut host) = (None, None, None);
        for element in elements.iter().rev() {
            let value = |key: &str| {
                let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(key));
                values.next().map(|(_, value)| value.trim().trim_matches('"'))
            };
            https = value("proto").map(|proto| proto.eq_ignore_ascii_case("https")).or(https);
            host = value("host").map(str::to_owned).or(host);
            by_forwarded = value("for").and_then(address);
            if !by_forwarded.is_some_and(|sender| self.trusts(sender)) {
                break;
            }
        }
        let senders = listed(headers, &FOR);
        let mut by_for = None;
        for sender in senders.iter().rev() {
            by_for = address(sender);
            if !by_for.is_some_and(|sender| self.trusts(sender)) {
                break;
            }
        }
        let client = match (elements.is_empty(), senders.is_empty()) {
            (true, true) => listed(headers, &REAL_IP).first().copied().and_then(address),
            (true, false) => by_for,
            (false, true) => by_forwarded,
            // A proxy adds to one of them and lets the other one through, whoever wrote it.
            (false, false) => by_for.filter(|client| Some(*client) == by_forwarded),
        };
        let last = |name: &HeaderName| listed(headers, name).last().copied();
        let host = last(&FORWARDED_HOST).map(str::to_owned).or(host);
        ForwardedFor {
            client,
            https: last(&PROTO).map(|proto| proto.eq_ignore_ascii_case("https")).or(https),
            host: host.filter(|host| is_host(host)),
        }
    }
}

/// The entries of a header that is a list, however many lines it has.
fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let lines = headers.get_all(name).into_iter();
    // A line that is no text is an entry that says nothing.
    let lines = lines.map(|line| line.to_str().unwrap_or("unknown"));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

/// An address with or without a port, in any of the forms that proxies write.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(ip.to_canonical())
}

fn prefix_said(headers: &HeaderMap) -> Option<HeaderValue> {
    let path = listed(headers, &PREFIX).last()?.trim_end_matches('/');
    Some(path)
        .filter(|path| !path.is_empty() && is_base_path(path))
        .and_then(|p| HeaderValue::from_str(p).ok())
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The address under which the caller knows us, without a slash at its end: `https://example.com/colmeia`. Without a
/// name it is where we listen. For requests that were settled.
pub(super) fn base(headers: &HeaderMap, local: SocketAddr) -> String {
    let scheme = if is_tls(headers) { "https" } else { "http" };
    let host = host(headers).filter(|host| is_host(host)).map_or_else(|| local.to_string(), str::to_owned);
    format!("{scheme}://{host}{}", prefix(headers))
}

/// The path before all our paths: empty, or `/colmeia`. For requests that were settled.
pub(super) fn prefix(headers: &HeaderMap) -> &str {
    text(headers, &PREFIX).unwrap_or_default()
}

/// The same, to be kept beyond the request.
pub(super) fn prefix_value(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(PREFIX).cloned()
}

/// Leads who is sent to another path of ours to where that is outside: handlers know only our own paths.
pub(super) fn lead_below(prefix: Option<HeaderValue>, mut response: Response) -> Response {
    if let Some(prefix) = prefix
        && let Some(place) = response.headers_mut().get_mut(LOCATION)
        && place.as_bytes().starts_with(b"/")
        && let Ok(below) = HeaderValue::from_bytes(&[prefix.as_bytes(), place.as_bytes()].concat())
    {
        *place = below;
    }
    response
}

/// The path of our cookies. For requests that were settled.
pub(super) fn cookie_path(headers: &HeaderMap) -> &str {
    Some(prefix(headers)).filter(|prefix| !prefix.is_empty()).unwrap_or("/")
}

/// The name by which the caller knows us, with the port where it said one. For requests that were settled.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    text(headers, &FORWARDED_HOST).or_else(|| text(headers, &HOST))
}

/// Whether the caller came by TLS, which ends before us. For requests that were settled.
pub(super) fn is_tls(headers: &HeaderMap) -> bool {
    text(headers, &PROTO) == Some("https")
}

/// The address without the configured path before it, which a proxy may have left there.
pub(super) fn below(base_path: &str, uri: &Uri) -> Option<Uri> {
    if base_path.is_empty() {
        return None;
    }
    let rest = uri.path_and_query()?.as_str().strip_prefix(base_path)?;
    match rest.as_bytes().first() {
        None => Some(Uri::from_static("/")),
        Some(b'/') => rest.parse().ok(),
        Some(b'?') => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proxies(trusted: &[&str], base_path: &str) -> Proxies {
        Proxies::new(&ServiceConfig {
            trusted_proxies: trusted.iter().map(|network| network.parse().expect("network")).collect(),
            base_path: base_path.into(),
            ..ServiceConfig::default()
        })
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (name.parse::<HeaderName>().expect("name"), value.parse().expect("value")))
            .collect()
    }

    fn client(proxies: &Proxies, peer: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let peer = Some(peer.parse().expect("address"));
        proxies.settle(peer, Version::HTTP_11, &mut headers(pairs)).map(|ip| ip.to_string())
    }

    const NEAR: &str = "127.0.0.1";

    #[test]
    fn without_a_proxy_the_caller_is_who_is_there() {
        let none = proxies(&[], "");
        assert_eq!(client(&none, NEAR, &[("host", "x")]).as_deref(), Some(NEAR));
        assert_eq!(client(&none, "::ffff:10.0.0.1", &[]).as_deref(), Some("10.0.0.1"));
        assert_eq!(none.settle(None, Version::HTTP_11, &mut HeaderMap::new()), None);
        let plain_nginx =
            none.settle(NEAR.parse().ok(), Version::HTTP_10, &mut headers(&[("host", "127.0.0.1:5001")]));
        assert_eq!(plain_nginx, None, "nginx's plain proxy_pass says nothing else of itself");
    }

    #[test]
    fn a_proxy_that_nobody_trusts_hides_the_caller() {
        let (none, other) = (proxies(&[], ""), proxies(&["10.0.0.0/8"], ""));
        for sign in
            ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "CF-Connecting-IP", "X-Forwarded-Proto"]
        {
            for value in ["127.0.0.1", "", "for=127.0.0.1"] {
                assert_eq!(client(&none, NEAR, &[(sign, value)]), None, "{sign}: {value}");
                assert_eq!(client(&other, NEAR, &[(sign, value)]), None, "{sign}: {value}");
            }
        }
    }

    #[test]
    fn a_trusted_proxys_word_counts_from_the_right() {
        let trusting = proxies(&["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"], "");
        for (name, value, found) in [
            ("x-forwarded-for", "203.0.113.9", Some("203.0.113.9")),
            ("x-forwarded-for", "127.0.0.1, 203.0.113.9", Some("203.0.113.9")),
            ("x-forwarded-for", "127.0.0.1, 203.0.113.9, 10.1.1.1", Some("203.0.113.9")),
            ("x-forwarded-for", "203.0.113.9:4711,[fd00::1]:80", Some("203.0.113.9")),
            ("x-forwarded-for", "::ffff:203.0.113.9", Some("203.0.113.9")),
            ("x-forwarded-for", "127.0.0.1", Some("127.0.0.1")),
            ("x-forwarded-for", "127.0.0.1, unknown", None),
            ("x-forwarded-for", "127.0.0.1, unknown, 10.0.0.1", None),
            ("x-forwarded-for", "", None),
            ("x-real-ip", "203.0.113.9", Some("203.0.113.9")),
            ("forwarded", "for=203.0.113.9;proto=https;by=10.0.0.1", Some("203.0.113.9")),
            ("forwarded", "for=127.0.0.1, For=\"[2001:db8::7]:4711\"", Some("2001:db8::7")),
            ("forwarded", "for=127.0.0.1, for=_hidden", None),
            ("forwarded", "proto=https", None),
            ("via", "1.1 squid", None),
            ("cf-connecting-ip", "127.0.0.1", None),
        ] {
            assert_eq!(client(&trusting, NEAR, &[(name, value)]).as_deref(), found, "{name}: {value}");
        }
        let both = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=127.0.0.1")];
        assert_eq!(client(&trusting, NEAR, &both), None, "one of them was let through");
        let lines = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client(&trusting, NEAR, &lines).as_deref(), Some("203.0.113.9"));
        assert_eq!(
            client(&trusting, "192.0.2.1", &[("x-forwarded-for", NEAR)]),
            None,
            "the sender is a stranger"
        );
    }

    #[test]
    fn the_address_outside_is_the_trusted_proxys_and_nobody_elses() {
        let local = "127.0.0.1:5001".parse().expect("address");
        let said = [
            ("host", "127.0.0.1:5001"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "example.com"),
            ("x-forwarded-prefix", "/colmeia/"),
        ];
        let settled = |proxies: &Proxies, pairs: &[(&str, &str)]| {
            let mut headers = headers(pairs);
            proxies.settle(NEAR.parse().ok(), Version::HTTP_11, &mut headers);
            (base(&headers, local), is_tls(&headers))
        };
        let trusting = proxies(&["127.0.0.0/8"], "");
        assert_eq!(settled(&trusting, &said), ("https://example.com/colmeia".into(), true));
        assert_eq!(settled(&proxies(&[], ""), &said), ("http://127.0.0.1:5001".into(), false));
        assert_eq!(settled(&proxies(&[], "/base"), &said).0, "http://127.0.0.1:5001/base");
        assert_eq!(settled(&proxies(&["127.0.0.0/8"], "/base"), &said).0, "https://example.com/base");
        let standard =
            [("host", "x"), ("forwarded", "for=203.0.113.9;host=\"example.com:8443\";proto=https")];
        assert_eq!(settled(&trusting, &standard).0, "https://example.com:8443");
        for prefix in ["//evil.example", "/a/../b", "/a?b=", "evil", "/", ""] {
            let pairs = [("host", "h"), ("x-forwarded-for", NEAR), ("x-forwarded-prefix", prefix)];
            assert_eq!(settled(&trusting, &pairs).0, "http://h", "{prefix}");
        }
        let odd = [("host", "h"), ("x-forwarded-for", NEAR), ("x-forwarded-host", "a/b")];
        assert_eq!(settled(&trusting, &odd).0, "http://h");
        assert_eq!(base(&HeaderMap::new(), local), "http://127.0.0.1:5001");
    }

    #[test]
    fn what_a_proxy_left_of_the_path_is_taken_off() {
        let below = |uri: &str| below("/colmeia", &uri.parse().expect("uri")).map(|uri| uri.to_string());
        assert_eq!(below("/colmeia/qr?user_id=1").as_deref(), Some("/qr?user_id=1"));
        assert_eq!(below("/colmeia").as_deref(), Some("/"));
        assert_eq!(below("/colmeia?x=1").as_deref(), Some("/?x=1"));
        assert_eq!(below("/colmeiax"), None);
        assert_eq!(below("/qr"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_a_caller_writes_makes_it_somebody_else(
            forged in "[0-9a-f.:, \\[\\]\"a-z=;]{0,60}",
            through in prop::sample::select(vec!["x-forwarded-for", "forwarded", "x-real-ip", "via"]),
        ) {
            let forged = HeaderValue::from_str(&forged).expect("visible");
            // The proxy appends the address that it saw, after whatever was there before.
            let mut all = HeaderMap::new();
            all.append(HeaderName::from_static(through), forged);
            all.append(FOR, HeaderValue::from_static("203.0.113.9"));
            let found = proxies(&["127.0.0.1/32"], "").settle(NEAR.parse().ok(), Version::HTTP_11, &mut all);
            prop_assert!(found.is_none_or(|ip| ip.to_string() == "203.0.113.9"), "{found:?}");
            prop_assert!(SIGNS.iter().all(|name| !all.contains_key(name) || all.get_all(name).iter().count() == 1));
        }
    }
}
