//! `GET /media/{messageId}`: the bytes that someone sent, as what the sender says they are.
//!
//! They come from strangers and are served from our origin, so whatever they are, no script of theirs runs
//! there: browsers may not guess another type, documents are sandboxed, and what is neither picture, sound,
//! film nor PDF is offered as a download.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use colmeia::protocol::{Call, CallErrorKind, Reply};

use super::super::reply;
use super::super::user::RequestUser;
use super::{call, messages};
use crate::errors::FlaskError;
use crate::state::Http;
use colmeia_session::CallFailure;

const NOT_FOUND: &str = "Mídia não encontrada";
const NOT_CONNECTED: &str = "Cliente não conectado";

pub(super) async fn media(
    State(http): State<Http>,
    RequestUser(user): RequestUser,
    asked: HeaderMap,
    message: Result<Path<String>, PathRejection>,
) -> Result<Response, FlaskError> {
    let message = messages::path_id(message, NOT_FOUND)?;
    let handle = call::ready(&http, &user).ok_or_else(|| FlaskError::bad_request(NOT_CONNECTED))?;
    match call::once(&http, handle, Call::DownloadMedia { message, most: None }).await {
        Ok((Reply::Media { mimetype, .. }, file)) => {
            Ok((headers(&mimetype, &asked), reply::file(file)).into_response())
        }
        Ok(_) => Err(call::wrong_reply(false)),
        Err(failure) => Err(explain(&failure)),
    }
}

/// A text that names no message and one that names a message we do not have are the same to the caller.
fn explain(failure: &CallFailure) -> FlaskError {
    match failure {
        CallFailure::NotReady => FlaskError::bad_request(NOT_CONNECTED),
        CallFailure::Session(error) => match error.kind {
            CallErrorKind::NotReady => FlaskError::bad_request(NOT_CONNECTED),
            CallErrorKind::NotFound | CallErrorKind::InvalidArgument => FlaskError::not_found(NOT_FOUND),
            CallErrorKind::TooLarge => FlaskError::internal("A mídia é grande demais"),
            _ => call::read_failure(failure),
        },
        _ => call::read_failure(failure),
    }
}

/// The contract's words for keeping it; but what was asked for with a key, or by somebody who had signed in, no cache
/// between us may hand to others.
fn caching(asked: &HeaderMap) -> HeaderValue {
    let shown = ["x-api-key", "authorization", "cookie"].iter().any(|name| asked.contains_key(*name));
    HeaderValue::from_static(if shown { "private, max-age=31536000" } else { "public, max-age=31536000" })
}

fn headers(mimetype: &str, asked: &HeaderMap) -> HeaderMap {
    let (kind, content_type) = match HeaderValue::from_str(mimetype) {
        Ok(value) if is_mimetype(mimetype) => (mimetype.to_ascii_lowercase(), value),
        _ => (String::new(), HeaderValue::from_static("application/octet-stream")),
    };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let shown = ["image/", "audio/", "video/"].iter().any(|family| essence.starts_with(family))
        && !essence.contains("xml");
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, caching(asked)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]);
    // A browser's own PDF viewer does not open in a sandbox, and gives the file no access to our origin.
    if essence != "application/pdf" {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        if !shown {
            headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        }
    }
    headers
}

/// `type/subtype` and perhaps parameters, in the characters that RFC 9110 allows for the first two.
fn is_mimetype(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    essence.split_once('/').is_some_and(|(family, sub)| token(family) && token(sub))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn what_could_run_is_a_download_in_a_sandbox() {
        for (mimetype, shown, attachment, sandboxed) in [
            ("image/jpeg", "image/jpeg", false, true),
            ("audio/ogg; codecs=opus", "audio/ogg; codecs=opus", false, true),
            ("video/mp4", "video/mp4", false, true),
            ("application/pdf", "application/pdf", false, false),
            ("text/html", "text/html", true, true),
            ("image/svg+xml", "image/svg+xml", true, true),
            ("application/xhtml+xml", "application/xhtml+xml", true, true),
            ("", "application/octet-stream", true, true),
            ("text", "application/octet-stream", true, true),
            ("text/html\r\nx: y", "application/octet-stream", true, true),
            ("image/jpeg, text/html", "application/octet-stream", true, true),
        ] {
            let headers = headers(mimetype, &HeaderMap::new());
            assert_eq!(headers[CONTENT_TYPE], shown, "{mimetype:?}");
            assert_eq!(headers.contains_key(CONTENT_DISPOSITION), attachment, "{mimetype:?}");
            assert_eq!(headers.contains_key(CONTENT_SECURITY_POLICY), sandboxed, "{mimetype:?}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[CACHE_CONTROL], "public, max-age=31536000");
        }
    }

    #[test]
    fn what_needs_a_key_is_in_no_cache_between_us() {
        for (header, kept) in [
            ("accept", "public"),
            ("x-api-key", "private"),
            ("authorization", "private"),
            ("cookie", "private"),
        ] {
            let asked =
                HeaderMap::from_iter([(HeaderName::from_static(header), HeaderValue::from_static("x"))]);
            let caching = headers("image/png", &asked)[CACHE_CONTROL].to_str().expect("text").to_owned();
            assert_eq!(caching, format!("{kept}, max-age=31536000"), "{header}");
        }
    }
}
