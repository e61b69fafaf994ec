//! What operations answer, and how the document describes it. Owns the forms; knows no operation.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::reply;
use crate::errors::ApiError;
use colmeia_host::uploads::Fetched;

/// The schema of a type, and of the types that it names.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) schema: Value,
    pub(super) named: Vec<(String, Value)>,
}

/// One way in which an operation answers.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) mimetype: &'static str,
    pub(super) shape: Option<Shape>,
}

/// An operation's answer.
pub(super) trait Answer: Send + 'static {
    /// As HTTP has it; `success` is what the convention's server says.
    fn respond(self, success: StatusCode) -> Response;
    /// For the document.
    fn document() -> Vec<Content>;
}

/// JSON.
pub(super) struct Json<T>(pub(super) T);

/// What a handler that answers in JSON gives.
pub(super) type Answered<T> = Result<Json<T>, ApiError>;

/// A picture in PNG that nobody keeps.
pub(super) struct Png(pub(super) Fetched);

/// A picture, or JSON about it.
pub(super) enum PngOr<T> {
    Png(Png),
    Json(T),
}

/// An answer of any form.
pub(super) struct Raw(pub(super) Response);

impl Shape {
    /// The schema of this type.
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let json = |schema| serde_json::to_value(schema).unwrap_or_default(); // plain data
        let named = named.into_iter().map(|(name, schema)| (name, json(schema))).collect();
        Self { schema: json(T::schema()), named }
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Json<T> {
    fn respond(self, success: StatusCode) -> Response {
        reply::json(success, &self.0)
    }

    fn document() -> Vec<Content> {
        vec![Content { mimetype: "application/json", shape: Some(Shape::of::<T>()) }]
    }
}

impl Answer for Png {
    fn respond(self, _: StatusCode) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("image/png")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, reply::file(self.0)).into_response()
    }

    fn document() -> Vec<Content> {
        vec![Content { mimetype: "image/png", shape: None }]
    }
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for PngOr<T> {
    fn respond(self, success: StatusCode) -> Response {
        match self {
            Self::Png(png) => png.respond(success),
            Self::Json(json) => Json(json).respond(StatusCode::OK),
        }
    }

    fn document() -> Vec<Content> {
        Json::<T>::document().into_iter().chain(Png::document()).collect()
    }
}

impl Answer for Raw {
    fn respond(self, _: StatusCode) -> Response {
        self.0
    }

    fn document() -> Vec<Content> {
        vec![Content { mimetype: "application/octet-stream", shape: None }]
    }
}

/// Nothing but that it is done.
impl Answer for () {
    fn respond(self, success: StatusCode) -> Response {
        reply::json(success, &serde_json::json!({}))
    }

    fn document() -> Vec<Content> {
        vec![Content { mimetype: "application/json", shape: None }]
    }
}
