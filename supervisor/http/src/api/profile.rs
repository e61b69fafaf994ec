//! The account's own profile and presence, the presence of others, and calls.

use colmeia::ChatId;
use colmeia::operations::{
    ChatPresence, GetPresence, GetProfile, ListPresences, Picture, PresenceRecord, PresenceState, SetAbout,
    SetPresence, SetProfileName, SetProfilePicture, SubscribePresence,
};
use colmeia::protocol::TypingState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::chatting::typing;
use super::files::{File, FileArg};
use super::models::{ChatArgs, NoArgs, PictureUrl, Success};
use super::session::Session;
use crate::errors::ApiError;
use colmeia_events::envelope::both_names;

/// The account's own profile.
#[derive(Serialize, ToSchema)]
pub(super) struct MyProfile {
    id: String,
    name: String,
    /// Its picture's address at WhatsApp; empty where there is none.
    picture: String,
    about: Option<String>,
}

/// A new name.
#[derive(Deserialize, ToSchema)]
pub(super) struct NameArgs {
    /// The name.
    #[schema(min_length = 1, max_length = 25)]
    name: String,
}

/// What the account says of itself.
#[derive(Deserialize, ToSchema)]
pub(super) struct AboutArgs {
    /// The text.
    #[schema(max_length = 139)]
    status: String,
}

/// A new picture.
#[derive(Deserialize, ToSchema)]
pub(super) struct PictureArgs {
    /// The picture.
    file: FileArg,
}

pub(super) async fn get(session: Session, _: NoArgs) -> Answered<MyProfile> {
    let profile = session.operate(GetProfile {}).await?;
    let picture = profile.picture.unwrap_or_default();
    Ok(Json(MyProfile { id: profile.id, name: profile.name, picture, about: profile.about }))
}

pub(super) async fn picture(session: Session, _: NoArgs) -> Answered<PictureUrl> {
    let profile = session.operate(GetProfile {}).await?;
    Ok(Json(PictureUrl::of(Picture { url: profile.picture })))
}

fn within(field: &str, text: &str, least: usize, most: usize) -> Result<(), ApiError> {
    if (least..=most).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(ApiError::field(field, format!("has to have {least} to {most} characters")))
    }
}

pub(super) async fn set_name(session: Session, args: NameArgs) -> Answered<Success> {
    within("name", args.name.trim(), 1, 25)?;
    session.carry_out(SetProfileName { profile_name: args.name }).await
}

pub(super) async fn set_about(session: Session, args: AboutArgs) -> Answered<Success> {
    within("status", &args.status, 0, 139)?;
    session.carry_out(SetAbout { about: args.status }).await
}

/// A file that is a picture.
pub(super) async fn image(session: &Session, file: FileArg) -> Result<File, ApiError> {
    let file = file.get(session, "image/jpeg").await?;
    if file.mimetype.starts_with("image/") {
        Ok(file)
    } else {
        Err(ApiError::field("file.mimetype", "has to begin with image/"))
    }
}

pub(super) async fn set_picture(session: Session, args: PictureArgs) -> Answered<Success> {
    session.me()?; // before anything is fetched
    let file = image(&session, args.file).await?;
    session.operate_with(SetProfilePicture { mimetype: Some(file.mimetype) }, Some(file.upload)).await?;
    Ok(Json(Success::YES))
}

/// What somebody is doing.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Presence {
    Offline,
    Online,
    Typing,
    Recording,
    Paused,
}

/// What the account is shown as.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceArgs {
    /// Where; for `typing`, `recording` and `paused`.
    #[schema(value_type = Option<String>)]
    chat_id: Option<ChatId>,
    /// What.
    presence: Presence,
}

/// What is known of a chat's people.
#[derive(Serialize, ToSchema)]
pub(super) struct ChatPresences {
    id: String,
    presences: Vec<PresenceData>,
    /// The chat's number (`pn`) and lid (`lid`), where it is a person's and they are known.
    #[serde(rename = "_data")]
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

/// What one person is doing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceData {
    participant: String,
    /// In seconds since the epoch.
    last_seen: Option<i64>,
    last_known_presence: Presence,
    /// Its number, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pn: Option<String>,
    /// Its lid, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    lid: Option<String>,
}

impl ChatPresences {
    fn of(known: ChatPresence) -> Self {
        let names = &known.other_names;
        let one = |record: PresenceRecord| PresenceData {
            pn: names.number(&record.participant).map(str::to_owned),
            lid: names.lid(&record.participant).map(str::to_owned),
            last_seen: record.last_seen_ms.map(|ms| ms / 1000),
            last_known_presence: match record.state {
                PresenceState::Offline => Presence::Offline,
                PresenceState::Online => Presence::Online,
                PresenceState::Typing => Presence::Typing,
                PresenceState::Recording => Presence::Recording,
            },
            participant: record.participant,
        };
        let presences = known.presences.into_iter().map(one).collect();
        Self { data: both_names(names, &known.chat), presences, id: known.chat }
    }
}

pub(super) async fn set_presence(session: Session, args: PresenceArgs) -> Answered<Success> {
    let state = match args.presence {
        Presence::Online | Presence::Offline => {
            return session.carry_out(SetPresence { online: args.presence == Presence::Online }).await;
        }
        Presence::Typing => TypingState::Typing,
        Presence::Recording => TypingState::Recording,
        Presence::Paused => TypingState::Paused,
    };
    let chat = args.chat_id.ok_or_else(|| ApiError::field("chatId", "is missing"))?;
    typing(session, chat, state).await
}

pub(super) async fn presences(session: Session, _: NoArgs) -> Answered<Vec<ChatPresences>> {
    Ok(Json(session.operate(ListPresences {}).await?.into_iter().map(ChatPresences::of).collect()))
}

pub(super) async fn presence(session: Session, args: ChatArgs) -> Answered<ChatPresences> {
    Ok(Json(ChatPresences::of(session.operate(GetPresence { chat: args.chat_id }).await?)))
}

pub(super) async fn subscribe(session: Session, args: ChatArgs) -> Answered<Success> {
    session.carry_out(SubscribePresence { chat: args.chat_id }).await
}

/// A call to refuse.
#[derive(Deserialize, ToSchema)]
pub(super) struct RejectArgs {
    /// The call's id.
    pub(super) id: String,
}
