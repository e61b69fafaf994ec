//! The body of a request that may carry a file: from the connection to fields and an upload.
//!
//! Owns how many such bodies come in at once and how long one may take. What is wrong with a body is said with the
//! field's name; a caller who hangs up leaves nothing.

use std::error::Error;
use std::io::{self, Read};

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, StatusCode};
use bytes::Buf as _;
use colmeia_base::tasks;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::time::{Duration, Instant, timeout_at};

use crate::state::Http;

use super::super::super::body;
use super::super::unique;
use super::lift::{LARGEST_BODY, Wrong, lift};
use super::refusals::{no_room, not_taken, too_large};
use crate::errors::ApiError;
use colmeia_host::blocking;
use colmeia_host::shares::Holder;
use colmeia_host::uploads::Upload;

/// How long a large body may take to come in: 91 MiB at 10 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(80);
/// How long a body is thrown away that was refused before it came.
const REFUSED: Duration = Duration::from_secs(10);

/// The fields of a body, and its file if there is one at this place.
///
/// # Errors
/// What is wrong; no file is left then.
pub(in super::super) async fn receive(
    http: &Http,
    at: &'static [&'static str],
    headers: &HeaderMap,
    holder: &Holder,
    body: Body,
) -> Result<(Map<String, Value>, Option<Upload>), ApiError> {
    let (field, hint) = (at.join("."), body.size_hint());
    if body.is_end_stream() {
        return Ok((Map::new(), None));
    }
    // Who asks first is told before anything is sent.
    if headers.contains_key(EXPECT) && hint.lower() > LARGEST_BODY {
        return Err(too_large(&field));
    }
    let until = Instant::now() + PATIENCE;
    // A small one is waited for in memory: only a large one takes a thread while it comes in.
    let small = hint.upper().is_some_and(|most| most <= body::LIMIT);
    let body = if small { Body::from(body::whole(body).await?) } else { body };
    let reading = if small { Ok(None) } else { http.uploads.reader(holder).map(Some) };
    let most = hint.upper().unwrap_or(u64::MAX).div_ceil(4).saturating_mul(3);
    let (_reading, expected) =
        match reading.and_then(|reading| Ok((reading, http.uploads.expect(most, holder)?))) {
            Ok(room) => room,
            Err(error) => {
                discard(body, until).await;
                return Err(no_room(error, &field));
            }
        };
    let coming = Coming { runtime: Handle::current(), body, until, chunk: Bytes::new() };
    let lift = move || lift(coming, at, expected);
    let broken = |error: &dyn Error| ApiError::failed(error, "a body could not be read");
    let lifted = if small {
        tasks::blocking("file", lift).await.map_err(|error| broken(&error))
    } else {
        let lifting = blocking::apart("body", lift).map_err(|error| broken(&error))?;
        lifting.await.map_err(|error| broken(&error))
    };
    lifted?.map_err(|wrong| explain(&wrong, &field))
}

/// Throws the body of whoever may not send it away, for a moment.
pub(in super::super) async fn refuse(body: Body) {
    discard(body, Instant::now() + REFUSED).await;
}

/// Throws a body away, so that the caller, who is still sending, gets to see the answer.
async fn discard(mut body: Body, until: Instant) {
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len) as u64;
            if seen > LARGEST_BODY {
                return;
            }
        }
    };
    let _ = timeout_at(until, reading).await; // what is left after that is not waited for
}

fn explain(wrong: &Wrong, field: &str) -> ApiError {
    match wrong {
        // What was sent is not repeated; the place tells enough.
        Wrong::NoJson(Some(place)) => ApiError::bad_request(format!(
            "The body is no JSON (line {}, column {})",
            place.line + 1,
            place.column + 1
        )),
        Wrong::NoJson(None) => ApiError::bad_request("The body is no JSON"),
        Wrong::NoObject => ApiError::bad_request("The body has to be a JSON object"),
        Wrong::TooLarge => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body is larger than the limit of {} MiB beside its file", body::LIMIT / 1024 / 1024),
        )
        .before_anything(),
        Wrong::NoBase64 => ApiError::field(field, "has to be base64"),
        Wrong::Twice(at) => unique::twice(at),
        Wrong::File(error) => not_taken(error, field),
        Wrong::Slow => body::Refused::Slow.into(),
        Wrong::Broken => body::Refused::Broken.into(),
    }
}

/// A body that is waited for on a thread of its own.
struct Coming {
    runtime: Handle,
    body: Body,
    until: Instant,
    chunk: Bytes,
}

impl Read for Coming {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let next = async { timeout_at(self.until, self.body.frame()).await };
            match self.runtime.block_on(next) {
                Err(_) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(None) => return Ok(0),
                Ok(Some(Err(error))) => return Err(io::Error::other(error)),
                Ok(Some(Ok(frame))) => self.chunk = frame.into_data().unwrap_or_default(),
            }
        }
        let length = buf.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buf[..length]);
        Ok(length)
    }
}
