//! Files: pictures, documents, voice, videos and stickers.

use colmeia::ChatId;
use colmeia::operations::{MediaStyle, MessageRef};
use colmeia::protocol::Call;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::files::{File, FileArg, playable};
use super::super::session::Session;
use super::{Mention, Sent, mentioned, options, send};
use crate::errors::ApiError;
use colmeia_control::convert::Target;

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
    caption: Option<String>,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// Whom it mentions; `all` is everyone in the group.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<Mention>,
    /// A round video.
    #[serde(default)]
    as_note: bool,
    /// Voice and video: `true` makes a file into what phones play, `false` refuses one that they do not; when absent it
    /// is converted where that is needed.
    convert: Option<bool>,
}

/// What kind of file an operation sends.
#[derive(Clone, Copy)]
struct Kind {
    /// Its type where nobody says.
    usual: &'static str,
    /// What its type has to begin with, unless it is converted.
    family: &'static str,
    /// What phones play.
    target: Option<Target>,
    as_document: bool,
    style: Option<MediaStyle>,
}

async fn send_media(session: Session, args: FileArgs, kind: Kind) -> Sent {
    let mentions = mentioned(Some(&args.chat_id), args.mentions)?;
    session.me()?; // before anything is fetched
    let mut file = args.file.get(&session, kind.usual).await?;
    if let Some(target) = kind.target {
        file = playable(file, args.convert, target, &session).await?;
    } else if args.convert == Some(true) {
        return Err(ApiError::field("convert", "is for voice and video: this is sent as it is"));
    }
    let File { upload, mimetype, filename } = file;
    if !mimetype.starts_with(kind.family) {
        let rule = format!("has to begin with {}", kind.family);
        return Err(ApiError::field("file.mimetype", rule));
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
    let kind = Kind { usual: "image/jpeg", family: "image/", target: None, as_document: false, style: None };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_file(session: Session, args: FileArgs) -> Sent {
    let usual = "application/octet-stream";
    let kind = Kind { usual, family: "", target: None, as_document: true, style: None };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_voice(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Voice);
    let target = Target::Voice;
    let usual = target.mimetype();
    let kind = Kind { usual, family: "audio/", target: Some(target), as_document: false, style };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_video(session: Session, args: FileArgs) -> Sent {
    let style = args.as_note.then_some(MediaStyle::VideoNote);
    let target = Target::Video;
    let usual = target.mimetype();
    let kind = Kind { usual, family: "video/", target: Some(target), as_document: false, style };
    send_media(session, args, kind).await
}

pub(in super::super) async fn send_sticker(session: Session, args: FileArgs) -> Sent {
    let style = Some(MediaStyle::Sticker);
    let kind = Kind { usual: "image/webp", family: "image/", target: None, as_document: false, style };
    send_media(session, args, kind).await
}
