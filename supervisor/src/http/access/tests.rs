//! Each rule with the callers that it lets in and those that it turns away.

use colmeia::Secret;

use super::*;

const LOCAL: &str = "127.0.0.1";
const KEY: &str = "a-key-of-some-length";

fn access(listen: &str, trusted: &[&str]) -> Access {
    let config = ServiceConfig {
        trusted_networks: trusted.iter().map(|network| network.parse().expect("network")).collect(),
        api_keys: vec![Secret::new("another-key-entirely"), Secret::new(KEY)],
        ..ServiceConfig::default()
    };
    Access::new(listen.parse().expect("address"), &config)
}

fn ask(access: &Access, peer: &str, method: &Method, headers: &[(&str, &str)]) -> Result<(), Refusal> {
    let headers = headers.iter().map(|(name, value)| {
        (axum::http::HeaderName::from_bytes(name.as_bytes()).expect("name"), value.parse().expect("value"))
    });
    access.check(Some(peer.parse().expect("address")), method, &headers.collect())
}

#[test]
fn the_same_machine_needs_nothing_while_we_listen_on_loopback() {
    let (near, open) = (access("127.0.0.1:5001", &[]), access("0.0.0.0:5001", &[]));
    let host = [("host", "localhost:5001")];
    assert_eq!(ask(&near, LOCAL, &Method::POST, &host), Ok(()));
    assert_eq!(ask(&near, "::1", &Method::GET, &host), Ok(()));
    assert_eq!(ask(&near, "10.0.0.9", &Method::GET, &host), Err(Refusal::NoKey));
    assert_eq!(ask(&open, LOCAL, &Method::GET, &host), Err(Refusal::NoKey), "a proxy may stand there");
    assert_eq!(near.check(None, &Method::GET, &HeaderMap::new()), Err(Refusal::NoKey), "unknown is not near");
}

#[test]
fn a_trusted_network_needs_nothing() {
    let access = access("[::]:5001", &["10.0.0.0/24"]);
    assert_eq!(ask(&access, "10.0.0.9", &Method::POST, &[("host", "colmeia:5001")]), Ok(()));
    assert_eq!(ask(&access, "::ffff:10.0.0.9", &Method::POST, &[("host", "10.0.0.1:5001")]), Ok(()));
    assert_eq!(ask(&access, "10.0.1.9", &Method::POST, &[]), Err(Refusal::NoKey));
}

#[test]
fn everyone_else_needs_a_key() {
    let access = access("0.0.0.0:5001", &[]);
    for (name, value) in [("x-api-key", KEY), ("authorization", &format!("bearer {KEY}"))] {
        let headers = [("host", "api.example.com"), (name, value)];
        assert_eq!(ask(&access, "203.0.113.9", &Method::POST, &headers), Ok(()), "{name}");
    }
    for (name, value) in [
        ("x-api-key", "a-key-of-some-lengt"),
        ("x-api-key", ""),
        ("authorization", KEY),
        ("authorization", "Basic YTpi"),
        ("authorization", "bearer"),
    ] {
        assert_eq!(
            ask(&access, "203.0.113.9", &Method::GET, &[(name, value)]),
            Err(Refusal::NoKey),
            "{value}"
        );
    }
}

#[test]
fn a_rebound_name_is_refused() {
    let access = access("127.0.0.1:5001", &[]);
    for host in [
        "localhost:5001",
        "127.0.0.1:5001",
        "[::1]:5001",
        "[::1]",
        "10.1.2.3",
        "colmeia:5001",
        "LOCALHOST.",
        "colmeia.internal",
        "box.local:5001",
    ] {
        assert_eq!(ask(&access, LOCAL, &Method::GET, &[("host", host)]), Ok(()), "{host}");
    }
    for host in
        ["evil.example:5001", "127.0.0.1.nip.io:5001", "localhost.evil.example", "evil.example.", "a.b"]
    {
        assert_eq!(ask(&access, LOCAL, &Method::GET, &[("host", host)]), Err(Refusal::Host), "{host}");
    }
}

#[test]
fn another_site_may_only_link_to_us() {
    let access = access("127.0.0.1:5001", &[]);
    let with = |method: &Method, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("host", "localhost:5001")]).collect();
        ask(&access, LOCAL, method, &headers)
    };
    let refused = Err(Refusal::CrossSite);
    assert_eq!(
        with(&Method::POST, &[("origin", "http://localhost:5001"), ("sec-fetch-site", "same-origin")]),
        Ok(())
    );
    assert_eq!(with(&Method::POST, &[("sec-fetch-site", "none")]), Ok(()));
    for origin in
        ["http://evil.example", "http://localhost:5002", "null", "http://localhost:5001.evil.example"]
    {
        assert_eq!(with(&Method::POST, &[("origin", origin)]), refused, "{origin}");
    }
    for site in ["cross-site", "same-site", "a word of tomorrow"] {
        assert_eq!(
            with(&Method::POST, &[("sec-fetch-site", site), ("sec-fetch-mode", "navigate")]),
            refused,
            "{site}"
        );
    }
    let socket = |origin| [("upgrade", "websocket"), ("origin", origin)];
    assert_eq!(with(&Method::GET, &socket("http://localhost:5001")), Ok(()));
    assert_eq!(with(&Method::GET, &socket("http://localhost:5002")), refused, "it could read everything");
    let navigation = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(with(&Method::GET, &navigation), Ok(()));
    let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(with(&Method::GET, &image), refused, "an <img> must not start a browser");
    assert_eq!(
        with(&Method::GET, &[("sec-fetch-site", "same-site")]),
        Ok(()),
        "Flask's page shows our media"
    );
}
