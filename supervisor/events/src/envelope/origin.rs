//! [`Origin`]: where files of messages are found by whoever reads of them. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use colmeia::UserId;
use colmeia::config::ServiceConfig;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// `http://host:port`, and perhaps a path, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Arc<str>);

impl Origin {
    /// For a reader whom nobody knows, as a webhook's: `public_url`, else where we listen. What earlier callers called
    /// us by does not count: any of them could lead all readers elsewhere.
    pub fn of(config: &ServiceConfig, local: SocketAddr) -> Self {
        Self::public(config).unwrap_or_else(|| {
            // Who listens everywhere listens here.
            let ip = match local.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                ip => ip,
            };
            Self(format!("http://{}", SocketAddr::new(ip, local.port())).into())
        })
    }

    /// For a caller who used this address, such as `http://host:port`.
    pub fn for_caller(config: &ServiceConfig, used: &str) -> Self {
        Self::public(config).unwrap_or_else(|| Self(used.trim_end_matches('/').into()))
    }

    fn public(config: &ServiceConfig) -> Option<Self> {
        config.public_url.as_deref().map(|url| Self(url.trim_end_matches('/').into()))
    }

    /// Where the file of a session's message is, behind the key.
    pub fn file(&self, user: &UserId, message: &str) -> String {
        let id = percent_encoded(message).replace("%40", "@");
        format!("{}/api/files/{user}/{id}", self.0)
    }
}

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text as a part of an address.
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(any(test, feature = "testing"))]
impl Origin {
    /// This one.
    pub fn test(text: &str) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_counts_before_the_callers_and_that_before_our_own() {
        let user: UserId = "2_1".parse().expect("valid");
        let mut config = ServiceConfig::default();
        let local = |text: &str| text.parse::<SocketAddr>().expect(text);
        for (listen, origin) in [
            ("127.0.0.1:5001", "http://127.0.0.1:5001"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.3:5001", "http://10.0.0.3:5001"),
        ] {
            assert_eq!(Origin::of(&config, local(listen)), Origin::test(origin));
        }
        assert_eq!(Origin::for_caller(&config, "http://wa:5001"), Origin::test("http://wa:5001"));
        config.public_url = Some("https://example.com/wa/".into());
        for origin in [Origin::of(&config, local("0.0.0.0:80")), Origin::for_caller(&config, "http://evil")] {
            assert_eq!(
                origin.file(&user, "false_55@c.us_3A é"),
                "https://example.com/wa/api/files/2_1/false_55@c.us_3A%20%C3%A9"
            );
        }
    }
}
