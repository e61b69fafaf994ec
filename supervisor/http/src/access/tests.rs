//! The rules applied to whole requests. What follows from what is in `decision`'s tests.

use axum::http::Version;
use colmeia::Secret;

use super::super::external::Proxies;
use super::*;

const LOCAL: &str = "127.0.0.1";
const KEY: &str = "a-key-of-some-length";
const STRANGER: &str = "203.0.113.9";

struct Rules {
    access: Access,
    proxies: Proxies,
    /// Nothing is written there once the store is open.
    _folder: tempfile::TempDir,
}

/// Rules with keys of their own.
fn rules(listen: &str, change: impl FnOnce(&mut ServiceConfig)) -> Rules {
    let mut config = ServiceConfig {
        api_keys: vec![Secret::new("another-key-entirely"), Secret::new(KEY)],
        ..ServiceConfig::default()
    };
    change(&mut config);
    let folder = tempfile::tempdir().expect("folder");
    let store = Store::open(&folder.path().join("settings.db")).expect("opens");
    let access = Access::new(listen.parse().expect("address"), &config, store);
    Rules { access, proxies: Proxies::new(&config), _folder: folder }
}

/// Without any key.
fn keyless(listen: &str) -> Rules {
    rules(listen, |config| config.api_keys.clear())
}

impl Rules {
    fn ask(
        &self,
        path: &str,
        peer: &str,
        method: &Method,
        headers: &[(&str, &str)],
    ) -> Result<Caller, Refusal> {
        let headers = headers.iter().map(|(name, value)| {
            let name = axum::http::HeaderName::from_bytes(name.as_bytes()).expect("name");
            (name, value.parse().expect("value"))
        });
        let mut headers: HeaderMap = headers.collect();
        let uri: Uri = path.parse().expect("a path");
        let peer = peer.parse().ok();
        let client = self.proxies.settle(peer, Version::HTTP_11, &mut headers);
        let effect = crate::routes::effects().of(method, None);
        let asked = Asked { client, peer, method, uri: &uri, headers: &headers, effect };
        self.access.check(&asked).map(|passed| match passed {
            Passed::As(caller, _) => caller,
            other => panic!("{path} passes as {other:?}"),
        })
    }

    fn status(&self, peer: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        self.ask("/status", peer, &Method::GET, headers).map(drop)
    }

    fn api(&self, peer: &str, headers: &[(&str, &str)]) -> Result<(), Refusal> {
        self.ask("/api/sessions", peer, &Method::GET, headers).map(drop)
    }
}

const NO_KEY: Result<(), Refusal> = Err(Refusal::NoKey);
const WRONG: Result<(), Refusal> = Err(Refusal::WrongKey);

#[tokio::test]
async fn the_same_machine_needs_nothing_until_there_is_a_key_and_flask_not_even_then() {
    let (near, wide) = (keyless("127.0.0.1:5001"), keyless("0.0.0.0:5001"));
    for peer in [LOCAL, "::1", "::ffff:127.0.0.1"] {
        assert_eq!((near.status(peer, &[]), near.api(peer, &[])), (Ok(()), Ok(())), "{peer}");
    }
    assert_eq!(near.status("10.0.0.9", &[]), NO_KEY);
    assert_eq!(near.status("unknown", &[]), NO_KEY, "unknown is not near");
    assert_eq!(wide.status(LOCAL, &[]), NO_KEY, "a proxy may stand there");
    let keyed = rules("127.0.0.1:5001", |_| {});
    assert_eq!((keyed.status(LOCAL, &[]), keyed.api(LOCAL, &[])), (Ok(()), NO_KEY));
    for path in ["/metrics", "/sessions/3", "/api/events/stream", "/ws"] {
        assert_eq!(keyed.ask(path, LOCAL, &Method::GET, &[]).map(drop), NO_KEY, "{path}");
        assert!(near.ask(path, LOCAL, &Method::GET, &[]).is_ok(), "{path}");
    }
    let open = rules("127.0.0.1:5001", |config| config.local_access = LocalAccess::Open);
    assert_eq!((open.status(LOCAL, &[]), open.api(LOCAL, &[])), (Ok(()), Ok(())));
    assert_eq!(open.api(LOCAL, &[("x-api-key", "nobody-has-this-one")]), WRONG);
}

#[tokio::test]
async fn a_trusted_network_needs_nothing_for_flask_and_a_key_for_the_rest() {
    let rules =
        rules("[::]:5001", |config| config.trusted_networks = vec!["10.0.0.0/24".parse().expect("network")]);
    assert_eq!(
        rules.ask("/send", "10.0.0.9", &Method::POST, &[("host", "colmeia:5001")]),
        Ok(Caller::unlimited())
    );
    assert_eq!(rules.status("::ffff:10.0.0.9", &[("host", "10.0.0.1:5001")]), Ok(()));
    assert_eq!(rules.status("10.0.1.9", &[]), NO_KEY);
    for path in ["/api/sessions", "/api", "/ws", "/metrics", "/sessions/3"] {
        let ask = |headers: &[(&str, &str)]| rules.ask(path, "10.0.0.9", &Method::GET, headers);
        assert_eq!(ask(&[]), Err(Refusal::NoKey), "{path}");
        assert_eq!(ask(&[("x-api-key", KEY)]), Ok(Caller::unlimited()), "{path}");
    }
}

#[tokio::test]
async fn everyone_else_needs_a_key_and_a_wrong_one_is_refused_everywhere() {
    let (wide, near) = (rules("0.0.0.0:5001", |_| {}), keyless("127.0.0.1:5001"));
    for (name, value) in [("x-api-key", KEY), ("authorization", &format!("bearer {KEY}"))] {
        let headers = [("host", "api.example.com"), (name, value)];
        assert_eq!(wide.ask("/send", STRANGER, &Method::POST, &headers), Ok(Caller::unlimited()), "{name}");
    }
    let both = [("x-api-key", KEY), ("authorization", "Bearer of-a-proxy-before-us")];
    assert_eq!(wide.status(STRANGER, &both), Ok(()), "one of them counts");
    for (name, value) in
        [("x-api-key", "a-key-of-some-lengt"), ("authorization", "Bearer a-key-of-some-length-and-more")]
    {
        for path in ["/status", "/send", "/api/keys", "/metrics", "/", "/health", "/ping", "/nothing"] {
            for rules in [&wide, &near] {
                let refused = rules.ask(path, LOCAL, &Method::GET, &[(name, value)]).map(drop);
                assert!(
                    matches!(refused, Err(Refusal::WrongKey | Refusal::TooMany { .. })),
                    "{path} {value}"
                );
            }
        }
    }
    for (name, value) in [
        ("x-api-key", ""),
        ("authorization", KEY),
        ("authorization", "Basic YTpi"),
        ("authorization", "bearer "),
    ] {
        assert_eq!(wide.status(STRANGER, &[(name, value)]), NO_KEY, "{value}");
        assert_eq!(near.status(LOCAL, &[(name, value)]), Ok(()), "what is no key counts as none: {value}");
    }
}

#[tokio::test]
async fn a_key_may_stand_in_the_address_of_a_socket_and_nowhere_else() {
    let rules = rules("0.0.0.0:5001", |_| {});
    let ask = |path: String| rules.ask(&path, STRANGER, &Method::GET, &[]).map(drop);
    assert_eq!(ask(format!("/ws?session=*&x-api-key={KEY}")), Ok(()));
    assert_eq!(ask("/ws?session=*&x-api-key=not-a-key-of-ours".into()), WRONG);
    assert_eq!(ask(format!("/api/sessions?x-api-key={KEY}")), NO_KEY);
}

#[tokio::test]
async fn a_rebound_name_is_refused() {
    let rules = keyless("127.0.0.1:5001");
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
        assert_eq!(rules.status(LOCAL, &[("host", host)]), Ok(()), "{host}");
    }
    for host in
        ["evil.example:5001", "127.0.0.1.nip.io:5001", "localhost.evil.example", "evil.example.", "a.b"]
    {
        let rebound = [("host", host), ("sec-fetch-site", "same-origin")];
        assert_eq!(rules.status(LOCAL, &rebound), Err(Refusal::Host), "{host}");
        assert_eq!(rules.api(LOCAL, &rebound), Err(Refusal::Host), "{host}");
    }
}

#[tokio::test]
async fn another_site_may_only_link_to_us() {
    let rules = keyless("127.0.0.1:5001");
    let with = |method: &Method, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("host", "localhost:5001")]).collect();
        rules.ask("/status", LOCAL, method, &headers).map(drop)
    };
    let refused = Err(Refusal::CrossSite);
    let own = [("origin", "http://localhost:5001"), ("sec-fetch-site", "same-origin")];
    assert_eq!(with(&Method::POST, &own), Ok(()));
    assert_eq!(with(&Method::POST, &[("sec-fetch-site", "none")]), Ok(()));
    assert_eq!(with(&Method::POST, &[("origin", "http://localhost:5002")]), refused);
    for site in ["cross-site", "same-site", "a word of tomorrow"] {
        let navigation = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate")];
        assert_eq!(with(&Method::POST, &navigation), refused, "{site}");
        assert_eq!(with(&Method::GET, &navigation), Ok(()), "{site}");
    }
    let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(with(&Method::GET, &image), refused);
    let beside_us = [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(with(&Method::GET, &beside_us), Ok(()), "Flask's page shows our media");
}

#[tokio::test]
async fn behind_a_proxy_only_a_trusted_ones_word_counts() {
    let plain = keyless("127.0.0.1:5001");
    for sign in [
        ("x-forwarded-for", STRANGER),
        ("x-forwarded-for", LOCAL),
        ("via", "1.1 Caddy"),
        ("x-real-ip", LOCAL),
    ] {
        assert_eq!((plain.api(LOCAL, &[sign]), plain.status(LOCAL, &[sign])), (NO_KEY, NO_KEY), "{sign:?}");
    }
    let made = plain.ask("/api/keys", LOCAL, &Method::POST, &[("x-forwarded-for", STRANGER)]);
    assert_eq!(made, Err(Refusal::NoKey));
    let trusting = rules("127.0.0.1:5001", |config| {
        config.api_keys.clear();
        config.trusted_proxies = vec!["127.0.0.1/32".parse().expect("network")];
        config.trusted_networks = vec!["10.0.0.0/24".parse().expect("network")];
    });
    let from =
        |client: &str, path: &str| trusting.ask(path, LOCAL, &Method::GET, &[("x-forwarded-for", client)]);
    assert_eq!(from(STRANGER, "/status"), Err(Refusal::NoKey));
    assert_eq!(from(STRANGER, "/api/keys"), Err(Refusal::NoKey));
    assert!(from("10.0.0.9", "/status").is_ok() && from(LOCAL, "/api/keys").is_ok());
    assert_eq!(trusting.status(LOCAL, &[]), Ok(()), "Flask beside the proxy");
    // A page's origin is compared with the name outside.
    let form = [
        ("host", "127.0.0.1:5001"),
        ("x-forwarded-host", "localhost:8080"),
        ("x-forwarded-for", LOCAL),
        ("origin", "http://localhost:8080"),
    ];
    assert!(trusting.ask("/sessions", LOCAL, &Method::POST, &form).is_ok());
}

#[tokio::test]
async fn what_we_ask_ourselves_is_refused_and_another_of_us_is_a_stranger() {
    let rules = keyless("127.0.0.1:5001");
    let mut ours = HeaderMap::new();
    ssrf::mark(&mut ours);
    let (name, mark) = ours.iter().next().expect("a mark");
    for path in ["/disconnect?user_id=1", "/api/keys", "/health"] {
        let asked = rules.ask(path, LOCAL, &Method::POST, &[(name.as_str(), mark.to_str().expect("text"))]);
        assert_eq!(asked.map(drop), Err(Refusal::Loop), "{path}");
        if path != "/health" {
            let other = rules.ask(path, LOCAL, &Method::POST, &[(name.as_str(), "another")]);
            assert_eq!(other.map(drop), NO_KEY, "{path}");
        }
    }
}

#[tokio::test]
async fn a_key_with_limits_opens_the_api_and_nothing_else_and_ends_when_it_is_closed() {
    for listen in ["0.0.0.0:5001", "127.0.0.1:5001"] {
        let rules = keyless(listen);
        let store = &rules.access.store;
        let actions = colmeia_store::Actions { read: true, ..Default::default() };
        let sessions = [colmeia::UserId::for_port(1)].into();
        let grants =
            colmeia_store::NewKey { name: String::new(), active: true, admin: false, sessions, actions };
        let (key, secret) = store.add_key(None, grants.clone()).await.expect("made");
        let shown = [("x-api-key", secret.expose())];
        let caller = rules.ask("/api/sessions", LOCAL, &Method::GET, &shown).expect("let in");
        assert!(caller.may(KeyAction::Read, &colmeia::UserId::for_port(1)) && !caller.is_admin());
        assert_eq!(rules.status(LOCAL, &shown), Err(Refusal::Limited));
        assert_eq!(rules.api(LOCAL, &[]), NO_KEY, "there is a key now");
        let basis = Basis::Key(colmeia_store::digest(secret.expose().as_bytes()), caller);
        store.update_key(&key.id, colmeia_store::NewKey { active: false, ..grants }).await.expect("closed");
        rules.access.ended(&basis).await;
        assert_eq!(rules.api(LOCAL, &shown), WRONG);
        store.remove_key(&key.id).await.expect("removed");
        assert_eq!(rules.api(LOCAL, &shown), WRONG, "a key that is gone is not none");
        assert_eq!(rules.api(LOCAL, &[("x-api-key", secret.expose()), ("host", "localhost")]), WRONG);
    }
}

#[tokio::test]
async fn what_a_person_chose_is_not_compared_after_too_many_wrong_keys_and_what_we_made_is() {
    let rules = rules("0.0.0.0:5001", |_| {});
    let grants = colmeia_store::NewKey {
        name: String::new(),
        active: true,
        admin: true,
        sessions: [].into(),
        actions: colmeia_store::Actions::ALL,
    };
    let (_, made) = rules.access.store.add_key(None, grants).await.expect("made");
    let ask = |peer: &str, key: &str| rules.api(peer, &[("x-api-key", key)]);
    for n in 0..10 {
        assert_eq!(ask(STRANGER, &format!("a-guess-of-a-key-{n}")), WRONG, "{n}");
    }
    for guess in ["one-more-guess-of-a-key", KEY] {
        assert_eq!(ask(STRANGER, guess), Err(Refusal::TooMany { secs: 6 }), "{guess}");
    }
    assert_eq!(ask(STRANGER, made.expose()), Ok(()));
    assert_eq!(ask("203.0.113.10", KEY), Ok(()));
}

#[tokio::test]
async fn a_visit_ends_with_its_key_and_with_its_sign_out() {
    let rules = keyless("0.0.0.0:5001");
    let grants = colmeia_store::NewKey {
        name: String::new(),
        active: true,
        admin: true,
        sessions: [].into(),
        actions: colmeia_store::Actions::ALL,
    };
    let (key, secret) = rules.access.store.add_key(None, grants).await.expect("made");
    let peer = Peer::new("203.0.113.9:4000".parse().expect("address"));
    let visit = || {
        let cookie = rules.access.sign_in(secret.expose(), peer, &HeaderMap::new()).expect("signed in");
        let pair = cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned();
        HeaderMap::<HeaderValue>::from_iter([(axum::http::header::COOKIE, pair.parse().expect("value"))])
    };
    let basis = |visit: &HeaderMap| Basis::Visit(Visit::of(visit).expect("named").digest());
    let first = visit();
    let cookie = first["cookie"].to_str().expect("text");
    assert_eq!(rules.status(STRANGER, &[("cookie", cookie)]), Ok(()));
    let wrong = rules.access.sign_in("none of the keys", peer, &HeaderMap::new());
    assert_eq!(wrong.map(drop), WRONG);
    let ended = basis(&first);
    tokio::join!(rules.access.ended(&ended), async {
        rules.access.visitors.sign_out(&Visit::of(&first).expect("named"), &HeaderMap::new());
    });
    let second = visit();
    let ended = basis(&second);
    tokio::join!(rules.access.ended(&ended), async {
        rules.access.store.remove_key(&key.id).await.expect("removed");
    });
    assert!(!rules.access.is_signed_in(&second));
}
