//! Files of messages, as they are served.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use colmeia::protocol::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::answer::Raw;
use super::super::failure::ApiError;
use super::super::session::Session;
use super::is_mimetype;

/// The file of a message.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct MessageFileArgs {
    /// The message's id.
    message: String,
}

/// `GET /api/files/{session}/{message}`: it comes from strangers and is served from our origin, so no script of
/// theirs runs there: it is a download in a sandbox, whatever it says it is.
pub(in super::super) async fn of_message(session: Session, args: MessageFileArgs) -> Result<Raw, ApiError> {
    let call = Call::DownloadMedia { message: args.message, most: None };
    let (Reply::Media { mimetype, filename }, bytes) = session.call(call).await? else {
        return Err(ApiError::wrong_reply());
    };
    let mimetype = Some(mimetype).filter(|text| is_mimetype(text));
    let content_type = mimetype.and_then(|text| HeaderValue::from_str(&text).ok());
    let name = filename.unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c)).collect();
    let disposition =
        if name.is_empty() { "attachment".into() } else { format!("attachment; filename=\"{name}\"") };
    let fixed = HeaderValue::from_static;
    let headers = [
        (CONTENT_TYPE, content_type.unwrap_or(fixed("application/octet-stream"))),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(fixed("attachment"))),
        (CONTENT_SECURITY_POLICY, fixed("sandbox")),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (CACHE_CONTROL, fixed("private, max-age=31536000")),
    ];
    Ok(Raw(axum::response::IntoResponse::into_response((headers, bytes))))
}
