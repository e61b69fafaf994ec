//! Each rule with the callers that it lets in and those that it turns away.

use colmeia::Secret;

use super::*;

const LOCAL: &str = "127.0.0.1";
const KEY: &str = "a-key-of-some-length";

/// Rules without keys of their own; the folder may go, nothing is written.
fn access(listen: &str, trusted: &[&str]) -> Access {
    access_with(listen, trusted, store::tests::store().0)
}

fn access_with(listen: &str, trusted: &[&str], store: Store) -> Access {
    let config = ServiceConfig {
        trusted_networks: trusted.iter().map(|network| network.parse().expect("network")).collect(),
        api_keys: vec![Secret::new("another-key-entirely"), Secret::new(KEY)],
        ..ServiceConfig::default()
    };
    Access::new(listen.parse().expect("address"), &config, store)
}

fn ask(access: &Access, peer: &str, method: &Method, headers: &[(&str, &str)]) -> Result<(), Refusal> {
    ask_for(access, "/status", peer, method, headers).map(drop)
}

fn ask_for(
    access: &Access,
    path: &str,
    peer: &str,
    method: &Method,
    headers: &[(&str, &str)],
) -> Result<Caller, Refusal> {
    let headers = headers.iter().map(|(name, value)| {
        (axum::http::HeaderName::from_bytes(name.as_bytes()).expect("name"), value.parse().expect("value"))
    });
    let uri = path.parse().expect("a path");
    access.check(Some(peer.parse().expect("address")), method, &uri, &headers.collect())
}

#[test]
fn the_same_machine_needs_nothing_while_we_listen_on_loopback() {
    let (near, open) = (access("127.0.0.1:5001", &[]), access("0.0.0.0:5001", &[]));
    let host = [("host", "localhost:5001")];
    assert_eq!(ask(&near, LOCAL, &Method::POST, &host), Ok(()));
    assert_eq!(ask(&near, "::1", &Method::GET, &host), Ok(()));
    assert_eq!(ask(&near, "10.0.0.9", &Method::GET, &host), Err(Refusal::NoKey));
    assert_eq!(ask(&open, LOCAL, &Method::GET, &host), Err(Refusal::NoKey), "a proxy may stand there");
    let unknown = near.check(None, &Method::GET, &Uri::from_static("/status"), &HeaderMap::new());
    assert_eq!(unknown, Err(Refusal::NoKey), "unknown is not near");
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

#[test]
fn the_api_needs_a_key_beyond_loopback_also_from_a_trusted_network() {
    let (near, open) = (access("127.0.0.1:5001", &[]), access("0.0.0.0:5001", &["10.0.0.0/24"]));
    let host = [("host", "colmeia:5001")];
    assert_eq!(ask_for(&near, "/api/sessions", LOCAL, &Method::GET, &host), Ok(Caller::unlimited()));
    assert_eq!(ask_for(&open, "/status", "10.0.0.9", &Method::GET, &host), Ok(Caller::unlimited()));
    for path in ["/api/sessions", "/api", "/ws"] {
        assert_eq!(ask_for(&open, path, "10.0.0.9", &Method::GET, &host), Err(Refusal::NoKey), "{path}");
        let key = [("x-api-key", KEY)];
        assert_eq!(ask_for(&open, path, "10.0.0.9", &Method::GET, &key), Ok(Caller::unlimited()), "{path}");
    }
    let in_address = format!("/ws?session=*&x-api-key={KEY}");
    assert_eq!(ask_for(&open, &in_address, "10.0.0.9", &Method::GET, &host), Ok(Caller::unlimited()));
    let elsewhere = format!("/api/sessions?x-api-key={KEY}");
    assert_eq!(ask_for(&open, &elsewhere, "10.0.0.9", &Method::GET, &host), Err(Refusal::NoKey));
}

#[tokio::test]
async fn a_key_with_limits_opens_the_api_and_nothing_else_and_ends_when_it_is_closed() {
    let (store, _folder) = store::tests::store();
    let access = access_with("0.0.0.0:5001", &[], store.clone());
    let actions = store::Actions { read: true, ..Default::default() };
    let sessions = [colmeia::UserId::for_port(1)].into();
    let grants = store::NewKey { name: String::new(), active: true, admin: false, sessions, actions };
    let (key, secret) = store.add_key(None, grants.clone()).await.expect("made");
    let shown = [("x-api-key", secret.expose())];
    let caller = ask_for(&access, "/api/sessions", "203.0.113.9", &Method::GET, &shown).expect("let in");
    assert!(caller.may(Action::Read, &colmeia::UserId::for_port(1)) && !caller.is_admin());
    assert_eq!(ask(&access, "203.0.113.9", &Method::GET, &shown), Err(Refusal::Limited));
    store.update_key(&key.id, store::NewKey { active: false, ..grants }).await.expect("closed");
    let closed = ask_for(&access, "/api/sessions", "203.0.113.9", &Method::GET, &shown);
    assert_eq!(closed, Err(Refusal::NoKey));
}

#[test]
fn what_needs_no_key_is_named() {
    for (path, surface) in [
        ("/health", Surface::Open),
        ("/ping", Surface::Open),
        ("/docs/index.html", Surface::Open),
        ("/openapi.json", Surface::Open),
        ("/api/sessions", Surface::Api),
        ("/ws", Surface::Api),
        ("/apix", Surface::Pages),
        ("/docsx", Surface::Pages),
        ("/", Surface::Pages),
        ("/qr", Surface::Pages),
    ] {
        assert_eq!(Surface::of(path), surface, "{path}");
    }
}
