//! [`Site`]: whose page a request comes from, as far as its browser says. Pure.
//!
//! Browsers say it in `Sec-Fetch-Site`, but only to addresses that they trust (TLS and this machine) and not the old
//! ones; else `Origin` and `Referer` have to do. Programs say none of it. **A browser that says nothing at all may come
//! from anywhere**: it is known by its name.

use axum::http::HeaderMap;
use axum::http::header::{ORIGIN, REFERER, USER_AGENT};

use crate::effect::Effect;

/// Whose page is behind a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Site {
    /// Ours, nobody's (a person typed the address), or no browser's.
    Own,
    /// That of another port or name of our site, such as Flask's.
    Same,
    /// Anybody's.
    Foreign {
        /// A link was followed, or something else that shows the answer and lets the page not read it.
        navigates: bool,
    },
    /// A browser does not say.
    Unsaid,
}

impl Site {
    /// What this request's browser says. `host` is the name by which it knows us.
    pub(in super::super) fn of(headers: &HeaderMap, host: Option<&str>) -> Self {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let ours = |origin: &str| {
            let theirs = origin.split_once("://").and_then(|(_, rest)| rest.split('/').next());
            theirs.zip(host).is_some_and(|(theirs, host)| theirs.eq_ignore_ascii_case(host))
        };
        let origin = text(ORIGIN.as_str());
        match text("sec-fetch-site") {
            Some("same-origin") => Self::Own,
            // Extensions say this too, and their origin.
            Some("none") if origin.is_none_or(ours) => Self::Own,
            Some("same-site") => Self::Same,
            Some(_) => Self::Foreign { navigates: text("sec-fetch-mode") == Some("navigate") },
            None => match (origin, text(REFERER.as_str())) {
                (Some(origin), _) if ours(origin) => Self::Own,
                (Some(_), _) => Self::Foreign { navigates: false },
                (None, Some(referer)) if ours(referer) => Self::Own,
                (None, Some(_)) => Self::Foreign { navigates: true },
                (None, None)
                    if text(USER_AGENT.as_str()).is_some_and(|name| name.starts_with("Mozilla/")) =>
                {
                    Self::Unsaid
                }
                (None, None) => Self::Own,
            },
        }
    }

    /// Whether such a page may cause this. Nothing is left to pages of others but to link to what only looks; Flask's
    /// page beside us may show what we have.
    pub(in super::super) fn may_cause(self, effect: Effect) -> bool {
        match self {
            Self::Own => true,
            Self::Same | Self::Unsaid | Self::Foreign { navigates: true } => effect == Effect::None,
            Self::Foreign { navigates: false } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(pairs: &[(&str, &str)]) -> Site {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = axum::http::HeaderName::from_bytes(name.as_bytes()).expect("name");
            (name, value.parse().expect("value"))
        });
        Site::of(&pairs.collect(), Some("localhost:5001"))
    }

    #[test]
    fn what_the_browser_says_first_counts_and_then_where_the_page_is() {
        const LINK: Site = Site::Foreign { navigates: true };
        const OTHER: Site = Site::Foreign { navigates: false };
        const CHROME: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/143");
        let fetch = |site| ("sec-fetch-site", site);
        for (headers, expected) in [
            (&[][..], Site::Own),
            (&[("user-agent", "python-requests/2.32")], Site::Own),
            (&[CHROME], Site::Unsaid),
            (&[CHROME, fetch("none")], Site::Own),
            (&[fetch("none"), ("origin", "chrome-extension://abc")], OTHER),
            (&[fetch("same-origin"), ("origin", "https://behind.a.proxy.example")], Site::Own),
            (&[fetch("same-site")], Site::Same),
            (&[fetch("cross-site")], OTHER),
            (&[fetch("cross-site"), ("sec-fetch-mode", "no-cors")], OTHER),
            (&[fetch("cross-site"), ("sec-fetch-mode", "navigate")], LINK),
            (&[fetch("a word of tomorrow")], OTHER),
            (&[CHROME, ("origin", "http://localhost:5001")], Site::Own),
            (&[("origin", "http://LOCALHOST:5001")], Site::Own),
            (&[("origin", "http://localhost:5002")], OTHER),
            (&[("origin", "http://localhost:5001.evil.example")], OTHER),
            (&[("origin", "null")], OTHER),
            (&[("origin", "http://evil.example"), ("referer", "http://localhost:5001/qr")], OTHER),
            (&[CHROME, ("referer", "http://localhost:5001/qr?user_id=1")], Site::Own),
            (&[CHROME, ("referer", "http://localhost:5001@evil.example/")], LINK),
            (&[CHROME, ("referer", "http://evil.example/localhost:5001")], LINK),
            (&[("referer", "nothing")], LINK),
        ] {
            assert_eq!(site(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn only_our_own_pages_and_programs_cause_a_change() {
        let all = [
            Site::Own,
            Site::Same,
            Site::Unsaid,
            Site::Foreign { navigates: true },
            Site::Foreign { navigates: false },
        ];
        for site in all {
            for effect in [Effect::Change, Effect::Page] {
                assert_eq!(site.may_cause(effect), site == Site::Own, "{site:?}");
            }
            assert_eq!(site.may_cause(Effect::None), site != Site::Foreign { navigates: false }, "{site:?}");
        }
    }
}
