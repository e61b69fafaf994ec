//! Owns the ways of files: what a page uploads and downloads. They are kept by `media`.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use crate::{
    media::{self, Media},
    world::Shared,
};

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/sim/media", post(upload)).route("/sim/media/{key}", get(download))
}

/// `POST /sim/media`: a page uploads.
async fn upload(State(shared): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let mimetype = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream");
    let key = shared.change(|world| media::keep(&mut world.lasting.media, mimetype, bytes));
    axum::Json(json!({ "path": media::path_of(&key) })).into_response()
}

/// `GET /sim/media/{key}`: a page downloads.
async fn download(State(shared): State<Shared>, Path(key): Path<String>) -> Response {
    respond(shared.lock().lasting.media.get(&key).cloned())
}

/// The bytes with their type, or 404.
pub(crate) fn respond(media: Option<Media>) -> Response {
    match media {
        Some(media) => ([(header::CONTENT_TYPE, media.mimetype)], media.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
