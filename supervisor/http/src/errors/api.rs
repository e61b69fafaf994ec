//! The API's form: `{"statusCode", "message", "error", "field"?, "operation"?}` in English.
//!
//! Owns the reading of a failed call. Never repeats what was sent: an argument may be a text or a number.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::Response;
use colmeia::UserId;
use colmeia::errors::{Lack, chain};
use colmeia::protocol::{CallError, CallErrorKind};
use colmeia_events::journal::JournalError;
use colmeia_host::uploads::{NoRoom, NotFetched};
use colmeia_session::CallFailure;
use colmeia_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Form, HttpError};
use crate::negotiate::Language;
use crate::reply;

/// When to try again after a file could not be kept.
const FILE_AGAIN_SECS: u64 = 5;

/// An error below `/api`.
pub(crate) type ApiError = HttpError<Api>;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {}

/// What is wrong, and with which field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody<'a> {
    /// The HTTP status again, for clients that look into the body.
    status_code: u16,
    /// What is wrong, for people.
    message: &'a str,
    /// The same: clients look for it under either name.
    error: &'a str,
    /// The field that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    /// The operation that is not offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    /// What the account is restricted in, where WhatsApp refused it for that: `reachout_timelock` or `message_capping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    restriction: Option<&'a str>,
    /// When that ends, in seconds since the epoch, where WhatsApp says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

impl ApiError {
    /// 400: a field is wrong.
    pub(crate) fn field(field: impl Into<String>, rule: impl std::fmt::Display) -> Self {
        let field = field.into();
        let error = Self::refusal(StatusCode::BAD_REQUEST, format!("{field} {rule}"));
        Self { field: Some(field), ..error }
    }

    /// The same with its field's name, where it begins so, without this.
    pub(crate) fn without_prefix(mut self, prefix: &str) -> Self {
        if let Some(short) = self.field.as_deref().and_then(|field| field.strip_prefix(prefix)) {
            if let Some(rest) = self.text.strip_prefix(prefix) {
                self.text = rest.to_owned();
            }
            self.field = Some(short.to_owned());
        }
        self
    }

    /// 403: the key does not allow it.
    pub(crate) fn forbidden(error: impl Into<String>) -> Self {
        Self::refusal(StatusCode::FORBIDDEN, error)
    }

    /// 403: a field names what this account may not use.
    pub(crate) fn forbidden_field(field: &str, rule: &str) -> Self {
        Self { field: Some(field.into()), ..Self::forbidden(format!("{field} {rule}")) }
    }

    /// Whether a send that failed so has certainly sent nothing.
    pub(crate) fn of_nothing(failure: &CallFailure) -> bool {
        Self::of_call(failure, true).nothing_was_done()
    }

    /// The field that is wrong, where one is.
    pub(crate) fn field_name(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Whether somebody may not do it.
    pub(crate) fn is_forbidden(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    /// 404: there is no such session.
    pub(crate) fn no_session(user: &UserId) -> Self {
        let error = format!("There is no session {user}: make it with POST /api/sessions");
        Self { field: Some("session".into()), ..Self::not_found(error) }
    }

    /// 422: the session is not where it has to be.
    pub(crate) fn not_working(status: &str, expected: &str) -> Self {
        let error = format!("The session is {status} and has to be {expected} for this; nothing was done");
        Self::refusal(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// 429: too many, and when again.
    pub(crate) fn too_many(error: impl Into<String>, retry_after_secs: u64) -> Self {
        let error = Self::refusal(StatusCode::TOO_MANY_REQUESTS, error);
        Self { retry_after_secs: Some(retry_after_secs), ..error }
    }

    /// 413: a file, at this field, is larger than is taken.
    pub(crate) fn too_large(field: &str, most_mib: u64) -> Self {
        let error = format!("{field} is larger than the limit of {most_mib} MiB");
        Self { field: Some(field.into()), ..Self::refusal(StatusCode::PAYLOAD_TOO_LARGE, error) }
    }

    /// 503 for all, or 429 for this session: there is no room for this field's file now; and when again.
    pub(crate) fn no_room(status: StatusCode, field: &str, rule: &str, retry_after_secs: u64) -> Self {
        let error = Self::refusal(status, format!("{field} {rule}; nothing was sent"));
        Self { field: Some(field.into()), retry_after_secs: Some(retry_after_secs), ..error }
    }

    /// 503, or 429 where it is this session's own doing: the file that came back cannot be kept until it is read.
    fn not_taken(why: &NotFetched) -> Self {
        let (status, error) = match why {
            NotFetched::NoRoom(NoRoom::OfOne | NoRoom::OfCaller) => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many files of this session are on their way; try again")
            }
            NotFetched::NoRoom(NoRoom::Whole) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too many files are on their way; try again")
            }
            NotFetched::Disk(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "The service's disk did not take the file; try again")
            }
        };
        Self { retry_after_secs: Some(FILE_AGAIN_SECS), ..Self::refusal(status, error) }
    }

    /// 507: what was asked for needs room on the disk.
    pub(crate) fn disk_full() -> Self {
        let error = "The disk is full: what comes back could not be kept; nothing was done";
        Self::refusal(StatusCode::INSUFFICIENT_STORAGE, error)
    }

    /// 503: this machine has none left of this just now.
    pub(crate) fn no_means(lack: Lack) -> Self {
        let error = format!("This machine has no {} left just now; nothing was sent, try again", lack.name());
        let error = Self::refusal(StatusCode::SERVICE_UNAVAILABLE, error);
        Self { retry_after_secs: Some(5), ..error }
    }

    /// 501: an operation of the convention that is not offered.
    pub(crate) fn not_offered(operation: &'static str, why: &str) -> Self {
        let error = Self::refusal(StatusCode::NOT_IMPLEMENTED, format!("{operation} is not offered: {why}"));
        Self { operation: Some(operation), ..error }
    }

    /// 500: a bug. What happened is in the log and not in the answer.
    pub(crate) fn bug() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error; see the service's log")
    }

    /// What failed is nothing that a caller can help; the log says why.
    pub(crate) fn failed(error: &dyn Error, what: &str) -> Self {
        tracing::error!(error = chain(error), "{what}");
        Self::bug()
    }

    /// A session gave an answer that belongs to another question.
    pub(crate) fn wrong_reply() -> Self {
        tracing::error!("a session answered something else than it was asked");
        Self::unknown_outcome()
    }

    fn unknown_outcome() -> Self {
        let error = "It is not known whether this was done: the session was interrupted before it could \
                     confirm. It was not repeated; look at the phone before you try again";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// The failure of a call; `outside` when others see what it does.
    pub(crate) fn of_call(failure: &CallFailure, outside: bool) -> Self {
        use CallErrorKind as Kind;
        let bad = |status, error: &str| Self::refusal(status, error);
        match failure {
            CallFailure::NotReady => Self::not_working("not ready", "WORKING"),
            CallFailure::DiskFull => Self::disk_full(),
            // Only what is read comes with a file, so nothing was done.
            CallFailure::NotTaken(why) => Self::not_taken(why),
            CallFailure::TooLarge => {
                bad(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large; nothing was done")
            }
            CallFailure::WorkerGone | CallFailure::Deadline | CallFailure::ShuttingDown if outside => {
                Self::unknown_outcome()
            }
            CallFailure::WorkerGone | CallFailure::Deadline | CallFailure::ShuttingDown => {
                bad(StatusCode::GATEWAY_TIMEOUT, "The session did not answer in time; try again")
            }
            CallFailure::Session(CallError {
                restriction: Some(restriction), kind: Kind::Refused, ..
            }) => Self::restricted(*restriction),
            CallFailure::Session(error) => match error.kind {
                Kind::NotReady => Self::not_working("not ready", "WORKING"),
                Kind::InvalidArgument => match error.message.strip_prefix("id ") {
                    Some(rule) => Self::field("id", format!("{rule}; nothing was done")),
                    None => Self::bad_request(format!("WhatsApp refuses an argument: {}", error.message)),
                },
                Kind::NotOnWhatsapp => Self::field("chatId", "is not on WhatsApp; nothing was sent"),
                Kind::NotFound => Self::not_found("WhatsApp knows no such chat, message or other thing"),
                Kind::MediaUnavailable => Self::not_found(
                    "The file is not there: the message has none, or WhatsApp no longer has it",
                ),
                Kind::Refused => bad(StatusCode::UNPROCESSABLE_ENTITY, "WhatsApp refused; nothing was done"),
                Kind::Forbidden => {
                    Self::forbidden("WhatsApp does not allow this account to do it; nothing was done")
                }
                Kind::Unsupported => Self::refusal(
                    StatusCode::NOT_IMPLEMENTED,
                    format!("Not possible in this session: {}; nothing was done", error.message),
                ),
                // What was asked is done by then.
                Kind::TooLarge if outside => Self::unknown_outcome(),
                Kind::TooLarge => {
                    bad(StatusCode::UNPROCESSABLE_ENTITY, "The answer is too large: ask for less at once")
                }
                Kind::OutcomeUnknown => Self::unknown_outcome(),
            },
        }
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        tracing::error!(error = chain(&error), "events cannot be read");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The journal cannot be read now; try again")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = chain(&error), "the settings database failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The settings database failed; see the service's log")
    }
}

impl Form for Api {
    const LANGUAGE: Language = Language::English;

    fn answer(error: &ApiError) -> Response {
        let (restriction, until) = error.restriction();
        let body = ErrorBody {
            status_code: error.status.as_u16(),
            message: &error.text,
            error: &error.text,
            field: error.field.as_deref(),
            operation: error.operation,
            restriction,
            until,
        };
        reply::json(error.status, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse as _;
    use colmeia::moment::now_ms;
    use colmeia::{Restriction, RestrictionName};

    #[test]
    fn every_failure_of_a_send_says_whether_something_was_done() {
        use CallErrorKind as Kind;
        let session = |kind| CallFailure::Session(CallError::new(kind, "a reason"));
        for (failure, status, done) in [
            (CallFailure::NotReady, 422, false),
            (CallFailure::DiskFull, 507, false),
            (CallFailure::TooLarge, 413, false),
            (session(Kind::NotOnWhatsapp), 400, false),
            (session(Kind::InvalidArgument), 400, false),
            (session(Kind::NotFound), 404, false),
            (session(Kind::Refused), 422, false),
            (session(Kind::Unsupported), 501, false),
            (session(Kind::OutcomeUnknown), 500, true),
            (session(Kind::TooLarge), 500, true),
            (CallFailure::WorkerGone, 500, true),
            (CallFailure::Deadline, 500, true),
            (CallFailure::ShuttingDown, 500, true),
        ] {
            let error = ApiError::of_call(&failure, true);
            assert_eq!((error.status.as_u16(), !error.nothing_was_done()), (status, done), "{failure}");
        }
        assert_eq!(ApiError::of_call(&CallFailure::Deadline, false).status, 504);
        for (why, status) in [
            (NotFetched::NoRoom(NoRoom::OfOne), 429),
            (NotFetched::NoRoom(NoRoom::Whole), 503),
            (NotFetched::Disk(std::io::ErrorKind::TimedOut.into()), 503),
            (NotFetched::Disk(std::io::ErrorKind::StorageFull.into()), 507),
        ] {
            let error = ApiError::of_call(&CallFailure::from(why), false);
            assert_eq!((error.status.as_u16(), error.nothing_was_done()), (status, true), "{}", error.text);
            assert_eq!(error.retry_after_secs.is_some(), status != 507);
        }
    }

    #[tokio::test]
    async fn a_send_that_is_refused_for_a_restriction_says_which_and_until_when() {
        let until_ms = Some(now_ms() + 7_200_000);
        let restriction = Restriction { name: RestrictionName::ReachoutTimelock, until_ms };
        let refused = CallError::new(CallErrorKind::Refused, "a reason").for_restriction(Some(restriction));
        let error = ApiError::of_call(&CallFailure::Session(refused), true);
        assert!(error.nothing_was_done());
        let response = error.into_response();
        assert_eq!(response.status(), 429);
        let wait: u64 = response.headers()[RETRY_AFTER].to_str().expect("ascii").parse().expect("seconds");
        assert!((7_190..=7_200).contains(&wait), "{wait}");
        let body = axum::body::to_bytes(response.into_body(), 4096).await.expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("json");
        assert_eq!(body["restriction"], "reachout_timelock");
        assert_eq!(body["until"], until_ms.map(|until| until / 1000).expect("told"));
        assert!(
            body["message"].as_str().is_some_and(|text| text.contains(" UTC; nothing was sent")),
            "{body}"
        );
    }

    #[test]
    fn that_nothing_was_done_is_never_said_by_itself() {
        let unknown = [
            ApiError::new(StatusCode::BAD_REQUEST, "wrong"),
            ApiError::bug(),
            ApiError::wrong_reply(),
            ApiError::from(JournalError::Closed),
            ApiError::from(StoreError::Closed),
            ApiError::of_call(&CallFailure::Session(CallError::new(CallErrorKind::TooLarge, "long")), true),
            ApiError::field("chatId", "is empty").after_something(),
        ];
        assert!(unknown.iter().all(|error| !error.nothing_was_done()));
        assert!(ApiError::field("chatId", "is empty").nothing_was_done());
    }
}
