//! Why a file of a request is not taken, with the field named.

use axum::http::StatusCode;

use crate::errors::ApiError;
use colmeia_host::uploads::{DraftError, LARGEST, NoRoom};

/// When to try again after there was no room.
pub(super) const AGAIN_SECS: u64 = 5;

pub(super) fn too_large(field: &str) -> ApiError {
    ApiError::too_large(field, LARGEST / 1024 / 1024)
}

pub(super) fn no_room(error: NoRoom, field: &str) -> ApiError {
    let (status, whose) = match error {
        NoRoom::Whole => (StatusCode::SERVICE_UNAVAILABLE, "files"),
        NoRoom::OfOne => (StatusCode::TOO_MANY_REQUESTS, "files of this session"),
        NoRoom::OfCaller => (StatusCode::TOO_MANY_REQUESTS, "files of yours"),
    };
    let rule = format!("cannot be taken now: too many {whose} are on their way");
    ApiError::no_room(status, field, &rule, AGAIN_SECS)
}

pub(super) fn not_taken(error: &DraftError, field: &str) -> ApiError {
    match error {
        DraftError::TooLarge => too_large(field),
        error if error.is_full() => ApiError::disk_full(),
        error => ApiError::failed(error, "a file could not be taken"),
    }
}
