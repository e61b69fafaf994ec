//! Request bodies: collected before a handler runs, within a size and a time.
//!
//! A body beyond the limit is read and thrown away up to a second limit, so that the caller, who is still
//! sending, gets to see the answer instead of a broken connection. It is never kept in memory. The operations below
//! `/api` that take a file read their bodies themselves, and the file goes to the disk as it comes in.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::access::Surface;
use crate::errors::{self, ApiError, FlaskError};

/// The largest body that is read: a message of 65,536 characters has room in it however it is escaped.
pub(super) const LIMIT: u64 = 1024 * 1024;
/// How much of a body beyond its limit is thrown away politely.
const PATIENCE: u64 = 64 * 1024 * 1024;
/// How long a body may take to come in.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a body was not collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is more than [`LIMIT`].
    TooLarge,
    /// It did not come in in time.
    Slow,
    /// The caller hung up.
    Broken,
}

impl Refused {
    /// The status, and the sentence in English and in Portuguese.
    fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is larger than the limit of 1 MiB",
                "O corpo da requisição passa do limite de 1 MiB",
            ),
            Self::Slow => (
                StatusCode::REQUEST_TIMEOUT,
                "The body did not come in in time",
                "O corpo da requisição não chegou a tempo",
            ),
            Self::Broken => (
                StatusCode::BAD_REQUEST,
                "The body came in incomplete",
                "O corpo da requisição chegou incompleto",
            ),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (status, english, _) = refused.words();
        Self::new(status, english)
    }
}

/// Handlers get a body that is in memory already, unless it may hold a file: `takes_file` says it of a method and a route.
pub(super) async fn collect(request: Request, next: Next, takes_file: fn(&Method, &str) -> bool) -> Response {
    let takes_file = |path: &MatchedPath| takes_file(request.method(), path.as_str());
    if request.body().is_end_stream() || request.extensions().get().is_some_and(takes_file) {
        return next.run(request).await;
    }
    // Apart, so that requests without a body, which come all day long, do not carry its state about.
    Box::pin(collected(request, next)).await
}

async fn collected(request: Request, next: Next) -> Response {
    let surface = Surface::of(request.uri().path());
    let (parts, body) = request.into_parts();
    // Who asks first is told before anything is sent.
    let collected = if parts.headers.contains_key(EXPECT) && body.size_hint().lower() > LIMIT {
        Err(Refused::TooLarge)
    } else {
        whole(body).await
    };
    let refused = match collected {
        Ok(bytes) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(refused) => refused,
    };
    let (status, english, portuguese) = refused.words();
    let mut response = errors::on(surface, status, english, portuguese);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A body of at most [`LIMIT`].
///
/// # Errors
/// [`Refused`].
pub(super) async fn whole(body: Body) -> Result<Bytes, Refused> {
    tokio::time::timeout(TIMEOUT, read(body)).await.unwrap_or(Err(Refused::Slow))
}

async fn read(mut body: Body) -> Result<Bytes, Refused> {
    let mut kept = Vec::new();
    let mut seen = 0_u64;
    let mut too_large = body.size_hint().lower() > LIMIT;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refused::Broken)?.into_data() else { continue };
        seen = seen.saturating_add(data.len() as u64);
        too_large |= seen > LIMIT;
        if !too_large {
            kept.extend_from_slice(&data);
        } else if seen > LIMIT + PATIENCE {
            break;
        } else {
            kept = Vec::new();
        }
    }
    if too_large { Err(Refused::TooLarge) } else { Ok(kept.into()) }
}

/// The body as a JSON object, whatever its content type says. An empty body is `None`.
pub(super) fn json_object<T: DeserializeOwned>(body: &[u8]) -> Result<Option<T>, FlaskError> {
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
            FlaskError::bad_request(format!("{what} (linha {}, coluna {})", error.line(), error.column()))
        }),
        Some(_) if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => {
            Err(FlaskError::bad_request("O corpo da requisição deve ser um objeto JSON"))
        }
        Some(_) => Err(FlaskError::bad_request("JSON inválido")),
    }
}
