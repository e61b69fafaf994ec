//! Request bodies: collected before a handler runs, within a size and a time.
//!
//! A body beyond the limit is read and thrown away up to a second limit, so that the caller, who is still
//! sending, gets to see the answer instead of a broken connection. It is never kept in memory. Only the routes below
//! `/api` that take a file have a larger limit, and few such bodies are in memory at once.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use colmeia::protocol::MAX_BODY;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::sync::Semaphore;

use super::access::Surface;
use super::api::{self, ApiError};
use super::errors::Failure;

/// The largest body that is read: a message of 65,536 characters has room in it however it is escaped.
const LIMIT: u64 = 1024 * 1024;
/// The largest body that may hold a file: what a worker takes, in base64, and room for the rest.
const FILE_LIMIT: u64 = (MAX_BODY as u64).div_ceil(3) * 4 + LIMIT;
/// How much of a body beyond its limit is thrown away politely.
const PATIENCE: u64 = 64 * 1024 * 1024;
/// How long a body may take to come in.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The same for one that may hold a file: 91 MiB at 10 Mbit/s.
const FILE_TIMEOUT: Duration = Duration::from_secs(80);
/// How many bodies with files are in memory at once; the next one waits, within its time.
const FILES: usize = 4;
static FILE_PLACES: Semaphore = Semaphore::const_new(FILES);

/// Why a body was not collected.
enum Refused {
    TooLarge,
    Slow,
    Broken,
}

/// Middleware: handlers get a body that is in memory already.
pub(super) async fn collect(request: Request, next: Next) -> Response {
    let surface = Surface::of(request.uri().path());
    let with_file =
        request.extensions().get::<MatchedPath>().is_some_and(|path| api::takes_file(path.as_str()));
    let (limit, patience) = if with_file { (FILE_LIMIT, FILE_TIMEOUT) } else { (LIMIT, TIMEOUT) };
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    // Who asks first is told before anything is sent.
    let collected = if parts.headers.contains_key(EXPECT) && body.size_hint().lower() > limit {
        Err(Refused::TooLarge)
    } else {
        // A small body needs no place, also where a file may come.
        let large = body.size_hint().upper().is_none_or(|most| most > LIMIT);
        let reading = async {
            let place = if large && with_file { FILE_PLACES.acquire().await.ok() } else { None };
            read(body, limit).await.map(|bytes| (bytes, place))
        };
        tokio::time::timeout(patience, reading).await.unwrap_or(Err(Refused::Slow))
    };
    let refused = match collected {
        Ok((bytes, _place)) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refused) => refused,
    };
    let (status, portuguese, english) = match refused {
        Refused::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "O corpo da requisição passa do limite de 1 MiB".to_owned(),
            format!("The body is larger than the limit of {} MiB", limit / 1024 / 1024),
        ),
        Refused::Slow => (
            StatusCode::REQUEST_TIMEOUT,
            "O corpo da requisição não chegou a tempo".to_owned(),
            "The body did not come in in time".to_owned(),
        ),
        Refused::Broken => (
            StatusCode::BAD_REQUEST,
            "O corpo da requisição chegou incompleto".to_owned(),
            "The body came in incomplete".to_owned(),
        ),
    };
    let mut response = match surface {
        Surface::Api => ApiError::new(status, english).into_response(),
        Surface::Open | Surface::Pages => Failure::new(status, portuguese).into_response(),
    };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn read(mut body: Body, limit: u64) -> Result<Bytes, Refused> {
    let mut kept = Vec::new();
    let mut seen = 0_u64;
    let mut too_large = body.size_hint().lower() > limit;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refused::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len() as u64);
        too_large |= seen > limit;
        if !too_large {
            kept.extend_from_slice(&data);
        } else if seen > limit.saturating_add(PATIENCE) {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if too_large { Err(Refused::TooLarge) } else { Ok(kept.into()) }
}

/// The body as a JSON object, whatever its content type says. An empty body is `None`.
pub(super) fn json_object<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, Failure> {
    let body = body.trim_ascii();
    match body.first() {
        None => Ok(None),
        Some(b'{') => serde_json::from_slice(body).map(Some).map_err(|error| {
            let what = match error.classify() {
                Category::Data => "JSON inválido: um campo aparece mais de uma vez",
                Category::Eof => "JSON inválido: termina antes do fim",
                Category::Syntax | Category::Io => "JSON inválido",
            };
            // The error's own text may repeat what was sent; the place tells enough.
            Failure::bad_request(format!("{what} (linha {}, coluna {})", error.line(), error.column()))
        }),
        Some(_) if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => {
            Err(Failure::bad_request("O corpo da requisição deve ser um objeto JSON"))
        }
        Some(_) => Err(Failure::bad_request("JSON inválido")),
    }
}
