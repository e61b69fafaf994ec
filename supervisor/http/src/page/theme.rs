//! [`Theme`]: light, dark or as the system has it. A cookie remembers the choice, and the page says it to the style sheet,
//! so that nothing flickers and no script is needed.

use axum::http::{HeaderMap, HeaderValue};

use super::super::cookies;

/// What keeps the choice. Ports share cookies, so it says whose it is.
const COOKIE_NAME: &str = "colmeia_theme";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        cookies::value(headers, COOKIE_NAME)
            .and_then(|cookie| Self::of_tag(cookie.value()))
            .unwrap_or_default()
    }

    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.tag() == tag)
    }

    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What remembers it for a year.
    pub(super) fn cookie(self, path: &str) -> HeaderValue {
        cookies::set(&cookies::of(COOKIE_NAME, self.tag(), path).max_age(cookie::time::Duration::days(365)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_remembered_and_nothing_else_is_one() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            let cookie = theme.cookie("/").to_str().expect("text").to_owned();
            assert!(cookie.contains("SameSite=Strict"), "{cookie}");
            let pair = cookie.split(';').next().expect("a pair");
            let headers = HeaderMap::from_iter([(axum::http::header::COOKIE, pair.parse().expect("value"))]);
            assert_eq!(Theme::of(&headers), theme);
        }
        assert_eq!((Theme::of_tag("pink"), Theme::of(&HeaderMap::new())), (None, Theme::System));
    }
}
