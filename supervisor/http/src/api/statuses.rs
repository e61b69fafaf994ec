//! Statuses, which disappear after a day.

use colmeia::operations::{
    DeleteStatus, MediaStyle, MessageRef, PostMediaStatus, PostTextStatus, SentMessage,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::chatting::checked_text;
use super::files::{FileArg, playable};
use super::models::{Message, Success};
use super::session::Session;
use crate::errors::ApiError;
use colmeia_control::convert::Target;

/// Where statuses go.
const TO: &str = "status@broadcast";

type Posted = Answered<Message>;

/// A text as status.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TextArgs {
    /// The text.
    text: String,
    /// The ground's colour, `#rrggbb`.
    background_color: Option<String>,
    /// One of WhatsApp's fonts, 0 to 7.
    font: Option<f64>,
    /// Not offered: everyone whom the account's settings allow sees it.
    #[serde(default)]
    contacts: Vec<String>,
    /// The id that it shall have.
    id: Option<String>,
}

/// A file as status.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MediaArgs {
    /// The file.
    file: FileArg,
    /// The text below it.
    caption: Option<String>,
    /// Voice and video, as in sendVoice.
    convert: Option<bool>,
    /// The ground's colour of a voice status, `#rrggbb`.
    background_color: Option<String>,
    /// Not offered: everyone whom the account's settings allow sees it.
    #[serde(default)]
    contacts: Vec<String>,
    /// The id that it shall have.
    id: Option<String>,
}

/// A status of the account's own.
#[derive(Deserialize, ToSchema)]
pub(super) struct DeleteArgs {
    /// Its id.
    #[serde(alias = "messageId")]
    id: String,
}

fn color(text: Option<String>) -> Result<Option<String>, ApiError> {
    let fine = |text: &str| {
        text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match text {
        Some(text) if !text.is_empty() && !fine(&text) => {
            Err(ApiError::field("backgroundColor", "has to be a colour such as #38b42f"))
        }
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

/// Who wants to show something to a few must not show it to all.
fn for_all(contacts: &[String]) -> Result<(), ApiError> {
    if contacts.is_empty() {
        return Ok(());
    }
    Err(ApiError::field(
        "contacts",
        "is not offered: leave it out, and everyone whom the account's settings allow sees it",
    ))
}

fn posted(session: &Session, sent: SentMessage, body: String, has_media: bool) -> Posted {
    Ok(Json(Message::sent(sent, &session.me()?, TO, body, has_media)))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
pub(super) async fn text(session: Session, args: TextArgs) -> Posted {
    checked_text("text", &args.text)?;
    for_all(&args.contacts)?;
    let font = match args.font {
        Some(font) if !(0.0..=7.0).contains(&font) => {
            return Err(ApiError::field("font", "has to be 0 to 7"));
        }
        font => font.map(|font| font as u8),
    };
    let background = color(args.background_color)?;
    let operation = PostTextStatus { text: args.text.clone(), background, font, message_id: args.id };
    let sent = session.operate(operation).await?;
    posted(&session, sent, args.text, false)
}

async fn media(
    session: Session,
    args: MediaArgs,
    target: Option<Target>,
    style: Option<MediaStyle>,
) -> Posted {
    let usual = target.map_or("image/jpeg", Target::mimetype);
    for_all(&args.contacts)?;
    session.me()?; // before anything is fetched
    let background = color(args.background_color)?;
    let mut file = args.file.get(&session, usual).await?;
    if let Some(target) = target {
        file = playable(file, args.convert, target, &session).await?;
    }
    let family = usual.split_inclusive('/').next().unwrap_or_default();
    if !file.mimetype.starts_with(family) {
        return Err(ApiError::field("file.mimetype", format!("has to begin with {family}")));
    }
    let body = args.caption.clone().unwrap_or_default();
    let operation = PostMediaStatus {
        mimetype: file.mimetype,
        filename: Some(file.filename),
        caption: args.caption,
        style,
        background,
        message_id: args.id,
    };
    let sent = session.operate_with(operation, Some(file.upload)).await?;
    posted(&session, sent, body, true)
}

pub(super) async fn image(session: Session, args: MediaArgs) -> Posted {
    media(session, args, None, None).await
}

pub(super) async fn voice(session: Session, args: MediaArgs) -> Posted {
    media(session, args, Some(Target::Voice), Some(MediaStyle::Voice)).await
}

pub(super) async fn video(session: Session, args: MediaArgs) -> Posted {
    media(session, args, Some(Target::Video), None).await
}

pub(super) async fn delete(session: Session, args: DeleteArgs) -> Answered<Success> {
    let full = if args.id.contains('_') { args.id } else { format!("true_{TO}_{}", args.id) };
    let message = MessageRef::try_from(full).map_err(|error| ApiError::field("id", error))?;
    session.carry_out(DeleteStatus { message }).await
}
