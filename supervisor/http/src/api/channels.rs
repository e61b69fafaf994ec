//! Channels: following, writing them is for their owners, and the directory of all.

use colmeia::operations::{
    self as wide, ChannelId, ChannelKey, ChannelMessages, ChannelRecord, CreateChannel, DeleteChannel,
    FollowChannel, GetChannel, ListChannels, MuteChannel, SearchChannels,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::files::FileArg;
use super::lists::limited;
use super::models::{Message, NoArgs, Success, yes};
use super::session::Session;
use crate::errors::ApiError;

/// The most of one page.
const MOST: u32 = 100;
/// How many there are when nothing is said.
const USUAL: u32 = 10;

/// What the account is to a channel.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ChannelRole {
    Owner,
    Admin,
    Subscriber,
    Guest,
}

/// A channel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Channel {
    id: String,
    name: String,
    /// Its invitation's address.
    invite: String,
    preview: Option<String>,
    picture: Option<String>,
    description: Option<String>,
    verified: bool,
    role: ChannelRole,
    subscribers_count: u64,
}

/// Which channels.
#[derive(Deserialize, ToSchema)]
pub(super) struct ListArgs {
    /// Only those in which the account is this.
    role: Option<ChannelRole>,
}

/// One channel.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelArgs {
    /// Its id, or where it is only looked at its invitation's code or address.
    id: String,
    /// How many messages.
    limit: Option<u32>,
    /// Whether files are named.
    #[serde(default = "yes")]
    download_media: bool,
}

/// A channel to make.
#[derive(Deserialize, ToSchema)]
pub(super) struct CreateArgs {
    /// Its name.
    name: String,
    /// What it is about.
    description: Option<String>,
    /// Its picture.
    picture: Option<FileArg>,
}

impl Channel {
    fn of(record: ChannelRecord) -> Self {
        let role = match record.role {
            wide::ChannelRole::Owner => ChannelRole::Owner,
            wide::ChannelRole::Admin => ChannelRole::Admin,
            wide::ChannelRole::Subscriber => ChannelRole::Subscriber,
            wide::ChannelRole::Guest => ChannelRole::Guest,
        };
        let invite = record.invite.map(|code| format!("https://www.whatsapp.com/channel/{code}"));
        Self {
            id: record.id,
            name: record.title,
            invite: invite.unwrap_or_default(),
            preview: record.preview,
            picture: record.picture,
            description: record.description,
            verified: record.verified,
            role,
            subscribers_count: record.subscribers,
        }
    }
}

impl ChannelArgs {
    fn id(&self) -> Result<ChannelId, ApiError> {
        ChannelId::try_from(self.id.clone()).map_err(|error| ApiError::field("id", error))
    }

    fn key(&self) -> Result<ChannelKey, ApiError> {
        if self.id.contains('@') {
            return self.id().map(ChannelKey::Id);
        }
        let code = self.id.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if (4..=64).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            Ok(ChannelKey::Invite(code.to_owned()))
        } else {
            Err(ApiError::field("id", "has to be a channel's id or its invitation"))
        }
    }
}

pub(super) async fn list(session: Session, args: ListArgs) -> Answered<Vec<Channel>> {
    let role = args.role.map(|role| match role {
        ChannelRole::Owner => wide::ChannelRole::Owner,
        ChannelRole::Admin => wide::ChannelRole::Admin,
        ChannelRole::Subscriber => wide::ChannelRole::Subscriber,
        ChannelRole::Guest => wide::ChannelRole::Guest,
    });
    Ok(Json(session.operate(ListChannels { role }).await?.into_iter().map(Channel::of).collect()))
}

pub(super) async fn get(session: Session, args: ChannelArgs) -> Answered<Channel> {
    Ok(Json(Channel::of(session.operate(GetChannel { channel: args.key()? }).await?)))
}

pub(super) async fn create(session: Session, args: CreateArgs) -> Answered<Channel> {
    if args.name.trim().is_empty() {
        return Err(ApiError::field("name", "is empty"));
    }
    session.me()?; // before anything is fetched
    let (mimetype, file) = match args.picture {
        Some(picture) => {
            let file = super::profile::image(&session, picture).await?;
            (Some(file.mimetype), Some(file.upload))
        }
        None => (None, None),
    };
    let operation = CreateChannel { title: args.name, description: args.description, mimetype };
    Ok(Json(Channel::of(session.operate_with(operation, file).await?)))
}

pub(super) async fn delete(session: Session, args: ChannelArgs) -> Answered<Success> {
    session.carry_out(DeleteChannel { channel: args.id()? }).await
}

pub(super) async fn follow(session: Session, args: ChannelArgs, follow: bool) -> Answered<Success> {
    session.carry_out(FollowChannel { channel: args.id()?, follow }).await
}

pub(super) async fn mute(session: Session, args: ChannelArgs, muted: bool) -> Answered<Success> {
    session.carry_out(MuteChannel { channel: args.id()?, muted }).await
}

/// A channel's message with what its readers did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChannelMessage {
    message: Message,
    reactions: std::collections::BTreeMap<String, u64>,
    view_count: u64,
}

pub(super) async fn preview(session: Session, args: ChannelArgs) -> Answered<Vec<ChannelMessage>> {
    let (me, files) = (session.me()?, session.files(args.download_media));
    let limit = limited(args.limit, USUAL, MOST)?;
    let found = session.operate(ChannelMessages { channel: args.key()?, limit }).await?;
    let one = |found: wide::ChannelMessage| ChannelMessage {
        message: files.message(found.message, &me),
        reactions: found.reactions,
        view_count: found.views,
    };
    Ok(Json(found.into_iter().map(one).collect()))
}

/// What is looked for in the directory.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchArgs {
    /// Words.
    text: Option<String>,
    /// `RECOMMENDED`, `TRENDING`, `POPULAR` or `NEW`.
    view: Option<String>,
    /// ISO codes.
    #[serde(default)]
    countries: Vec<String>,
    /// The directory's names of categories.
    #[serde(default)]
    categories: Vec<String>,
    /// How many; 10 when absent.
    limit: Option<u32>,
    /// Where to go on, from the page before.
    start_cursor: Option<String>,
}

/// A page of the directory.
#[derive(Serialize, ToSchema)]
pub(super) struct ChannelList {
    page: Page,
    channels: Vec<PublicChannel>,
}

/// Where a page lies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    start_cursor: String,
    end_cursor: String,
    has_next_page: bool,
    has_previous_page: bool,
}

/// A channel as the directory shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublicChannel {
    id: String,
    name: String,
    invite: String,
    preview: Option<String>,
    picture: Option<String>,
    description: Option<String>,
    verified: bool,
    subscribers_count: u64,
}

pub(super) async fn search_by_view(session: Session, args: SearchArgs) -> Answered<ChannelList> {
    search(session, SearchArgs { text: None, view: args.view.or(Some("RECOMMENDED".into())), ..args }).await
}

pub(super) async fn search_by_text(session: Session, args: SearchArgs) -> Answered<ChannelList> {
    if args.text.as_ref().is_none_or(|text| text.trim().is_empty()) {
        return Err(ApiError::field("text", "is missing"));
    }
    search(session, SearchArgs { view: None, countries: Vec::new(), ..args }).await
}

async fn search(session: Session, args: SearchArgs) -> Answered<ChannelList> {
    let cursor = args.start_cursor.filter(|cursor| !cursor.is_empty());
    let start_cursor = cursor.clone().unwrap_or_default();
    let operation = SearchChannels {
        text: args.text,
        view: args.view,
        countries: args.countries,
        categories: args.categories,
        limit: limited(args.limit, USUAL, MOST)?,
        cursor,
    };
    let found = session.operate(operation).await?;
    let public = |record: ChannelRecord| {
        let Channel { id, name, invite, preview, picture, description, verified, subscribers_count, .. } =
            Channel::of(record);
        PublicChannel { id, name, invite, preview, picture, description, verified, subscribers_count }
    };
    let page = Page {
        has_previous_page: !start_cursor.is_empty(),
        has_next_page: found.next.is_some(),
        end_cursor: found.next.unwrap_or_default(),
        start_cursor,
    };
    Ok(Json(ChannelList { page, channels: found.channels.into_iter().map(public).collect() }))
}

/// One of the directory's words.
#[derive(Serialize, ToSchema)]
pub(super) struct Word {
    value: &'static str,
    name: &'static str,
}

/// The directory's views, as WhatsApp names them.
pub(super) async fn views(_: Session, _: NoArgs) -> Answered<Vec<Word>> {
    let words =
        [("RECOMMENDED", "Recommended"), ("TRENDING", "Trending"), ("POPULAR", "Popular"), ("NEW", "New")];
    Ok(Json(words.map(|(value, name)| Word { value, name }).into()))
}

/// The directory's categories, as WhatsApp names them.
pub(super) async fn categories(_: Session, _: NoArgs) -> Answered<Vec<Word>> {
    let words = [
        ("BUSINESS", "Business"),
        ("ENTERTAINMENT", "Entertainment"),
        ("LIFESTYLE", "Lifestyle"),
        ("NEWS", "News & Information"),
        ("ORGANIZATIONS", "Organizations"),
        ("PEOPLE", "People"),
        ("SPORTS", "Sports"),
    ];
    Ok(Json(words.map(|(value, name)| Word { value, name }).into()))
}
