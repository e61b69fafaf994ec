//! The API's own refusal, and its files.

/// Which field is wrong.
#[derive(Debug)]
pub(crate) struct ApiError {
    field: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn field(name: &'static str, _: impl ToString) -> Self {
        Self { field: Some(name) }
    }
}

mod files;

pub(crate) use files::lifted;
