//! The forms of what says who may call: [`LocalAccess`], and which paths and origins can be meant.
//!
//! Owns no decision: the supervisor's `http/access` takes those. Pure.

use serde::{Deserialize, Serialize};

/// When a caller on this machine needs a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalAccess {
    /// As soon as there is a key, for everything but Flask's routes.
    #[default]
    Auto,
    /// Never.
    Open,
}

/// The longest `base_path`.
const LONGEST_PATH: usize = 200;

/// Whether this may stand before all our paths: empty, or `/a/b` of letters, digits, `-`, `_`, `.` and `~`, without
/// a slash at its end.
#[must_use]
pub fn is_base_path(path: &str) -> bool {
    let part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    };
    path.is_empty()
        || (path.len() <= LONGEST_PATH
            && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part)))
}

/// Whether a browser may say this as the origin of a page: scheme, host and perhaps a port, in lower case.
pub(super) fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty()
            && !host.starts_with(':')
            && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]_".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_a_path_and_nothing_else() {
        for path in ["", "/colmeia", "/a/b-c_d.e~f/9"] {
            assert!(is_base_path(path), "{path}");
        }
        let long = format!("/{}", "x".repeat(LONGEST_PATH));
        for path in [
            "/",
            "colmeia",
            "/a/",
            "//a",
            "/a//b",
            "/..",
            "/a/../b",
            "/a?b",
            "/a b",
            "/á",
            "//evil.example",
            "/\\a",
            &long,
        ] {
            assert!(!is_base_path(path), "{path}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        for origin in ["https://app.example.com", "http://localhost:5002", "http://[::1]:8080"] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "*",
            "null",
            "app.example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "https://A",
            "ftp://a",
            "https://a b",
            "https://:80",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }
}
