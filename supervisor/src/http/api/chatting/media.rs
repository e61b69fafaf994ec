//! Files: pictures, documents, voice, videos and stickers.

use colmeia::ChatId;
use colmeia::operations::{MediaStyle, MessageRef};
use colmeia::protocol::Call;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::failure::ApiError;
use super::super::files::{File, FileArg};
use super::super::session::Session;
use super::{Mention, Sent, mentioned, options, send};

/// A file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct FileArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The file.
    file: FileArg,
    /// The text below it.
    #[serde(default)]
    caption: Option<String>,
    /// The message that this one answers.
    #[serde(default, rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// Whom it mentions; `all` is everyone in the group.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<Mention>,
    /// A round video.
    #[serde(default)]
    as_note: bool,
    /// Not offered: files are sent as they are.
    #[serde(default)]
    convert: bool,
}

/// What kind of file an operation sends.
#[derive(Clone, Copy)]
struct Kind {
    /// Its type where nobody says.
    usual: &'static str,
    /// What its type has to begin with.
    family: &'static str,
    as_document: bool,
    style: Option<MediaStyle>,
}

async fn send_media(session: Session, args: FileArgs, kind: Kind) -> Sent {
    let mentions = mentioned(Some(&args.chat_id), args.mentions)?;
    session.me()?; // before anything is fetched
    let File { upload, mimetype, filename } = args.file.get(&session, kind.usual).await?;
    if !mimetype.starts_with(kind.family) {
        let rule = format!("has to begin with {}", kind.family);
        return Err(ApiError::field("file.mimetype", rule));
    }
    if args.convert && !mimetype.starts_with(kind.usual.split(';').next().unwrap_or_default()) {
        let rule = format!("is not offered: send {} as it is", kind.usual);
        return Err(ApiError::field("convert", rule));
    }
    let body = args.caption.clone().unwrap_or_default();
    let call = Call::SendMedia {
        chat: args.chat_id.clone(),
        mimetype,
        filename,
        caption: args.caption.filter(|caption| !caption.is_empty()),
        as_document: kind.as_document,
        style: kind.style,
        options: options(args.reply_to, mentions, None),
    };
    send(&session, call, Some(upload), &args.chat_id, body).await
}

pub(in super::super) async fn send_image(session: Session, args: FileArgs) -> Sent {
    let kind = Kind { usual: "image/jpeg", family: "image/", as_document: false, style: None };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_file(session: Session, args: FileArgs) -> Sent {
    let kind = Kind { usual: "application/octet-stream", family: "", as_document: true, style: None };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_voice(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Voice);
    let kind = Kind { usual: "audio/ogg; codecs=opus", family: "audio/", as_document: false, style };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_video(session: Session, args: FileArgs) -> Sent {
    let style = args.as_note.then_some(MediaStyle::VideoNote);
    let kind = Kind { usual: "video/mp4", family: "video/", as_document: false, style };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_sticker(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Sticker);
    let kind = Kind { usual: "image/webp", family: "image/", as_document: false, style };
    send_media(session, args, kind).await
}
