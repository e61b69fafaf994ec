//! Our two cookies: who visits, and in which language. Reads one of a name, and makes one.
//!
//! With the crate `cookie` and not axum-extra's jar: of two cookies of one name a browser sends the one of the nearer
//! path first, and the jar keeps the last.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use cookie::{Cookie, CookieBuilder, SameSite};

/// The value of the first cookie of this name.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cookie<'a>> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(Cookie::split_parse).flatten().find(|cookie| cookie.name() == name)
}

/// One that no other site's page can use.
pub(super) fn of<'a>(name: &'a str, value: &'a str, path: &'a str) -> CookieBuilder<'a> {
    Cookie::build((name, value)).path(path).same_site(SameSite::Strict)
}

/// As it is set. Empty where a path could be no header's value, which no settled one is.
pub(super) fn set(cookie: &CookieBuilder<'_>) -> HeaderValue {
    HeaderValue::from_str(&cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_what_is_no_cookie_does_not() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("x; other=1;  a = 2 ;a=3"));
        headers.append(COOKIE, HeaderValue::from_static("a=4; b=5"));
        let value = |name| value(&headers, name).map(|cookie| cookie.value().to_owned());
        assert_eq!(
            (value("a"), value("b"), value("x"), value("c")),
            (Some("2".into()), Some("5".into()), None, None)
        );
    }
}
