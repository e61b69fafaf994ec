//! A look at a session: its health, and its page as it is drawn now.

use std::time::SystemTime;

use axum::http::StatusCode;
use axum::response::Response;
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use futures::TryStreamExt as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::reply;
use super::answer::{Answer, Content, Json, Png, PngOr};
use super::linking::wants_json;
use super::models::NoArgs;
use super::session::Session;
use crate::errors::ApiError;
use crate::watch::health::Health;
use colmeia_session::CallFailure;

/// The largest picture that is made into JSON, in bytes; JSON is made in memory, as a whole.
const LARGEST_IN_JSON: u64 = 16 * 1024 * 1024;

/// A picture in base64.
#[derive(Serialize, ToSchema)]
pub(super) struct Picture {
    mimetype: &'static str,
    data: String,
}

/// It shows whatever the page shows, messages too.
pub(super) async fn screenshot(session: Session, _: NoArgs) -> Result<PngOr<Picture>, ApiError> {
    // A PNG and nothing else: what a worker says that it is does not count.
    let (Reply::Media { .. }, png) = session.call_unlinked(Call::Screenshot, None).await? else {
        return Err(ApiError::wrong_reply());
    };
    if wants_json(&session.headers) {
        if png.length() > LARGEST_IN_JSON {
            let why = CallError::new(CallErrorKind::TooLarge, "the picture is too large for JSON");
            return Err(ApiError::of_call(&CallFailure::Session(why), false));
        }
        let data = png.base64_pieces().try_collect().await;
        let data = data.map_err(|error| ApiError::failed(&error, "a picture cannot be read"))?;
        return Ok(PngOr::Json(Picture { mimetype: "image/png", data }));
    }
    Ok(PngOr::Png(Png(png)))
}

/// A session's health: 200 when it is ready, else 503, as health checks want it.
impl Answer for Health {
    fn respond(self, _: StatusCode) -> Response {
        let status = if self.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply::json(status, &self)
    }

    fn document() -> Vec<Content> {
        Json::<Self>::document()
    }
}

/// Nobody is asked: it is what supervisor and worker found by themselves.
pub(super) async fn health(session: Session, _: NoArgs) -> Result<Health, ApiError> {
    Ok(Health::of(&session.handle.view(), SystemTime::now()))
}
