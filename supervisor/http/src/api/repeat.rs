//! `Idempotency-Key`: a request that is made again gets the first answer, and nothing is sent twice.
//!
//! | the key was | the answer is |
//! | --- | --- |
//! | not seen within a day, nor among the session's last 50,000 | that of the work |
//! | seen, and answered | the first answer, with `Idempotency-Replayed: true`; also after a restart |
//! | seen, and nobody has answered yet | 409 |
//! | seen with another request | 422 |
//! | seen, and nothing was done (an argument was wrong, the limit was reached, …) | that of the work |

use std::future::Future;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::UserId;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::super::reply;
use crate::errors::ApiError;
use colmeia::errors::chain;
use colmeia_store::{Claim, FirstAnswer, Store};

/// The longest key: as Stripe has it.
const LONGEST: usize = 255;
const HEADER: &str = "idempotency-key";

/// The request's key, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()));
    let rule = format!("has to be 1 to {LONGEST} visible ASCII characters");
    key.map(|key| Some(key.to_owned())).ok_or_else(|| ApiError::field("Idempotency-Key", rule))
}

/// What tells one request from another.
pub(super) fn digest(operation: &str, fields: &Map<String, Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(operation);
    hash.update([0]);
    // Neither a digest nor plain data fails to be written.
    let _ = serde_json::to_writer(&mut hash, fields);
    hash.finalize().into()
}

/// Does the work unless it was done.
pub(super) async fn once(
    store: &Store,
    user: &UserId,
    key: &str,
    request: [u8; 32],
    work: impl Future<Output = Result<Response, ApiError>>,
) -> Result<Response, ApiError> {
    match store.claim(user, key, request).await? {
        Claim::New => {}
        Claim::Answered(first) => return Ok(again(first)),
        Claim::UnderWay => {
            let error = "A request with this Idempotency-Key is under way";
            return Err(ApiError::new(StatusCode::CONFLICT, error)); // by this one nothing, by the other perhaps
        }
        Claim::Different => {
            let error = "This Idempotency-Key was used for another request";
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error));
        }
    }
    let response = match work.await {
        Err(error) if error.nothing_was_done() => {
            note(store.release_claim(user, key).await);
            return Err(error);
        }
        Err(error) => error.into_response(),
        Ok(response) => response,
    };
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| ApiError::bug())?;
    let answer = FirstAnswer { status: parts.status.as_u16(), body: body.to_vec() };
    note(store.settle_claim(user, key, answer).await);
    Ok(Response::from_parts(parts, body.into()))
}

/// The answer of the work is what counts; a repetition of it then finds the claim under way.
fn note(kept: Result<(), colmeia_store::StoreError>) {
    if let Err(error) = kept {
        tracing::error!(error = chain(&error), "the answer for repeated requests was not kept");
    }
}

fn again(first: FirstAnswer) -> Response {
    let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = String::from_utf8(first.body).ok().and_then(|text| RawValue::from_string(text).ok());
    let mut response = match body {
        Some(body) => reply::json(status, &body),
        None => {
            let error = "The service ended while the first request with this Idempotency-Key was under way: it is \
                         not known whether it was done. It was not repeated; look at the phone";
            ApiError::new(status, error).into_response()
        }
    };
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_told_by_its_operation_and_its_arguments() {
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        let first = digest("a.b", &fields(json!({"text": "oi"})));
        assert_eq!(first, digest("a.b", &fields(json!({"text": "oi"}))));
        assert_ne!(first, digest("a.b", &fields(json!({"text": "ola"}))));
        assert_ne!(first, digest("a.c", &fields(json!({"text": "oi"}))));
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let headers = |text: &str| {
            HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(HEADER),
                HeaderValue::from_bytes(text.as_bytes()).expect("a value"),
            )])
        };
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        assert_eq!(key(&headers("order-17")), Ok(Some("order-17".into())));
        for wrong in ["", "\u{e9}", &"x".repeat(256)] {
            assert!(key(&headers(wrong)).is_err(), "{wrong}");
        }
    }
}
