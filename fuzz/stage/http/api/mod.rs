//! The API's own refusal, and its files.

/// Which field is wrong.
#[derive(Debug)]
pub(crate) struct ApiError {
    field: Option<String>,
}

impl ApiError {
    pub(crate) fn field(name: &str, _: impl ToString) -> Self {
        Self { field: Some(name.to_owned()) }
    }

    pub(crate) fn bad_request(_: impl ToString) -> Self {
        Self { field: None }
    }
}

mod failure {
    pub(super) use super::ApiError;
}
mod files;
#[path = "../../../../supervisor/http/src/api/unique.rs"]
mod unique;

pub(crate) use files::lifted;
