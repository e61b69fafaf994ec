//! Requests that we make ourselves, for sessions' webhooks and for files: **none of them reaches ourselves**. Who may
//! only configure a session would else be called on this machine through it, where no key is asked for.
//!
//! Owns two walls. [`Home`] knows which addresses lead to our port, whatever they are called: a number in a URL is
//! looked at before the request, a name when a connection was made and nothing is sent yet ([`Home::leads_to`]), each
//! redirect anew. And each request is marked ([`mark`]): what finds its way back through somebody else is refused when it
//! comes in.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, LazyLock};

use colmeia::config::ServiceConfig;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::dns::Resolver;

/// Says whose request it is.
const MARK: HeaderName = HeaderName::from_static("x-colmeia-sender");

/// What stands in it: this process and no other.
static OURS: LazyLock<HeaderValue> = LazyLock::new(|| {
    let id: u128 = rand::random();
    HeaderValue::from_str(&format!("{id:032x}")).unwrap_or(HeaderValue::from_static("colmeia"))
});

/// Whose mark a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// Nobody's.
    No,
    /// That of another Colmeia, or of one that pretends.
    Another,
    /// Ours.
    Ours,
}

/// Marks a request as ours, whatever it said before.
pub fn mark(headers: &mut HeaderMap) {
    headers.insert(MARK, OURS.clone());
}

/// Whose request has come in.
pub fn marked(headers: &HeaderMap) -> Marked {
    let mut marks = headers.get_all(MARK).into_iter();
    match marks.next() {
        None => Marked::No,
        Some(first) if *first == *OURS || marks.any(|mark| *mark == *OURS) => Marked::Ours,
        Some(_) => Marked::Another,
    }
}

/// Where a request would reach us; cheap to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    port: u16,
}

/// A request would have reached ourselves.
#[derive(Debug, thiserror::Error)]
#[error("the address is this service's own; nothing was sent")]
pub struct LeadsHome;

impl Home {
    /// That of the service that listens there.
    pub fn of(listen: SocketAddr) -> Self {
        Self { port: listen.port() }
    }

    /// Whether this is our port, so that it matters where the name leads.
    pub fn is_port_of(self, url: &Url) -> bool {
        url.port_or_known_default() == Some(self.port)
    }

    /// Whether a URL names an address of this machine, by number, and our port. Of a name the connection shows it.
    pub fn is(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or_default();
        host.parse::<IpAddr>().is_ok_and(|ip| self.leads_to((ip, port).into()))
    }

    /// Whether a connection to this address reaches us.
    pub fn leads_to(self, address: SocketAddr) -> bool {
        address.port() == self.port && is_of_this_machine(address.ip())
    }

    /// Whether a URL leads here now, by number or by name.
    pub async fn is_reached_by(self, url: &Url, names: &Resolver) -> bool {
        let Some(host) = url.host_str().filter(|_| self.is_port_of(url)) else { return false };
        match names.find(host).await {
            Ok(found) => found.into_iter().any(|address| self.leads_to((address, self.port).into())),
            Err(_) => false,
        }
    }
}

/// Which receivers of the configuration are this service itself: nothing will be delivered there. Each is logged with
/// its key.
pub async fn tell_of_own_receivers(config: Arc<ServiceConfig>, names: Resolver) {
    for key in own_receivers(&config, &names).await {
        tracing::error!(key, "this receiver's address is the service's own; nothing is ever delivered there");
    }
}

async fn own_receivers(config: &ServiceConfig, names: &Resolver) -> Vec<String> {
    let flask = ("webhook_url".to_owned(), &config.webhook_url);
    let others = config.webhooks.iter().enumerate();
    let others = others.map(|(index, webhook)| (format!("webhooks[{index}].url"), &webhook.url));
    let mut own = Vec::new();
    for (key, url) in std::iter::once(flask).chain(others) {
        let Ok(url) = Url::parse(url) else { continue };
        if Home::of(config.listen).is_reached_by(&url, names).await {
            own.push(key);
        }
    }
    own
}

/// Whether a connection to this address ends on this machine. In doubt it does.
pub fn is_of_this_machine(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    // Linux connects 0.0.0.0 to itself. Any other address of this machine can be bound and a foreign one cannot, so
    // binding is the test.
    ip.is_unspecified()
        || ip.is_loopback()
        || !matches!(UdpSocket::bind((ip, 0)), Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_port_is_home_however_this_machine_is_spelt() {
        let home = Home::of("0.0.0.0:5001".parse().expect("address"));
        for url in [
            "http://127.0.0.1:5001/disconnect?user_id=1",
            "http://127.9.8.7:5001/",
            "http://0.0.0.0:5001/",
            "http://0:5001/",
            "http://2130706433:5001/",
            "http://0x7f.1:5001/",
            "http://[::1]:5001/",
            "http://[::]:5001/",
            "http://[::ffff:127.0.0.1]:5001/",
            "http://[::ffff:7f00:1]:5001/",
            "https://127.0.0.1:5001/",
            "http://me:pw@127.0.0.1:5001/",
        ] {
            assert!(home.is(&Url::parse(url).expect(url)), "{url}");
        }
        for url in [
            "http://127.0.0.1:5002/",
            "http://127.0.0.1/",
            "http://192.0.2.1:5001/",
            "http://localhost:5001/",
        ] {
            assert!(!home.is(&Url::parse(url).expect(url)), "{url}");
        }
        let usual = Home::of("0.0.0.0:80".parse().expect("address"));
        assert!(usual.is(&Url::parse("http://127.0.0.1/").expect("a URL")));
    }

    #[test]
    fn every_address_of_this_machines_interfaces_is_its_own() {
        // The address from which a route to elsewhere would go out; without a network there is none.
        let out = UdpSocket::bind("0.0.0.0:0").expect("bound");
        if out.connect("192.0.2.1:9").is_ok() {
            assert!(is_of_this_machine(out.local_addr().expect("bound").ip()));
        }
        assert!(!is_of_this_machine("192.0.2.1".parse().expect("address")));
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_known() {
        let home = Home::of("127.0.0.1:5001".parse().expect("address"));
        let names = Resolver::of_system().expect("names");
        assert!(home.is_reached_by(&Url::parse("http://localhost:5001/x").expect("a URL"), &names).await);
        assert!(!home.is_reached_by(&Url::parse("http://localhost:5002/x").expect("a URL"), &names).await);
    }

    #[tokio::test]
    async fn the_configurations_own_receivers_are_named() {
        let webhook = |url: &str| {
            serde_json::from_value(serde_json::json!({"url": url, "events": ["*"]})).expect("one")
        };
        let names = Resolver::of_system().expect("names");
        let config = ServiceConfig {
            webhook_url: "http://localhost:5001/webhook".into(),
            webhooks: ["http://127.0.0.1:5002/", "http://[::1]:5001/x", "https://example.invalid:5001/"]
                .map(webhook)
                .into(),
            ..ServiceConfig::default()
        };
        assert_eq!(own_receivers(&config, &names).await, ["webhook_url", "webhooks[1].url"]);
        assert!(own_receivers(&ServiceConfig::default(), &names).await.is_empty());
    }

    #[test]
    fn our_mark_is_known_and_cannot_be_taken_off() {
        let mut headers = HeaderMap::new();
        assert_eq!(marked(&headers), Marked::No);
        headers.insert(MARK, HeaderValue::from_static("0"));
        assert_eq!(marked(&headers), Marked::Another);
        mark(&mut headers);
        assert_eq!(marked(&headers), Marked::Ours);
        headers.append(MARK, HeaderValue::from_static("0"));
        assert_eq!(marked(&headers), Marked::Ours);
    }
}
