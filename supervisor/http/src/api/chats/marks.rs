//! Reading a chat, and its picture.

use colmeia::operations::{GetPicture, ReadChat};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::models::{ChatArgs, PictureUrl};
use super::super::session::Session;
use super::chat_named;

/// What was unread.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ReadIds {
    ids: Vec<String>,
}

pub(in super::super) async fn read(session: Session, args: ChatArgs) -> Answered<ReadIds> {
    Ok(Json(ReadIds { ids: session.operate(ReadChat { chat: args.chat_id }).await?.messages }))
}

/// Whose picture.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PictureArgs {
    /// A number or an id.
    #[serde(alias = "id")]
    chat_id: String,
    /// Ask WhatsApp, even if the page holds one.
    #[serde(default)]
    refresh: bool,
}

pub(in super::super) async fn picture(session: Session, args: PictureArgs) -> Answered<PictureUrl> {
    let of = chat_named(&args.chat_id)?;
    let picture = session.operate(GetPicture { of, refresh: args.refresh }).await?;
    Ok(Json(PictureUrl::of(picture)))
}
