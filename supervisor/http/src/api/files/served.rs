//! Files of messages, as they are served.

use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use colmeia::protocol::{Call, Reply};
use colmeia::text::is_unseen;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::super::reply;
use super::super::answer::Raw;
use super::super::session::Session;
use super::mimetype::is_mimetype;
use crate::errors::ApiError;

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
    let (Reply::Media { mimetype, filename }, file) = session.call(call).await? else {
        return Err(ApiError::wrong_reply());
    };
    let mimetype = Some(mimetype).filter(|text| is_mimetype(text));
    let content_type = mimetype.and_then(|text| HeaderValue::from_str(&text).ok());
    let disposition = disposition(&filename.unwrap_or_default());
    let fixed = HeaderValue::from_static;
    let headers = [
        (CONTENT_TYPE, content_type.unwrap_or(fixed("application/octet-stream"))),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).unwrap_or(fixed("attachment"))),
        (CONTENT_SECURITY_POLICY, fixed("sandbox")),
        (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (CACHE_CONTROL, fixed("private, max-age=31536000")),
    ];
    Ok(Raw(axum::response::IntoResponse::into_response((headers, reply::file(file)))))
}

/// A download under this name: in ASCII for old programs, and whole in UTF-8 (RFC 6266 and 8187).
fn disposition(name: &str) -> String {
    let name: String = name.chars().filter(|c| !is_unseen(*c) && !"/\\".contains(*c)).collect();
    if name.is_empty() {
        return "attachment".into();
    }
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{name}\"");
    }
    let whole = colmeia_events::envelope::percent_encoded(&name);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_name_keeps_letters_of_any_script() {
        for (name, header) in [
            ("a b.pdf", "attachment; filename=\"a b.pdf\""),
            ("relatório.pdf", "attachment; filename=\"relat_rio.pdf\"; filename*=UTF-8''relat%C3%B3rio.pdf"),
            ("報告.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E5%A0%B1%E5%91%8A.pdf"),
            ("a\"b.pdf", "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
            ("../x\r\ny", "attachment; filename=\"..xy\""),
            ("gpj.\u{202e}exe", "attachment; filename=\"gpj.exe\""),
            ("", "attachment"),
        ] {
            assert_eq!(disposition(name), header);
        }
    }
}
