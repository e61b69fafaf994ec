//! Texts with buttons, lists to choose from, and the pressing of a button.

use colmeia::ChatId;
use colmeia::operations::{
    Button, ButtonAction, ListRow, ListSection, MessageRef, PressButton, SendButtons, SendList, SendOptions,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::session::Session;
use super::{Sent, checked_text, options, send_by};
use crate::errors::ApiError;

/// A text with buttons.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ButtonsArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// Above the text.
    header: Option<String>,
    /// The text.
    body: String,
    /// Below the text.
    footer: Option<String>,
    /// One to three.
    buttons: Vec<ButtonArg>,
}

/// A button.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ButtonArg {
    /// What stands on it.
    text: String,
    /// What it does.
    #[serde(default, rename = "type")]
    kind: ButtonKind,
    /// Comes back with an answer.
    id: Option<String>,
    /// What it opens.
    url: Option<String>,
    /// Whom it calls.
    phone_number: Option<String>,
    /// What it copies.
    copy_code: Option<String>,
}

/// What a button does.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum ButtonKind {
    #[default]
    Reply,
    Url,
    Call,
    Copy,
}

impl ButtonArg {
    fn button(self) -> Result<Button, ApiError> {
        let need = |value: Option<String>, field: &str| {
            value.ok_or_else(|| ApiError::field(format!("buttons.{field}"), "is missing"))
        };
        let action = match self.kind {
            ButtonKind::Reply => ButtonAction::Reply { id: self.id.unwrap_or_else(|| self.text.clone()) },
            ButtonKind::Url => ButtonAction::Url { url: need(self.url, "url")? },
            ButtonKind::Call => ButtonAction::Call { phone: need(self.phone_number, "phoneNumber")? },
            ButtonKind::Copy => ButtonAction::Copy { code: need(self.copy_code, "copyCode")? },
        };
        Ok(Button { text: self.text, action })
    }
}

pub(in super::super) async fn send_buttons(session: Session, args: ButtonsArgs) -> Sent {
    checked_text("body", &args.body)?;
    if !(1..=3).contains(&args.buttons.len()) {
        return Err(ApiError::field("buttons", "have to be one to three"));
    }
    let buttons = args.buttons.into_iter().map(ButtonArg::button).collect::<Result<_, _>>()?;
    let (chat, body) = (args.chat_id.clone(), args.body.clone());
    let operation = SendButtons {
        chat: args.chat_id,
        title: args.header,
        body: args.body,
        footer: args.footer,
        buttons,
        options: SendOptions::default(),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// A list to choose from.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ListArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The list.
    message: ListArg,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// What can be chosen.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ListArg {
    /// Above the text.
    title: String,
    /// The text.
    description: Option<String>,
    /// Below the text.
    footer: Option<String>,
    /// On the button that opens the list.
    button: String,
    /// The rows under their headings.
    sections: Vec<SectionArg>,
}

/// Rows with a heading.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct SectionArg {
    /// The heading.
    title: String,
    /// The rows.
    rows: Vec<RowArg>,
}

/// A row.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct RowArg {
    /// What stands in it.
    title: String,
    /// Below it.
    description: Option<String>,
    /// Comes back with the answer.
    row_id: String,
}

pub(in super::super) async fn send_list(session: Session, args: ListArgs) -> Sent {
    let list = args.message;
    if list.sections.iter().all(|section| section.rows.is_empty()) {
        return Err(ApiError::field("message.sections", "have no row"));
    }
    let rows = |rows: Vec<RowArg>| {
        let row = |row: RowArg| ListRow { id: row.row_id, title: row.title, description: row.description };
        rows.into_iter().map(row).collect()
    };
    let section = |section: SectionArg| ListSection { title: section.title, rows: rows(section.rows) };
    let (chat, body) = (args.chat_id.clone(), list.description.clone().unwrap_or_default());
    let operation = SendList {
        chat: args.chat_id,
        title: list.title,
        description: list.description,
        footer: list.footer,
        button: list.button,
        sections: list.sections.into_iter().map(section).collect(),
        options: options(args.reply_to, Vec::new(), None),
    };
    send_by(&session, operation, chat.as_str(), body).await
}

/// A button that is pressed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PressArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The message with the button.
    #[schema(value_type = String)]
    reply_to: MessageRef,
    /// What stands on the button.
    #[serde(default)]
    selected_display_text: String,
    /// The button's id.
    #[serde(rename = "selectedButtonID")]
    selected_button_id: String,
}

pub(in super::super) async fn send_buttons_reply(session: Session, args: PressArgs) -> Sent {
    let operation = PressButton { message: args.reply_to, button: args.selected_button_id };
    send_by(&session, operation, args.chat_id.as_str(), args.selected_display_text).await
}
