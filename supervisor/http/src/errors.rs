//! [`Failure`]: every error is `{"error": …}` with a status, in Portuguese, because pages show it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::Restriction;
use colmeia::moment::now_ms;
use serde::Serialize;

use super::negotiate::Language;
use super::{reply, restricted};

/// An answer that says what is wrong and, where the caller can do something, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: String,
    /// What the account is restricted in, where WhatsApp refused it for that.
    restriction: Option<Restriction>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    restriction: Option<&'a str>,
    /// When that ends, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), restriction: None }
    }

    /// 400: the request is wrong.
    pub(super) fn bad_request(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// 404: it does not exist.
    pub(super) fn not_found(error: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// 429: WhatsApp restricts the account. Not 5xx: whoever tries such a send again and again makes it worse.
    pub(super) fn restricted(restriction: Restriction) -> Self {
        let error = restricted::refusal(restriction, Language::Portuguese);
        Self { restriction: Some(restriction), ..Self::new(StatusCode::TOO_MANY_REQUESTS, error) }
    }

    /// 500: it did not work, and that was not the caller's fault.
    pub(super) fn internal(error: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// 500: a bug. What happened is in the log and not in the answer.
    pub(super) fn bug() -> Self {
        Self::internal("Erro interno do serviço. Tente novamente.")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let restriction = self.restriction.map(|restriction| restriction.name.name());
        let until = self.restriction.and_then(|restriction| restriction.until_ms).map(|until| until / 1000);
        let mut response = reply::json(self.status, &Body { error: &self.error, restriction, until });
        let wait = self.restriction.and_then(|one| restricted::retry_after(one, now_ms()));
        if let Some(secs) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}
