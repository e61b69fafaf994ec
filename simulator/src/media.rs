//! Owns media bytes: what pages upload and download, what the phone attaches, and how they are written down.
//! Never looks into them.

use std::collections::BTreeMap;

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::clock::now_ms;

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

/// Adds a file and returns its key.
pub(crate) fn keep(all: &mut BTreeMap<String, Media>, mimetype: &str, bytes: Bytes) -> String {
    let key = format!("{:x}-{}", now_ms(), all.len());
    all.insert(key.clone(), Media { mimetype: mimetype.to_owned(), bytes });
    key
}

/// Decodes what the phone's API takes.
pub(crate) fn decode(data: &str) -> Result<Bytes, base64::DecodeError> {
    STANDARD.decode(data).map(Bytes::from)
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
