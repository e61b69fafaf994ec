//! Texts, and the boxes below their links.

use colmeia::ChatId;
use colmeia::operations::{LinkPreview, MessageRef};
use colmeia::protocol::Call;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::files::FileArg;
use super::super::models::yes;
use super::super::session::Session;
use super::{Mention, Sent, checked_text, mentioned, options, preview_of, send};
use crate::errors::ApiError;

/// A text.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct TextArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    #[serde(alias = "phone")]
    chat_id: ChatId,
    /// What is sent.
    #[schema(min_length = 1, max_length = 65536)]
    text: String,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// Whom it mentions; `all` is everyone in the group.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<Mention>,
    /// Whether a link in it gets a box with title and picture.
    #[serde(default = "yes")]
    link_preview: bool,
    /// The id that it shall have.
    id: Option<String>,
}

pub(in super::super) async fn send_text(session: Session, args: TextArgs) -> Sent {
    checked_text("text", &args.text)?;
    let call = Call::SendText {
        link_preview: preview_of(&args.text, args.link_preview),
        options: options(args.reply_to, mentioned(Some(&args.chat_id), args.mentions)?, args.id),
        chat: args.chat_id.clone(),
        text: args.text.clone(),
    };
    send(&session, call, None, &args.chat_id, args.text).await
}

/// A text with a link whose box the caller makes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct CustomPreviewArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// What is sent; the link stands in it.
    text: String,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
    /// The box.
    preview: PreviewArg,
}

/// The box below a link.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PreviewArg {
    /// The link.
    url: String,
    /// In bold.
    title: String,
    /// Below it.
    #[serde(default)]
    description: String,
    /// The picture.
    image: Option<FileArg>,
}

pub(in super::super) async fn send_link_custom_preview(session: Session, args: CustomPreviewArgs) -> Sent {
    checked_text("text", &args.text)?;
    let PreviewArg { url, title, description, image } = args.preview;
    if !args.text.contains(&url) {
        return Err(ApiError::field("preview.url", "has to stand in the text"));
    }
    let picture = match image {
        Some(image) => Some(image.get(&session, "image/jpeg").await?.upload),
        None => None,
    };
    let call = Call::SendText {
        chat: args.chat_id.clone(),
        text: args.text.clone(),
        options: options(args.reply_to, Vec::new(), None),
        link_preview: LinkPreview::Custom { url, title, description },
    };
    send(&session, call, picture, &args.chat_id, args.text).await
}

/// A link with a title.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct LinkArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The link.
    url: String,
    /// Before it.
    title: String,
    /// The id that it shall have.
    id: Option<String>,
}

pub(in super::super) async fn send_link_preview(session: Session, args: LinkArgs) -> Sent {
    let text = format!("{}\n{}", args.title, args.url);
    checked_text("url", &args.url)?;
    let call = Call::SendText {
        link_preview: preview_of(&text, true),
        options: options(None, Vec::new(), args.id),
        chat: args.chat_id.clone(),
        text: text.clone(),
    };
    send(&session, call, None, &args.chat_id, text).await
}
