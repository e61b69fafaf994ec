//! Files that come with a request, as base64 or as an address, and files of messages that go out.
//!
//! Owns what a file of a request is and what may be wrong with it. `receive` takes the body, `lift` the file out of it,
//! `fetch` gets the one at an address. **No file is in memory as a whole**: it lies in `uploads` until its worker has it.

mod convert;
pub(crate) mod fetch;
pub(crate) mod lift;
mod mimetype;
mod public;
mod receive;
mod refusals;
mod served;
#[cfg(test)]
mod tests;

use colmeia::text::is_unseen;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::session::Session;
use crate::errors::ApiError;
use colmeia_host::uploads::{Draft, DraftError, Expected, LARGEST, Upload};
use mimetype::is_mimetype;
use refusals::no_room;

pub(super) use convert::{convert, playable};
pub(super) use mimetype::lower;
pub(super) use receive::{receive, refuse};
pub(super) use served::of_message;

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
    data: Option<String>,
    /// Where it is fetched.
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
            (_, Some(url)) if !url.is_empty() => {
                let taker = fetch::Taker {
                    uploads: &session.http.uploads,
                    holder: &session.holder,
                    user: session.user(),
                };
                session.http.fetcher.fetch(&url, taker).await?
            }
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

/// A path's last part, as Unix or Windows writes it: some clients send where the file lies on their machine.
fn last_part(path: &str) -> Option<&str> {
    path.rsplit(['/', '\\']).map(str::trim).find(|part| !part.is_empty() && !matches!(*part, "." | ".."))
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
