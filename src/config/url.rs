//! Addresses in the configuration. Pure.

/// Whether this is an address that a browser or an HTTP client can open. What they make of the rest is theirs;
/// this only catches what cannot work, and credentials, which would show in logs.
pub(super) fn is_http_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty()
        && !host.starts_with(':')
        && !host.contains('@')
        && url.bytes().all(|b| b.is_ascii_graphic())
}
