//! Types of files, as they come in requests and answers. Pure.

/// A type in lower case, as types have no case (RFC 9110, 8.3.1); its parameters stay as they are.
pub(in super::super) fn lower(mimetype: &str) -> String {
    let (essence, parameters) = mimetype.split_at(mimetype.find(';').unwrap_or(mimetype.len()));
    essence.trim().to_ascii_lowercase() + parameters
}

/// `type/subtype` and perhaps parameters.
pub(super) fn is_mimetype(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= 127
        && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && essence.split_once('/').is_some_and(|(family, sub)| token(family) && token(sub))
}
