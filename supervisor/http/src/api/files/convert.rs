//! Voice and video as phones play them: what is converted, what is refused, and what is told when it cannot be done.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::super::reply;
use super::super::answer::Raw;
use super::super::linking::wants_json;
use super::super::session::Session;
use super::refusals::{AGAIN_SECS, no_room, not_taken, too_large};
use super::{File, FileArg};
use crate::errors::ApiError;
use colmeia_control::convert::{Target, Unconverted};
use colmeia_host::uploads::{Fetched, LARGEST, Upload};

/// A file to convert: `data` or `url`.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ConvertArgs {
    /// In base64.
    data: Option<String>,
    /// Where it is fetched.
    url: Option<String>,
}

/// The file as phones play it: converted where that is wished, or where nobody said anything and it is needed.
///
/// # Errors
/// What is wrong, with the field named.
pub(in super::super) async fn playable(
    file: File,
    convert: Option<bool>,
    target: Target,
    session: &Session,
) -> Result<File, ApiError> {
    let essence = file.mimetype.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match convert {
        Some(false) if !target.plays(&essence) => Err(ApiError::field(
            "convert",
            format!(
                "is false, and phones do not play {essence} as such a message: send {}, or set convert to true",
                target.mimetype()
            ),
        )),
        None | Some(false) if target.plays(&essence) => Ok(file),
        // Who says nothing has probably mistaken one file for another.
        None if !essence.starts_with("audio/") && !essence.starts_with("video/") => {
            let (family, _) = target.mimetype().split_once('/').unwrap_or_default();
            let rule = format!("has to begin with {family}/, unless convert is true");
            Err(ApiError::field("file.mimetype", rule))
        }
        _ => {
            let upload = converted(&file.upload, target, session, "file").await?;
            let stem = file.filename.rsplit_once('.').map_or(&*file.filename, |(stem, _)| stem);
            let filename = format!("{stem}.{}", target.ending());
            Ok(File { upload, mimetype: target.mimetype().into(), filename })
        }
    }
}

async fn converted(
    file: &Upload,
    target: Target,
    session: &Session,
    field: &str,
) -> Result<Upload, ApiError> {
    let room = session.http.uploads.expect(LARGEST, &session.holder).and_then(|room| room.of(session.user()));
    let room = room.map_err(|error| no_room(error, field))?;
    let converted = session.http.converter.convert(file, target, session.user(), room).await;
    converted.map_err(|why| explain(&why, field))
}

fn explain(why: &Unconverted, field: &str) -> ApiError {
    let wrong = |rule: &str| ApiError::field(field, format!("cannot be converted: {rule}"));
    let later = |rule: &str| ApiError::no_room(StatusCode::SERVICE_UNAVAILABLE, field, rule, AGAIN_SECS);
    match why {
        Unconverted::NotInstalled => ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "Conversion needs ffmpeg, which is not installed on the server: apt install ffmpeg (or set \
             conversion.ffmpeg); until then send voice as audio/ogg with Opus and video as video/mp4",
        )
        .before_anything(),
        Unconverted::Kind => wrong("it is no sound or film of a kind that is known"),
        Unconverted::Unreadable => wrong("it is broken, or what is to be converted is not in it"),
        Unconverted::Slow => wrong("it takes longer than conversion.timeout_secs allows; send a shorter one"),
        Unconverted::TooLarge | Unconverted::File(colmeia_host::uploads::DraftError::TooLarge) => {
            too_large(field)
        }
        Unconverted::Busy => later("cannot be converted now: too many files wait for it"),
        Unconverted::Interrupted => later("was not converted: the conversion was interrupted"),
        Unconverted::File(error) => not_taken(error, field),
        Unconverted::System(_) | Unconverted::Walls => ApiError::failed(why, "a file cannot be converted"),
    }
}

/// The file itself, or `{"mimetype","data"}` for who asks for JSON, in pieces either way.
pub(in super::super) async fn convert(
    session: Session,
    args: ConvertArgs,
    target: Target,
) -> Result<Raw, ApiError> {
    let ConvertArgs { data, url } = args;
    let file = FileArg::of(data, url).get(&session, target.mimetype()).await;
    // Here they stand at the top.
    let file = file.map_err(|error| error.without_prefix("file."))?;
    let file = converted(&file.upload, target, &session, "data").await?;
    let fixed = HeaderValue::from_static;
    let guards = [
        (CONTENT_SECURITY_POLICY, fixed("sandbox")),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (CACHE_CONTROL, fixed("no-store")),
    ];
    if wants_json(&session.headers) {
        let before = format!(r#"{{"mimetype":"{}","data":""#, target.mimetype());
        let body = Body::from_stream(in_json(file, before));
        return Ok(Raw(
            (StatusCode::CREATED, guards, [(CONTENT_TYPE, fixed("application/json"))], body).into_response()
        ));
    }
    let disposition = format!("attachment; filename=\"file.{}\"", target.ending());
    let headers = [
        (CONTENT_TYPE, fixed(target.mimetype())),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(fixed("attachment"))),
    ];
    Ok(Raw((StatusCode::CREATED, guards, headers, reply::file(file.into())).into_response()))
}

/// The base64 between its beginning and its end.
fn in_json(
    file: Upload,
    before: String,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let one = |text: Bytes| stream::once(std::future::ready(Ok(text)));
    let within = Fetched::from(file).base64_pieces().map_ok(Bytes::from);
    one(before.into()).chain(within).chain(one(Bytes::from_static(b"\"}")))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;
    use colmeia_host::uploads::Uploads;
    use colmeia_host::uploads::testing::upload;

    #[tokio::test]
    async fn base64_in_pieces_is_that_of_the_whole() {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        for length in [1, 3 * (64 << 10), 3 * (64 << 10) + 1, 9 * (64 << 10) - 1, 700_000] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let pieces: Vec<Bytes> =
                in_json(upload(&uploads, &content), r#"{"data":""#.into()).try_collect().await.expect("read");
            let json: serde_json::Value = serde_json::from_slice(&pieces.concat()).expect("JSON");
            assert_eq!(json["data"], BASE64_STANDARD.encode(&content), "{length}");
        }
    }

    #[test]
    fn what_phones_play_is_not_what_browsers_play() {
        for (essence, voice, video) in [
            ("audio/ogg", true, false),
            ("audio/mpeg", false, false),
            ("audio/wav", false, false),
            ("video/mp4", false, true),
            ("video/webm", false, false),
            ("video/quicktime", false, false),
        ] {
            assert_eq!(
                (Target::Voice.plays(essence), Target::Video.plays(essence)),
                (voice, video),
                "{essence}"
            );
        }
    }
}
