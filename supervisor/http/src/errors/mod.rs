//! [`HttpError`]: every error that HTTP answers with. What it says is one type; the form is its surface's ([`Form`]).
//!
//! `api`: below `/api`, in English, with the field that is wrong ([`ApiError`]). `flask`: Flask's routes and the pages,
//! in Portuguese ([`FlaskError`]). Never repeats what was sent: it may be a text or a number.

mod api;
mod flask;

use std::marker::PhantomData;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::Restriction;
use colmeia::moment::now_ms;

use crate::access::Surface;
use crate::negotiate::Language;
use crate::restricted;
pub(crate) use api::{ApiError, ErrorBody};
pub(crate) use flask::FlaskError;

/// An answer that says what is wrong and, where the caller can do something, what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpError<F> {
    pub(crate) status: StatusCode,
    /// What is wrong, for people.
    pub(crate) text: String,
    /// The field that is wrong, where one is.
    field: Option<String>,
    /// The operation that is not offered.
    operation: Option<&'static str>,
    /// What the account is restricted in, where WhatsApp refused it for that.
    restriction: Option<Restriction>,
    retry_after_secs: Option<u64>,
    done: Done,
    form: PhantomData<F>,
}

/// How a surface says an error.
pub(crate) trait Form: Sized {
    /// In which language.
    const LANGUAGE: Language;

    /// The answer, but for the headers that all have.
    fn answer(error: &HttpError<Self>) -> Response;
}

/// What is known of a request that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// Nothing was done: the same request may be made again.
    Nothing,
    /// Perhaps something was.
    Perhaps,
}

impl<F: Form> HttpError<F> {
    /// Claims nothing about what was done: whoever knows that it was nothing says so ([`Self::before_anything`]).
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            field: None,
            operation: None,
            restriction: None,
            retry_after_secs: None,
            done: Done::Perhaps,
            form: PhantomData,
        }
    }

    /// It is certain that nothing was done.
    pub(crate) fn before_anything(self) -> Self {
        Self { done: Done::Nothing, ..self }
    }

    /// Something was done before this: the request as a whole must not be made again.
    pub(crate) fn after_something(self) -> Self {
        Self { done: Done::Perhaps, ..self }
    }

    /// Whether it is certain that nothing was done, so that the same request may be made again.
    pub(crate) fn nothing_was_done(&self) -> bool {
        self.done == Done::Nothing
    }

    /// An error of the request itself, seen before anything was done.
    fn refusal(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, text).before_anything()
    }

    /// 400: the request as a whole is wrong.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::refusal(StatusCode::BAD_REQUEST, text)
    }

    /// 404: it does not exist.
    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::refusal(StatusCode::NOT_FOUND, text)
    }

    /// 429: WhatsApp restricts the account, and until when. Not 5xx: whoever tries such a send again and again makes it
    /// worse.
    pub(crate) fn restricted(restriction: Restriction) -> Self {
        let error =
            Self::refusal(StatusCode::TOO_MANY_REQUESTS, restricted::refusal(restriction, F::LANGUAGE));
        let retry_after_secs = restricted::retry_after(restriction, now_ms());
        Self { restriction: Some(restriction), retry_after_secs, ..error }
    }

    /// The restriction's name, and when it ends in seconds since the epoch.
    fn restriction(&self) -> (Option<&'static str>, Option<u64>) {
        let name = self.restriction.map(|restriction| restriction.name.name());
        let until = self.restriction.and_then(|restriction| restriction.until_ms);
        (name, until.map(|until| until / 1000))
    }
}

impl<F: Form> IntoResponse for HttpError<F> {
    fn into_response(self) -> Response {
        let mut response = F::answer(&self);
        if let Some(secs) = self.retry_after_secs {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

/// The same error in the form of the surface that the request was for: what happens before any handler, or instead.
pub(crate) fn on(surface: Surface, status: StatusCode, english: &str, portuguese: &str) -> Response {
    match surface {
        Surface::Api => ApiError::new(status, english).into_response(),
        Surface::Open | Surface::Pages => FlaskError::new(status, portuguese).into_response(),
    }
}

/// 500: a bug. What happened is in the log and not in the answer.
pub(crate) fn bug(surface: Surface) -> Response {
    match surface {
        Surface::Api => ApiError::bug().into_response(),
        Surface::Open | Surface::Pages => FlaskError::bug().into_response(),
    }
}
