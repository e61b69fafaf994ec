//! [`Shown`]: an address as it may be printed and logged. Owns what of one may be a secret. Pure.

use std::fmt;

/// What stands in the place of what may be a secret.
const HIDDEN: &str = "***";

/// An address without what may be a token: whoever has some addresses may post in somebody's name.
///
/// Scheme, host and port are shown, and of the path what are plain words. The user's name and password, the query and what
/// stands behind `#` are not, and neither is a part of the path that is long or mixes letters and digits.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl Shown<'_> {
    /// Scheme, host and port, with `://` between them; nothing of a text that is no address.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let (scheme, rest) = self.0.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        (!host.is_empty()).then(|| format!("{scheme}://{host}"))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origin) = self.origin() else { return f.write_str(HIDDEN) };
        f.write_str(&origin)?;
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
        let end = rest.find(['?', '#']).unwrap_or(rest.len());
        let (path, behind) = rest.split_at(end);
        for (index, part) in path.split('/').enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            f.write_str(if is_word(part) { part } else { HIDDEN })?;
        }
        if behind.is_empty() { Ok(()) } else { write!(f, "?{HIDDEN}") }
    }
}

/// Whether a part of a path is no token.
fn is_word(part: &str) -> bool {
    let (letters, digits) =
        (part.contains(|c: char| c.is_ascii_alphabetic()), part.contains(|c: char| c.is_ascii_digit()));
    part.len() < 16
        && !part.contains(['%', '=', '@'])
        && !(part.len() >= 8 && digits)
        && (letters || !digits || part.len() < 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_token_is_hidden() {
        for (address, shown) in [
            ("http://localhost:5002/webhook", "http://localhost:5002/webhook"),
            ("http://localhost:5002/webhook/", "http://localhost:5002/webhook/"),
            ("https://x.example", "https://x.example"),
            ("https://x.example/v1/events/7", "https://x.example/v1/events/7"),
            ("https://x.example/hook?token=hunter2", "https://x.example/hook?***"),
            ("https://x.example?token=hunter2", "https://x.example?***"),
            ("https://me:hunter2@x.example:8443/a#hunter2", "https://x.example:8443/a?***"),
            ("https://a@b@x.example/", "https://x.example/"),
            (
                "https://hooks.example/services/T0000000000/B0000000/XXXXXXXXXXXXXXXX",
                "https://hooks.example/services/***/***/***",
            ),
            ("https://n8n.example/webhook/1f0c2b34-9a55", "https://n8n.example/webhook/***"),
            ("https://x.example/123456", "https://x.example/***"),
            ("hunter2", "***"),
            ("", "***"),
            ("http:///hunter2", "***"),
        ] {
            assert_eq!(Shown(address).to_string(), shown, "{address}");
        }
    }
}
