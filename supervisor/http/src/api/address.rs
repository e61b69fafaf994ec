//! What is wrong with an address that no operation has. Pure.
//!
//! Clients make addresses of what their users filled in. Where that was nothing, a part of the address may be missing,
//! and "no such route" would not say which.

use axum::http::Method;

use super::route::Row;
use crate::errors::ApiError;

/// The field whose place in the address is not there: with it there would be such an operation.
pub(super) fn lacking(rows: &[Row], method: &Method, path: &str) -> Option<ApiError> {
    let given: Vec<&str> = path.split('/').collect();
    let of_method = rows.iter().filter(|row| row.method == *method);
    let (name, pattern) =
        of_method.filter_map(|row| Some((without_one(row.path, &given)?, row.path))).next()?;
    Some(ApiError::field(name, format!("is missing in the address: {method} {pattern}")))
}

/// The name in this pattern without which it matches.
fn without_one<'a>(pattern: &'a str, given: &[&str]) -> Option<&'a str> {
    let pattern: Vec<&str> = pattern.split('/').collect();
    if pattern.len() != given.len() + 1 {
        return None;
    }
    // The last one first: it is what a client fills in for each request.
    (0..pattern.len()).rev().find_map(|left_out| {
        let name = named(pattern[left_out])?;
        let rest = pattern.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, part)| part);
        rest.zip(given).all(|(part, given)| named(part).is_some() || part == given).then_some(name)
    })
}

fn named(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn what_was_not_filled_in_is_named() {
        let rows = table::rows();
        let field = |method, path| {
            let error = lacking(&rows, &method, path)?;
            Some(format!("{error:?}").split("field: Some(\"").nth(1)?.split('"').next()?.to_owned())
        };
        for (method, path, name) in [
            (Method::POST, "/api/1/channels/follow", Some("id")),
            (Method::DELETE, "/api/1/chats", Some("chatId")),
            (Method::GET, "/api/groups/5@g.us/picture", Some("session")),
            (Method::GET, "/api/1/no/such/thing", None),
            (Method::PATCH, "/api/1/channels/follow", None),
        ] {
            assert_eq!(field(method, path).as_deref(), name, "{path}");
        }
    }
}
