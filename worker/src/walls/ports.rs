//! Which TCP ports the page, or the proxy before it, needs. Pure.

use async_tungstenite::tungstenite::http::Uri;
use colmeia::config::Proxy;

/// Where WhatsApp Web lives.
const WHATSAPP: &str = "web.whatsapp.com";
/// Its media (443), redirects and certificate checks (80), its socket's second port (5222), and name resolution
/// when an answer is too long for a datagram (53).
const WHATSAPP_PORTS: [u16; 4] = [443, 80, 5222, 53];

/// The ports that a browser with this page may connect to; none for what is no page's address.
pub(super) fn of_page(url: &str) -> Vec<u16> {
    // Only the part that counts: the rest may hold what a URI must not.
    let origin = url.split(['?', '#']).next().unwrap_or_default();
    let Ok(uri) = origin.parse::<Uri>() else { return Vec::new() };
    let by_scheme = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return Vec::new(),
    };
    let mut ports = vec![uri.port_u16().unwrap_or(by_scheme)];
    if uri.host() == Some(WHATSAPP) {
        ports.extend(WHATSAPP_PORTS.iter().filter(|port| **port != by_scheme));
    }
    ports
}

/// The ports of a browser that goes through a proxy: the proxy's, and the one for looking its name up.
pub(super) fn of_proxy(proxy: &Proxy) -> Vec<u16> {
    proxy.address().map_or_else(Vec::new, |(_, port)| vec![port, 53])
}

#[cfg(test)]
mod tests {
    use super::{Proxy, of_page, of_proxy};

    #[test]
    fn behind_a_proxy_nothing_else_is_reached() {
        let proxy = Proxy { server: "http://p:3128".into(), username: None, password: None };
        assert_eq!(of_proxy(&proxy), [3128, 53]);
    }

    #[test]
    fn the_pages_own_port_and_for_whatsapp_what_it_uses_besides() {
        assert_eq!(of_page("http://127.0.0.1:8910/?late=2000"), [8910]);
        assert_eq!(of_page("http://[::1]:8910/#x y"), [8910]);
        assert_eq!(of_page("http://simulator"), [80]);
        assert_eq!(of_page("https://web.whatsapp.com/"), [443, 80, 5222, 53]);
        assert_eq!(of_page("file:///etc/passwd"), [] as [u16; 0]);
    }
}
