//! What a caller would like: HTML or JSON, Portuguese or English (RFC 9110, 12.5).

use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

use super::cookies;

/// What keeps a choice of language. Ports share cookies, so it says whose it is.
const COOKIE_NAME: &str = "colmeia_language";

/// The languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Portuguese,
    English,
}

impl Language {
    /// What was chosen on a page, else Portuguese unless the browser prefers English.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if let Some(chosen) = Self::chosen(headers) {
            return chosen;
        }
        let (mut portuguese, mut english) = (0, 0);
        for (tag, quality) in weighted(headers, &ACCEPT_LANGUAGE) {
            match tag.split('-').next() {
                Some("pt") => portuguese = portuguese.max(quality),
                Some("en") => english = english.max(quality),
                _ => {}
            }
        }
        if english > portuguese { Self::English } else { Self::Portuguese }
    }

    /// The language of this tag, if there is one.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        [Self::Portuguese, Self::English].into_iter().find(|language| language.tag() == tag)
    }

    /// What remembers a choice for a year.
    pub(super) fn cookie(self, path: &str) -> HeaderValue {
        cookies::set(&cookies::of(COOKIE_NAME, self.tag(), path).max_age(cookie::time::Duration::days(365)))
    }

    fn chosen(headers: &HeaderMap) -> Option<Self> {
        Self::of_tag(cookies::value(headers, COOKIE_NAME)?.value())
    }

    /// Of the same in both languages, what is in this one.
    pub(super) fn pick<T>(self, portuguese: T, english: T) -> T {
        match self {
            Self::Portuguese => portuguese,
            Self::English => english,
        }
    }

    /// Its tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Portuguese => "pt-BR",
            Self::English => "en",
        }
    }
}

/// Whether a page is wanted. Programs say `*/*`, `application/json` or nothing; browsers name HTML.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json, mut anything) = (0, None, 0);
    for (kind, quality) in weighted(headers, &ACCEPT) {
        match kind.as_str() {
            "text/html" | "application/xhtml+xml" => html = html.max(quality),
            "application/json" => json = Some(quality),
            "*/*" => anything = quality,
            _ => {}
        }
    }
    match json {
        Some(json) => html > json,
        None => html > 0 && html >= anything,
    }
}

/// The header's entries in lower case with their quality in thousandths.
fn weighted(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, u16)> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(entry).collect()
}

fn entry(text: &str) -> (String, u16) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
        .map_or(1.0, |(_, value)| value.trim().parse::<f32>().unwrap_or(0.0));
    // A float cast saturates, and NaN becomes 0.
    (name, (quality.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().expect("header"))])
    }

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("text/html", true),
            ("text/html, */*", true),
            ("TEXT/HTML;q=0.5, application/json;q=0.4", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, text/html;q=0.9", false),
            ("application/json, text/html", false),
            ("text/html;q=0.1, */*", false),
            ("text/html;q=0", false),
            ("text/html;q=nonsense", false),
            ("text/event-stream", false),
        ] {
            assert_eq!(wants_html(&headers(ACCEPT, accept)), html, "{accept}");
        }
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn a_choice_counts_more_than_the_browsers_wish() {
        let mut asked = headers(ACCEPT_LANGUAGE, "pt-BR");
        asked.insert(COOKIE, "a=b; colmeia_language=en".parse().expect("value"));
        assert_eq!(Language::of(&asked), Language::English);
        asked.insert(COOKIE, "colmeia_language=tlh".parse().expect("value"));
        assert_eq!(Language::of(&asked), Language::Portuguese);
    }

    #[test]
    fn portuguese_unless_english_is_preferred() {
        for (accept, language) in [
            ("pt-BR,pt;q=0.9,en;q=0.8", Language::Portuguese),
            ("en-US,en;q=0.9,pt;q=0.8", Language::English),
            ("en-US,en;q=0.9", Language::English),
            ("de", Language::Portuguese),
            ("*", Language::Portuguese),
            ("pt;q=0, en;q=0.1", Language::English),
        ] {
            assert_eq!(Language::of(&headers(ACCEPT_LANGUAGE, accept)), language, "{accept}");
        }
    }
}
