//! Files that come with a request, as base64 or as an address, and files of messages that go out.
//!
//! Owns what a file of a request is and what may be wrong with it. `receive` takes the body, `lift` the file out of it,
//! `fetch` gets the one at an address. **No file is in memory as a whole**: it lies in `uploads` until its worker has it.

mod convert;
mod fetch;
mod lift;
mod public;
mod receive;
mod served;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use colmeia::text::is_unseen;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::failure::ApiError;
use super::session::Session;
use crate::uploads::{DraftError, LARGEST, NoRoom, Upload};
use colmeia::errors::chain;

pub(super) use convert::{playable, video as convert_video, voice as convert_voice};
pub(in super::super) use fetch::Fetcher;
pub(super) use receive::{receive, refuse};
pub(super) use served::of_message;

/// When to try again after there was no room.
const AGAIN_SECS: u64 = 5;

/// A file of a request: `data` or `url`.
#[derive(Deserialize, ToSchema)]
pub(super) struct FileArg {
    /// Its type; when absent that of the address's answer, else what the operation is about.
    #[serde(default, deserialize_with = "text_or_nothing")]
    mimetype: Option<String>,
    /// Its name; of a path the last part.
    #[serde(default, deserialize_with = "text_or_nothing")]
    filename: Option<String>,
    /// In base64, with or without a `data:` address around it.
    #[serde(default)]
    data: Option<String>,
    /// Where it is fetched.
    #[serde(default)]
    url: Option<String>,
}

/// A file that is there.
pub(super) struct File {
    pub(super) upload: Upload,
    pub(super) mimetype: String,
    pub(super) filename: String,
}

/// The SDK's types for voice and video ask for an object where a text is meant.
fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
}

impl FileArg {
    /// One of which nothing else is said.
    fn of(data: Option<String>, url: Option<String>) -> Self {
        Self { mimetype: None, filename: None, data, url }
    }

    /// The file, fetched if need be. `usual` is its type where nobody says.
    ///
    /// # Errors
    /// What is wrong with it, with the field named.
    pub(super) async fn get(self, session: &Session, usual: &str) -> Result<File, ApiError> {
        let (upload, said) = match (self.data, self.url) {
            // What stands in the field by now is the digest of what came in the body.
            (Some(data), _) if !data.is_empty() => (session.upload.clone().ok_or_else(ApiError::bug)?, None),
            (_, Some(url)) if !url.is_empty() => fetch::fetch(&url, session).await?,
            _ => return Err(ApiError::field("file", "has to have data or url")),
        };
        if upload.length() == 0 {
            return Err(ApiError::field("file", "is empty"));
        }
        let mimetype = self.mimetype.or(said).map_or_else(|| usual.to_owned(), |said| lower(&said));
        if !is_mimetype(&mimetype) {
            return Err(ApiError::field("file.mimetype", "has to be a type such as image/png"));
        }
        let named = self.filename.as_deref().and_then(last_part).map(str::to_owned);
        let filename = named.unwrap_or_else(|| usual_name(&mimetype));
        if filename.chars().count() > 255 || filename.contains(is_unseen) {
            return Err(ApiError::field(
                "file.filename",
                "has to be a file's name of at most 255 characters, without characters that control how it is shown",
            ));
        }
        Ok(File { upload, mimetype, filename })
    }
}

/// Counts the file that came in the body as the session's.
///
/// # Errors
/// 429 when it has too many under way.
pub(super) fn count(session: &Session, at: Option<&[&str]>) -> Result<(), ApiError> {
    let (Some(upload), Some(at)) = (&session.upload, at) else { return Ok(()) };
    upload.assign(session.user()).map_err(|error| no_room(error, &at.join(".")))
}

fn too_large(field: &str) -> ApiError {
    ApiError::too_large(field, LARGEST / 1024 / 1024)
}

fn no_room(error: NoRoom, field: &str) -> ApiError {
    let (status, whose) = match error {
        NoRoom::Whole => (StatusCode::SERVICE_UNAVAILABLE, "files"),
        NoRoom::OfOne => (StatusCode::TOO_MANY_REQUESTS, "files of this session"),
        NoRoom::OfCaller => (StatusCode::TOO_MANY_REQUESTS, "files of yours"),
    };
    let rule = format!("cannot be taken now: too many {whose} are on their way");
    ApiError::no_room(status, field, &rule, AGAIN_SECS)
}

fn not_taken(error: &DraftError, field: &str) -> ApiError {
    match error {
        DraftError::TooLarge => too_large(field),
        error if error.is_full() => ApiError::disk_full(),
        error => {
            tracing::error!(error = chain(error), "a file could not be taken");
            ApiError::bug()
        }
    }
}

/// A path's last part, as Unix or Windows writes it: some clients send where the file lies on their machine.
fn last_part(path: &str) -> Option<&str> {
    path.rsplit(['/', '\\']).map(str::trim).find(|part| !part.is_empty() && !matches!(*part, "." | ".."))
}

/// A type in lower case, as types have no case (RFC 9110, 8.3.1); its parameters stay as they are.
pub(super) fn lower(mimetype: &str) -> String {
    let (essence, parameters) = mimetype.split_at(mimetype.find(';').unwrap_or(mimetype.len()));
    essence.trim().to_ascii_lowercase() + parameters
}

/// `type/subtype` and perhaps parameters.
fn is_mimetype(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    text.len() <= 127
        && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && essence.split_once('/').is_some_and(|(family, sub)| token(family) && token(sub))
}

fn usual_name(mimetype: &str) -> String {
    let sub = mimetype.split(';').next().unwrap_or_default().split('/').nth(1).unwrap_or("bin");
    let ending = match sub.trim() {
        "jpeg" => "jpg",
        "plain" => "txt",
        "octet-stream" => "bin",
        sub if sub.len() <= 5 && sub.bytes().all(|b| b.is_ascii_alphanumeric()) => sub,
        _ => "bin",
    };
    format!("file.{ending}")
}
