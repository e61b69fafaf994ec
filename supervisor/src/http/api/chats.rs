//! Reading chats and messages, and what is done with a chat or one of its messages.

use colmeia::ChatId;
use colmeia::Me;
use colmeia::operations::{
    ArchiveChat, ChatOrder, ChatOverview, ClearChat, DeleteChat, DeleteMessage, EditMessage, FindMessages,
    GetMessage, GetPicture, ListChats, MarkUnread, MessageFilter, MessageRef, PinMessage, ReadChat,
    UnpinMessage,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::Json;
use super::chatting::{checked_text, ms_of_secs, preview_of};
use super::failure::ApiError;
use super::models::{ChatArgs, Files, Message, PictureUrl, Success};
use super::session::Session;

/// The most messages of one answer.
const MOST: u32 = 1000;
/// How many where nobody says.
const USUAL: u32 = 10;
/// How many chats of an overview where nobody says.
const OVERVIEW: u32 = 20;

/// In which direction a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Order {
    /// The smallest or oldest first.
    Asc,
    /// The largest or newest first.
    Desc,
}

/// Which chats.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListArgs {
    /// How many; all when absent.
    #[serde(default)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
    /// By what.
    #[serde(default)]
    sort_by: Option<ChatSort>,
    /// In which direction; the newest first when absent.
    #[serde(default)]
    sort_order: Option<Order>,
}

/// By what chats are sorted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum ChatSort {
    /// When something last happened.
    #[serde(alias = "messageTimestamp", alias = "timestamp")]
    ConversationTimestamp,
    /// The id.
    Id,
    /// The name.
    Name,
}

/// A chat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chat {
    id: String,
    name: Option<String>,
    is_group: bool,
    /// Negative when marked as unread by hand.
    unread_count: i64,
    /// In seconds since the epoch; 0 when unknown.
    timestamp: i64,
    archived: bool,
    pinned: bool,
    is_muted: bool,
    last_message: Option<Message>,
}

/// A chat as an overview shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChatSummary {
    id: String,
    name: String,
    /// The picture's address at WhatsApp; empty where there is none.
    picture: String,
    /// The newest message; empty where there is none.
    #[schema(value_type = Object)]
    last_message: Value,
    /// The chat itself.
    #[serde(rename = "_chat")]
    chat: Chat,
}

impl Chat {
    pub(super) fn of(overview: ChatOverview, me: &Me, files: &Files) -> Self {
        let ChatOverview { chat, muted, .. } = overview;
        Self {
            id: chat.id,
            name: chat.name,
            is_group: chat.is_group,
            unread_count: chat.unread,
            timestamp: chat.timestamp_ms / 1000,
            archived: chat.archived,
            pinned: chat.pinned,
            is_muted: muted,
            last_message: chat.last_message.map(|message| Message::of(message, me, files)),
        }
    }
}

impl ChatSummary {
    fn of(overview: ChatOverview, me: &Me, files: &Files) -> Self {
        let picture = overview.picture.clone().unwrap_or_default();
        let chat = Chat::of(overview, me, files);
        let number = || chat.id.split('@').next().unwrap_or_default().to_owned();
        Self {
            id: chat.id.clone(),
            name: chat.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(number),
            picture,
            last_message: chat.last_message.as_ref().map_or_else(|| json!({}), |message| json!(message)),
            chat,
        }
    }
}

fn limited(limit: Option<u32>, usual: u32) -> Result<u32, ApiError> {
    match limit {
        None => Ok(usual),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(_) => Err(ApiError::field("limit", format!("has to be from 1 to {MOST}"))),
    }
}

pub(super) async fn list(session: Session, args: ListArgs) -> Result<Json<Vec<Chat>>, ApiError> {
    let (me, files) = (session.me()?, session.files(true));
    let order = match args.sort_by {
        None | Some(ChatSort::ConversationTimestamp) => ChatOrder::Activity,
        Some(ChatSort::Id) => ChatOrder::Id,
        Some(ChatSort::Name) => ChatOrder::Name,
    };
    let ascending = match args.sort_order {
        Some(order) => order == Order::Asc,
        None => order != ChatOrder::Activity,
    };
    let limit = args.limit.map(|limit| limited(Some(limit), MOST)).transpose()?;
    let operation = ListChats { ids: Vec::new(), limit, offset: args.offset, order, ascending };
    let chats = session.operate(operation).await?;
    Ok(Json(chats.into_iter().map(|chat| Chat::of(chat, &me, &files)).collect()))
}

/// Which chats to overview.
#[derive(Deserialize, ToSchema)]
pub(super) struct OverviewArgs {
    /// How many; 20 when absent.
    #[serde(default)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
    /// Only these.
    #[serde(default)]
    ids: Vec<String>,
}

/// The same in a body.
#[derive(Deserialize, ToSchema)]
pub(super) struct OverviewBodyArgs {
    /// Which page.
    #[serde(default)]
    pagination: PaginationArg,
    /// Which chats.
    #[serde(default)]
    filter: FilterArg,
}

/// Which page.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct PaginationArg {
    /// How many; 20 when absent.
    #[serde(default)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
}

/// Which chats.
#[derive(Default, Deserialize, ToSchema)]
pub(super) struct FilterArg {
    /// Only these.
    #[serde(default)]
    ids: Vec<String>,
}

pub(super) async fn overview(
    session: Session,
    args: OverviewArgs,
) -> Result<Json<Vec<ChatSummary>>, ApiError> {
    let (me, files) = (session.me()?, session.files(true));
    let limit = Some(limited(args.limit, OVERVIEW)?);
    let operation = ListChats { ids: args.ids, limit, offset: args.offset, ..ListChats::default() };
    let chats = session.operate(operation).await?;
    Ok(Json(chats.into_iter().map(|chat| ChatSummary::of(chat, &me, &files)).collect()))
}

pub(super) async fn overview_body(
    session: Session,
    args: OverviewBodyArgs,
) -> Result<Json<Vec<ChatSummary>>, ApiError> {
    let OverviewBodyArgs { pagination: PaginationArg { limit, offset }, filter: FilterArg { ids } } = args;
    overview(session, OverviewArgs { limit, offset, ids }).await
}

/// Which messages.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessagesArgs {
    /// A number or an id; `all` for every chat.
    chat_id: String,
    /// How many; 10 when absent, at most 1000.
    #[serde(default)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
    /// Whether files are named; they are fetched from WhatsApp only when their address is asked.
    #[serde(default = "yes")]
    download_media: bool,
    /// In which direction; the newest first when absent.
    #[serde(default)]
    sort_order: Option<Order>,
    /// Sent at this time or earlier, in seconds since the epoch.
    #[serde(default, rename = "filter.timestamp.lte")]
    until: Option<f64>,
    /// Sent at this time or later, in seconds since the epoch.
    #[serde(default, rename = "filter.timestamp.gte")]
    since: Option<f64>,
    /// Own ones, or those of others.
    #[serde(default, rename = "filter.fromMe")]
    from_me: Option<bool>,
    /// Exactly this far: `SERVER`, `READ`, … or its number.
    #[serde(default, rename = "filter.ack")]
    ack: Option<String>,
}

fn yes() -> bool {
    true
}

fn ack_of(text: &str) -> Result<i32, ApiError> {
    Ok(match text {
        "ERROR" => -1,
        "PENDING" => 0,
        "SERVER" => 1,
        "DEVICE" => 2,
        "READ" => 3,
        "PLAYED" => 4,
        _ => match text.parse() {
            Ok(ack) if (-1..=4).contains(&ack) => ack,
            _ => {
                return Err(ApiError::field(
                    "filter.ack",
                    "has to be ERROR, PENDING, SERVER, DEVICE, READ, PLAYED or -1 to 4",
                ));
            }
        },
    })
}

/// A chat as a path names it: a number or an id of any server.
fn chat_named(text: &str) -> Result<String, ApiError> {
    match ChatId::normalise(text) {
        Ok(chat) => Ok(chat.as_str().to_owned()),
        Err(_)
            if matches!(text.split_once('@'), Some((_, "broadcast" | "newsletter"))) && text.len() <= 64 =>
        {
            Ok(text.to_owned())
        }
        Err(error) => Err(ApiError::field("chatId", error)),
    }
}

pub(super) async fn messages(session: Session, args: MessagesArgs) -> Result<Json<Vec<Message>>, ApiError> {
    let (me, files) = (session.me()?, session.files(args.download_media));
    let chat = if args.chat_id == "all" { None } else { Some(chat_named(&args.chat_id)?) };
    let filter = MessageFilter {
        since_ms: args.since.map(ms_of_secs),
        // A second lasts until its end.
        until_ms: args.until.map(|until| ms_of_secs(until).saturating_add(999)),
        from_me: args.from_me,
        ack: args.ack.as_deref().map(ack_of).transpose()?,
    };
    let operation = FindMessages {
        chat,
        limit: limited(args.limit, USUAL)?,
        offset: args.offset,
        oldest_first: args.sort_order == Some(Order::Asc),
        filter,
    };
    let found = session.operate(operation).await?;
    Ok(Json(found.into_iter().map(|message| Message::of(message, &me, &files)).collect()))
}

/// One message of a chat.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageArgs {
    /// The chat.
    chat_id: String,
    /// The message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// Whether its file is named.
    #[serde(default = "yes")]
    download_media: bool,
}

impl MessageArgs {
    /// The message, if it is one of this chat.
    fn checked(self) -> Result<MessageRef, ApiError> {
        message_of(&self.chat_id, self.message_id)
    }
}

/// A message's id names its chat; a contradiction is a mistake that would hit another chat.
fn message_of(chat: &str, message: MessageRef) -> Result<MessageRef, ApiError> {
    let chat = chat_named(chat)?;
    let own = message.as_str().split('_').nth(1).unwrap_or_default();
    // The same person may be named by number and by lid.
    let comparable = own.ends_with("@g.us") || chat.ends_with("@g.us");
    if comparable && own != chat {
        return Err(ApiError::field("messageId", "names a message of another chat"));
    }
    Ok(message)
}

pub(super) async fn message(session: Session, args: MessageArgs) -> Result<Json<Message>, ApiError> {
    let (me, files) = (session.me()?, session.files(args.download_media));
    let found = session.operate(GetMessage { message: args.checked()? }).await?;
    Ok(Json(Message::of(found, &me, &files)))
}

pub(super) async fn delete_message(session: Session, args: MessageArgs) -> Result<Json<Success>, ApiError> {
    session.operate(DeleteMessage { message: args.checked()?, for_everyone: true }).await?;
    Ok(Json(Success::YES))
}

/// A new text.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EditArgs {
    /// The chat.
    chat_id: String,
    /// An own message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// Its new text, or caption.
    text: String,
    /// Whom it mentions.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<ChatId>,
    /// Whether a link in it gets a box.
    #[serde(default = "yes")]
    link_preview: bool,
}

pub(super) async fn edit_message(session: Session, args: EditArgs) -> Result<Json<Success>, ApiError> {
    checked_text("text", &args.text)?;
    let operation = EditMessage {
        message: message_of(&args.chat_id, args.message_id)?,
        link_preview: preview_of(&args.text, args.link_preview),
        text: args.text,
        mentions: args.mentions,
    };
    session.operate(operation).await?;
    Ok(Json(Success::YES))
}

/// A message to pin.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PinArgs {
    /// The chat.
    chat_id: String,
    /// The message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// For how many seconds: a day, seven days or thirty; the next longer one is taken.
    duration: f64,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
pub(super) async fn pin_message(session: Session, args: PinArgs) -> Result<Json<Success>, ApiError> {
    if !(1.0..=2_592_000.0).contains(&args.duration) {
        return Err(ApiError::field("duration", "has to be at most 2592000 seconds (30 days)"));
    }
    let message = message_of(&args.chat_id, args.message_id)?;
    session.operate(PinMessage { message, seconds: args.duration as u32 }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn unpin_message(session: Session, args: MessageArgs) -> Result<Json<Success>, ApiError> {
    session.operate(UnpinMessage { message: args.checked()? }).await?;
    Ok(Json(Success::YES))
}

/// What was unread.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadIds {
    ids: Vec<String>,
}

pub(super) async fn read(session: Session, args: ChatArgs) -> Result<Json<ReadIds>, ApiError> {
    Ok(Json(ReadIds { ids: session.operate(ReadChat { chat: args.chat_id }).await?.messages }))
}

pub(super) async fn delete(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    session.operate(DeleteChat { chat: args.chat_id }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn clear(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    session.operate(ClearChat { chat: args.chat_id }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn archive(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    session.operate(ArchiveChat { chat: args.chat_id, archived: true }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn unarchive(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    session.operate(ArchiveChat { chat: args.chat_id, archived: false }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn unread(session: Session, args: ChatArgs) -> Result<Json<Success>, ApiError> {
    session.operate(MarkUnread { chat: args.chat_id }).await?;
    Ok(Json(Success::YES))
}

/// Whose picture.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PictureArgs {
    /// A number or an id.
    #[serde(alias = "id")]
    chat_id: String,
    /// Ask WhatsApp, even if the page holds one.
    #[serde(default)]
    refresh: bool,
}

pub(super) async fn picture(session: Session, args: PictureArgs) -> Result<Json<PictureUrl>, ApiError> {
    let of = chat_named(&args.chat_id)?;
    let picture = session.operate(GetPicture { of, refresh: args.refresh }).await?;
    Ok(Json(PictureUrl::of(picture)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_another_group_is_not_touched() {
        let message = |id: &str| MessageRef::try_from(id.to_owned()).expect("an id");
        let group = "false_120363021234567890@g.us_3A_5511988887777@c.us";
        assert!(message_of("120363021234567890@g.us", message(group)).is_ok());
        assert!(message_of("120363029999999999@g.us", message(group)).is_err());
        assert!(message_of("5511988887777", message(group)).is_err());
        assert!(message_of("98765432101234@lid", message("true_5511988887777@c.us_3A")).is_ok());
    }

    #[test]
    fn an_ack_is_a_word_or_a_number() {
        assert_eq!((ack_of("READ"), ack_of("-1")), (Ok(3), Ok(-1)));
        assert!(ack_of("5").is_err() && ack_of("read?").is_err());
    }
}
