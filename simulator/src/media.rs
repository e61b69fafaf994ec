//! Owns media bytes: what pages upload and download, what the phone attaches.
//! Never looks into them.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::world::{Shared, World, now_ms};

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    /// As its sender named it.
    pub(crate) mimetype: String,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

/// Where a page finds the file again.
pub(crate) fn path_of(key: &str) -> String {
    format!("/sim/media/{key}")
}

/// The inverse of [`path_of`].
pub(crate) fn key_of(path: &str) -> Option<&str> {
    path.strip_prefix("/sim/media/")
}

/// Keeps a file and returns its key.
pub(crate) fn keep(world: &mut World, mimetype: &str, bytes: Bytes) -> String {
    let count = world.lasting.media.len();
    let key = format!("{:x}-{count}", now_ms());
    world.lasting.media.insert(key.clone(), Media { mimetype: mimetype.to_owned(), bytes });
    key
}

/// Decodes what the phone's API takes.
pub(crate) fn decode(data: &str) -> Result<Bytes, base64::DecodeError> {
    STANDARD.decode(data).map(Bytes::from)
}

/// `POST /sim/media`: a page uploads.
pub(crate) async fn upload(State(shared): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let mimetype = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream");
    let key = shared.change(|world| keep(world, mimetype, bytes));
    axum::Json(json!({ "path": path_of(&key) })).into_response()
}

/// `GET /sim/media/{key}`: a page downloads.
pub(crate) async fn download(State(shared): State<Shared>, Path(key): Path<String>) -> Response {
    let media = shared.lock().lasting.media.get(&key).cloned();
    respond(media)
}

/// The bytes with their type, or 404.
pub(crate) fn respond(media: Option<Media>) -> Response {
    match media {
        Some(media) => ([(header::CONTENT_TYPE, media.mimetype)], media.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// How media is written into the state file.
pub(crate) mod as_base64 {
    use std::collections::BTreeMap;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Media;

    /// `{key: [mimetype, base64]}`.
    pub(crate) fn serialize<S: Serializer>(
        media: &BTreeMap<String, Media>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let rows = media.iter().map(|(key, media)| (key, (&media.mimetype, STANDARD.encode(&media.bytes))));
        serializer.collect_map(rows)
    }

    /// The inverse.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Media>, D::Error> {
        let rows = BTreeMap::<String, (String, String)>::deserialize(deserializer)?;
        rows.into_iter()
            .map(|(key, (mimetype, data))| {
                let bytes = super::decode(&data).map_err(D::Error::custom)?;
                Ok((key, Media { mimetype, bytes }))
            })
            .collect()
    }
}
