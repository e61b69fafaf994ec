//! Messages of a chat: reading, changing, deleting and pinning them.

use colmeia::ChatId;
use colmeia::operations::{
    DeleteMessage, EditMessage, FindMessages, GetMessage, MessageFilter, MessageRef, PinMessage, UnpinMessage,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::chatting::{Mention, checked_text, mentioned, ms_of_secs, preview_of};
use super::super::lists::{SortOrder, limited};
use super::super::models::{Message, Success, yes};
use super::super::session::Session;
use super::{MOST, chat_named};
use crate::errors::ApiError;

/// How many where nobody says.
const USUAL: u32 = 10;

/// Which messages.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MessagesArgs {
    /// A number or an id; `all` for every chat.
    chat_id: String,
    /// How many; 10 when absent, at most 1000.
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
    /// Whether files are named; they are fetched from WhatsApp only when their address is asked.
    #[serde(default = "yes")]
    download_media: bool,
    /// In which direction; the newest first when absent.
    sort_order: Option<SortOrder>,
    /// Sent at this time or earlier, in seconds since the epoch.
    #[serde(rename = "filter.timestamp.lte")]
    until: Option<f64>,
    /// Sent at this time or later, in seconds since the epoch.
    #[serde(rename = "filter.timestamp.gte")]
    since: Option<f64>,
    /// Own ones, or those of others.
    #[serde(rename = "filter.fromMe")]
    from_me: Option<bool>,
    /// Exactly this far: `SERVER`, `READ`, … or its number.
    #[serde(rename = "filter.ack")]
    ack: Option<String>,
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

pub(in super::super) async fn messages(session: Session, args: MessagesArgs) -> Answered<Vec<Message>> {
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
        limit: limited(args.limit, USUAL, MOST)?,
        offset: args.offset,
        oldest_first: args.sort_order == Some(SortOrder::Asc),
        filter,
    };
    let found = session.operate(operation).await?;
    Ok(Json(found.into_iter().map(|message| files.message(message, &me)).collect()))
}

/// One message of a chat.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct MessageArgs {
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
    let message = message.within(&chat);
    let own = message.chat().unwrap_or_default();
    // The same person may be named by number and by lid.
    let comparable = own.ends_with("@g.us") || chat.ends_with("@g.us");
    if comparable && own != chat {
        return Err(ApiError::field("messageId", "names a message of another chat"));
    }
    Ok(message)
}

pub(in super::super) async fn message(session: Session, args: MessageArgs) -> Answered<Message> {
    let (me, files) = (session.me()?, session.files(args.download_media));
    let found = session.operate(GetMessage { message: args.checked()? }).await?;
    Ok(Json(files.message(found, &me)))
}

pub(in super::super) async fn delete_message(session: Session, args: MessageArgs) -> Answered<Success> {
    session.carry_out(DeleteMessage { message: args.checked()?, for_everyone: true }).await
}

/// A new text.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct EditArgs {
    /// The chat.
    chat_id: String,
    /// An own message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// Its new text, or caption.
    text: String,
    /// Whom it mentions; `all` is everyone in the group.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    mentions: Vec<Mention>,
    /// Whether a link in it gets a box.
    #[serde(default = "yes")]
    link_preview: bool,
}

pub(in super::super) async fn edit_message(session: Session, args: EditArgs) -> Answered<Success> {
    checked_text("text", &args.text)?;
    let operation = EditMessage {
        mentions: mentioned(ChatId::normalise(&args.chat_id).ok().as_ref(), args.mentions)?,
        message: message_of(&args.chat_id, args.message_id)?,
        link_preview: preview_of(&args.text, args.link_preview),
        text: args.text,
    };
    session.carry_out(operation).await
}

/// The convention's own value, and the shortest that WhatsApp has.
fn a_day() -> f64 {
    86_400.0
}

/// A message to pin.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PinArgs {
    /// The chat.
    chat_id: String,
    /// The message.
    #[schema(value_type = String)]
    message_id: MessageRef,
    /// For how many seconds: a day, seven days or thirty; the next longer one is taken. A day when absent.
    #[serde(default = "a_day")]
    duration: f64,
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is checked")]
pub(in super::super) async fn pin_message(session: Session, args: PinArgs) -> Answered<Success> {
    if !(1.0..=2_592_000.0).contains(&args.duration) {
        return Err(ApiError::field("duration", "has to be at most 2592000 seconds (30 days)"));
    }
    let message = message_of(&args.chat_id, args.message_id)?;
    session.carry_out(PinMessage { message, seconds: args.duration as u32 }).await
}

pub(in super::super) async fn unpin_message(session: Session, args: MessageArgs) -> Answered<Success> {
    session.carry_out(UnpinMessage { message: args.checked()? }).await
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
        let bare = message_of("5511988887777", message("3EB0AA55")).expect("a part of an id");
        assert_eq!(bare.as_str(), "5511988887777@c.us_3EB0AA55");
        assert!(message_of("98765432101234@lid", message("true_5511988887777@c.us_3A")).is_ok());
    }

    #[test]
    fn an_ack_is_a_word_or_a_number() {
        assert_eq!((ack_of("READ"), ack_of("-1")), (Ok(3), Ok(-1)));
        assert!(ack_of("5").is_err() && ack_of("read?").is_err());
    }
}
