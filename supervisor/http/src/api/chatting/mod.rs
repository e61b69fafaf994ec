//! Sending: texts, files, places, cards, polls and what else goes out; typing and reading.
//!
//! Owns how a send becomes a call and an answer; the arguments of each are in the modules, one per topic. A send is one
//! message or an error that says whether something was sent.

mod buttons;
mod cards;
mod marks;
mod media;
mod polls;
mod texts;

use colmeia::ChatId;
use colmeia::chat::InvalidChatId;
use colmeia::operations::{LinkPreview, MessageRef, SendOptions, SentMessage};
use colmeia::protocol::{Call, Reply};
use serde::Deserialize;

use super::answer::{Answered, Json};
use super::models::Message;
use super::session::Session;
use crate::errors::ApiError;
use colmeia_host::uploads::Upload;

pub(super) use buttons::{send_buttons, send_buttons_reply, send_list};
pub(super) use cards::{send_contact_vcard, send_location};
pub(super) use marks::{ReactionArgs, StarArgs, forward_message, new_message_id, send_seen, typing};
pub(super) use media::{send_file, send_image, send_sticker, send_video, send_voice};
pub(super) use polls::{send_event, send_poll, send_poll_vote};
pub(super) use texts::{send_link_custom_preview, send_link_preview, send_text};

/// WhatsApp's own limit.
const LONGEST_TEXT: usize = 65_536;

type Sent = Answered<Message>;

/// A text's length is right.
pub(super) fn checked_text(field: &str, text: &str) -> Result<(), ApiError> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(ApiError::field(field, "is empty")),
        length if length > LONGEST_TEXT => {
            Err(ApiError::field(field, format!("has more than {LONGEST_TEXT} characters")))
        }
        _ => Ok(()),
    }
}

/// A box only where there is a link: everything else would ask WhatsApp for nothing.
pub(super) fn preview_of(text: &str, wanted: bool) -> LinkPreview {
    let has_link = text.contains("http://") || text.contains("https://");
    if wanted && has_link { LinkPreview::Fetch } else { LinkPreview::None }
}

/// Sends what answers with a message's id.
async fn send(session: &Session, call: Call, file: Option<Upload>, to: &ChatId, body: String) -> Sent {
    let me = session.me()?;
    let has_media = matches!(call, Call::SendMedia { .. });
    match session.call_with(call, file).await.map_err(|error| of_channel(error, to))? {
        (Reply::Sent(sent), _) => Ok(Json(Message::sent(sent, &me, to.as_str(), body, has_media))),
        _ => Err(ApiError::wrong_reply()),
    }
}

/// A channel has a reason of its own why it is not written to.
fn of_channel(error: ApiError, to: &ChatId) -> ApiError {
    if to.is_channel() && error.is_forbidden() {
        return ApiError::forbidden_field(
            "chatId",
            "is a channel of somebody else: only its owner and its admins write to it; nothing was sent",
        );
    }
    error
}

/// Sends by one of the wide operations.
async fn send_by<O>(session: &Session, operation: O, to: &str, body: String) -> Sent
where
    O: colmeia::operations::Operate<Output = SentMessage>,
{
    let me = session.me()?;
    let sent = session.operate(operation).await?;
    Ok(Json(Message::sent(sent, &me, to, body, false)))
}

/// Whom a text mentions.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Mention {
    /// Everyone in the group: `all`.
    All,
    /// This one.
    One(ChatId),
}

impl TryFrom<String> for Mention {
    type Error = InvalidChatId;

    fn try_from(text: String) -> Result<Self, InvalidChatId> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        ChatId::normalise(&text).map(Self::One)
    }
}

/// The ids that are mentioned in this chat; a group's own stands for everyone in it.
pub(super) fn mentioned(chat: Option<&ChatId>, mentions: Vec<Mention>) -> Result<Vec<ChatId>, ApiError> {
    let group = chat.filter(|chat| chat.is_group());
    let one = |(at, mention)| match (mention, group) {
        (Mention::One(id), _) => Ok(id),
        (Mention::All, Some(group)) => Ok(group.clone()),
        (Mention::All, None) => {
            Err(ApiError::field(format!("mentions[{at}]"), "can be \"all\" only in a group"))
        }
    };
    mentions.into_iter().enumerate().map(one).collect()
}

fn options(reply_to: Option<MessageRef>, mentions: Vec<ChatId>, message_id: Option<String>) -> SendOptions {
    SendOptions { reply_to, mentions, message_id }
}

/// A cast saturates, and a time that far away is refused by the page.
#[allow(clippy::cast_possible_truncation, reason = "it saturates")]
pub(super) fn ms_of_secs(secs: f64) -> i64 {
    (secs * 1000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mentions_everyone_of_a_group_and_of_nothing_else() {
        let mentions =
            || serde_json::from_value(serde_json::json!(["all", "+55 11 98888-7777"])).expect("valid");
        let chat = |id: &str| ChatId::normalise(id).expect("valid");
        let group = chat("120363021234567890@g.us");
        assert_eq!(mentioned(Some(&group), mentions()), Ok(vec![group.clone(), chat("5511988887777")]));
        let error = mentioned(Some(&chat("5511988887777")), mentions()).expect_err("no group");
        assert!(format!("{error:?}").contains("mentions[0] can be"), "{error:?}");
    }

    #[test]
    fn a_box_is_asked_for_only_where_there_is_a_link() {
        assert!(preview_of("oi", true).is_none() && preview_of("https://x", false).is_none());
        assert!(!preview_of("veja https://x", true).is_none());
    }
}
