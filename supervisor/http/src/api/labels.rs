//! Labels, which business accounts have.

use colmeia::ChatId;
use colmeia::operations::{
    ChatOverview, ChatsOfLabel, CreateLabel, LabelRecord, LabelsOfChat, ListLabels, SetLabelsOfChat,
    UpdateLabel,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::chats::Chat;
use super::models::{ChatArgs, NoArgs, Success};
use super::session::Session;
use crate::errors::ApiError;

/// The palette's places.
const COLORS: u8 = 20;

/// A label.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Label {
    id: String,
    name: String,
    /// Its place in WhatsApp's palette.
    color: u8,
    color_hex: String,
}

/// A label's name and colour.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateArgs {
    /// Its name.
    name: String,
    /// Its place in WhatsApp's palette, 0 to 19.
    color: Option<u8>,
    /// Not offered by itself: give `color`.
    color_hex: Option<String>,
}

/// A label's new name and colour.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateArgs {
    /// Which one.
    label_id: String,
    /// Its name.
    name: String,
    /// Its place in WhatsApp's palette, 0 to 19.
    color: Option<u8>,
    /// Not offered by itself: give `color`.
    color_hex: Option<String>,
}

/// One label.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LabelArgs {
    /// Which one.
    pub(super) label_id: String,
}

/// A label by its id.
#[derive(Deserialize, ToSchema)]
pub(super) struct LabelId {
    /// Which one.
    id: String,
}

/// A chat's labels.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// These and no others.
    labels: Vec<LabelId>,
}

impl Label {
    fn of(record: LabelRecord) -> Self {
        let LabelRecord { id, label: name, color, color_hex } = record;
        Self { id, name, color, color_hex }
    }
}

fn color(color: Option<u8>, hex: Option<&String>) -> Result<u8, ApiError> {
    match color {
        Some(color) if color < COLORS => Ok(color),
        None if hex.is_none() => Ok(0),
        _ => Err(ApiError::field(
            "color",
            format!("has to be a place in WhatsApp's palette, 0 to {}", COLORS - 1),
        )),
    }
}

pub(super) async fn list(session: Session, _: NoArgs) -> Answered<Vec<Label>> {
    Ok(Json(session.operate(ListLabels {}).await?.into_iter().map(Label::of).collect()))
}

pub(super) async fn create(session: Session, args: CreateArgs) -> Answered<Label> {
    let color = color(args.color, args.color_hex.as_ref())?;
    Ok(Json(Label::of(session.operate(CreateLabel { label: args.name, color }).await?)))
}

pub(super) async fn update(session: Session, args: UpdateArgs) -> Answered<Label> {
    let color = color(args.color, args.color_hex.as_ref())?;
    let operation = UpdateLabel { id: args.label_id, label: args.name, color };
    Ok(Json(Label::of(session.operate(operation).await?)))
}

pub(super) async fn of_chat(session: Session, args: ChatArgs) -> Answered<Vec<Label>> {
    let labels = session.operate(LabelsOfChat { chat: args.chat_id }).await?;
    Ok(Json(labels.into_iter().map(Label::of).collect()))
}

pub(super) async fn put(session: Session, args: PutArgs) -> Answered<Success> {
    let labels = args.labels.into_iter().map(|label| label.id).collect();
    session.carry_out(SetLabelsOfChat { chat: args.chat_id, labels }).await
}

pub(super) async fn chats(session: Session, args: LabelArgs) -> Answered<Vec<Chat>> {
    let (me, files) = (session.me()?, session.files(true));
    let chats = session.operate(ChatsOfLabel { id: args.label_id }).await?;
    let chat = |chat| Chat::of(ChatOverview { chat, picture: None, muted: false }, &me, &files);
    Ok(Json(chats.into_iter().map(chat).collect()))
}
