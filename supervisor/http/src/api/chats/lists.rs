//! Lists and overviews of chats.

use colmeia::Me;
use colmeia::operations::{ChatOrder, ChatOverview, ListChats};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::lists::{SortOrder, limited, list_args};
use super::super::models::{Files, Message};
use super::super::session::Session;
use super::MOST;

/// How many chats of an overview where nobody says.
const OVERVIEW: u32 = 20;

list_args! {
    /// Which chats.
    pub(in super::super) ListArgs {
        /// By what.
        sort_by: ChatSort,
        /// In which direction; the newest first when absent.
        sort_order: SortOrder,
    }
}

/// By what chats are sorted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum ChatSort {
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
pub(in super::super) struct Chat {
    id: String,
    /// The number of whom it is with, where it is known.
    pn: Option<String>,
    /// The other name of whom it is with.
    lid: Option<String>,
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
pub(in super::super) struct ChatSummary {
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
    pub(in super::super) fn of(overview: ChatOverview, me: &Me, files: &Files) -> Self {
        let ChatOverview { chat, muted, .. } = overview;
        Self {
            pn: chat.other_names.number(&chat.id).map(str::to_owned),
            lid: chat.other_names.lid(&chat.id).map(str::to_owned),
            id: chat.id,
            name: chat.name,
            is_group: chat.is_group,
            unread_count: chat.unread,
            timestamp: chat.timestamp_ms / 1000,
            archived: chat.archived,
            pinned: chat.pinned,
            is_muted: muted,
            last_message: chat.last_message.map(|message| files.message(message, me)),
        }
    }
}

impl ChatSummary {
    fn of(overview: ChatOverview, me: &Me, files: &Files) -> Self {
        let picture = overview.picture.clone().unwrap_or_default();
        let chat = Chat::of(overview, me, files);
        let number = || {
            let id = chat.pn.as_ref().unwrap_or(&chat.id);
            id.split('@').next().unwrap_or_default().to_owned()
        };
        Self {
            id: chat.id.clone(),
            name: chat.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(number),
            picture,
            last_message: chat.last_message.as_ref().map_or_else(|| json!({}), |message| json!(message)),
            chat,
        }
    }
}

pub(in super::super) async fn list(session: Session, args: ListArgs) -> Answered<Vec<Chat>> {
    let (me, files) = (session.me()?, session.files(true));
    let order = match args.sort_by {
        None | Some(ChatSort::ConversationTimestamp) => ChatOrder::Activity,
        Some(ChatSort::Id) => ChatOrder::Id,
        Some(ChatSort::Name) => ChatOrder::Name,
    };
    let ascending = match args.sort_order {
        Some(order) => order == SortOrder::Asc,
        None => order != ChatOrder::Activity,
    };
    let limit = args.limit.map(|limit| limited(Some(limit), MOST, MOST)).transpose()?;
    let operation = ListChats { ids: Vec::new(), limit, offset: args.offset, order, ascending };
    let chats = session.operate(operation).await?;
    Ok(Json(chats.into_iter().map(|chat| Chat::of(chat, &me, &files)).collect()))
}

/// Which chats to overview.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct OverviewArgs {
    /// How many; 20 when absent.
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
pub(in super::super) struct OverviewBodyArgs {
    /// Which page.
    #[serde(default)]
    pagination: PaginationArg,
    /// Which chats.
    #[serde(default)]
    filter: FilterArg,
}

/// Which page.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct PaginationArg {
    /// How many; 20 when absent.
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
}

/// Which chats.
#[derive(Default, Deserialize, ToSchema)]
pub(in super::super) struct FilterArg {
    /// Only these.
    #[serde(default)]
    ids: Vec<String>,
}

pub(in super::super) async fn overview(session: Session, args: OverviewArgs) -> Answered<Vec<ChatSummary>> {
    let (me, files) = (session.me()?, session.files(true));
    let limit = Some(limited(args.limit, OVERVIEW, MOST)?);
    let operation = ListChats { ids: args.ids, limit, offset: args.offset, ..ListChats::default() };
    let chats = session.operate(operation).await?;
    Ok(Json(chats.into_iter().map(|chat| ChatSummary::of(chat, &me, &files)).collect()))
}

pub(in super::super) async fn overview_body(
    session: Session,
    args: OverviewBodyArgs,
) -> Answered<Vec<ChatSummary>> {
    let OverviewBodyArgs { pagination: PaginationArg { limit, offset }, filter: FilterArg { ids } } = args;
    overview(session, OverviewArgs { limit, offset, ids }).await
}
