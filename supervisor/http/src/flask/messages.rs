//! `GET /chats/{chatId}/messages`: a page of a chat's messages, oldest first.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use colmeia::UserId;
use colmeia::protocol::{Call, MessageRecord, Reply};
use serde::Serialize;

use super::super::reply;
use super::super::user::{Pairs, RequestUser};
use super::call::{self, NOT_CONNECTED};
use crate::errors::FlaskError;
use crate::state::Http;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
/// No id of WhatsApp's is longer.
pub(super) const MAX_ID: usize = 256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessagesAnswer {
    success: bool,
    messages: Vec<Message>,
    total: usize,
    has_more: bool,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    message_id: String,
    body: String,
    from: String,
    from_me: bool,
    timestamp: i64,
    #[serde(rename = "type")]
    kind: String,
    has_media: bool,
    media_url: Option<String>,
    contact_name: Option<String>,
}

pub(super) async fn messages(
    State(http): State<Http>,
    RequestUser(user): RequestUser,
    chat: Result<Path<String>, PathRejection>,
    pairs: Pairs,
) -> Result<Response, FlaskError> {
    let chat = path_id(chat, "Conversa não encontrada")?;
    let limit = limit(&pairs)?;
    let before = pairs.get("before").filter(|before| !before.is_empty()).map(String::from);
    if before.as_ref().is_some_and(|before| before.len() > MAX_ID) {
        return Err(FlaskError::bad_request(
            "before inválido: deve ser o nextCursor de uma resposta anterior",
        ));
    }
    let handle = call::ready(&http, &user).ok_or_else(|| FlaskError::bad_request(NOT_CONNECTED))?;
    let reply = call::once(&http, handle, Call::Messages { chat, limit, before }).await;
    let reply = reply.map_err(|failure| call::read_failure(&failure))?;
    let (Reply::Messages { messages, has_more }, _) = reply else {
        return Err(call::wrong_reply(false));
    };
    Ok(reply::ok(&answer(messages, has_more, &user)))
}

fn answer(messages: Vec<MessageRecord>, has_more: bool, user: &UserId) -> MessagesAnswer {
    let next_cursor = messages.first().filter(|_| has_more).map(|oldest| oldest.id.clone());
    let messages: Vec<Message> = messages.into_iter().map(|message| Message::of(message, user)).collect();
    MessagesAnswer { success: true, total: messages.len(), messages, has_more, next_cursor }
}

impl Message {
    fn of(message: MessageRecord, user: &UserId) -> Self {
        let media_url =
            || format!("/media/{}?user_id={user}", colmeia_events::envelope::percent_encoded(&message.id));
        Self {
            media_url: message.has_media.then(media_url),
            message_id: message.id.clone(),
            id: message.id,
            body: message.body,
            from: message.from,
            from_me: message.from_me,
            timestamp: message.timestamp_ms,
            kind: message.kind,
            has_media: message.has_media,
            contact_name: message.sender_name,
        }
    }
}

fn limit(pairs: &Pairs) -> Result<u32, FlaskError> {
    let Some(limit) = pairs.get("limit") else { return Ok(DEFAULT_LIMIT) };
    limit.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
        FlaskError::bad_request(format!("limit inválido: deve ser um número de 1 a {MAX_LIMIT}"))
    })
}

/// An id from the path; what cannot be one is not found.
pub(super) fn path_id(
    id: Result<Path<String>, PathRejection>,
    not_found: &'static str,
) -> Result<String, FlaskError> {
    match id {
        Ok(Path(id)) if id.len() <= MAX_ID && !id.chars().any(char::is_control) => Ok(id),
        _ => Err(FlaskError::not_found(not_found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia_events::journal::testing::{message, user};

    #[test]
    fn a_page_has_the_contracts_keys() {
        let mut media = message("false_55@c.us_3A é/", "");
        (media.has_media, media.kind, media.sender_name) = (true, "image".into(), Some("Ana".into()));
        let page = answer(vec![media, message("m2", "oi")], true, &user("2_1"));
        assert_eq!(
            serde_json::to_value(&page).expect("plain data"),
            serde_json::json!({
                "success": true,
                "messages": [
                    {"id": "false_55@c.us_3A é/", "messageId": "false_55@c.us_3A é/", "body": "",
                     "from": "5511988887777@c.us", "fromMe": false, "timestamp": 1_700_000_000_000_i64,
                     "type": "image", "hasMedia": true,
                     "mediaUrl": "/media/false_55%40c.us_3A%20%C3%A9%2F?user_id=2_1", "contactName": "Ana"},
                    {"id": "m2", "messageId": "m2", "body": "oi", "from": "5511988887777@c.us", "fromMe": false,
                     "timestamp": 1_700_000_000_000_i64, "type": "chat", "hasMedia": false, "mediaUrl": null,
                     "contactName": null},
                ],
                "total": 2, "hasMore": true, "nextCursor": "false_55@c.us_3A é/",
            })
        );
        let last = answer(vec![message("m1", "oi")], false, &user("1"));
        assert_eq!(last.next_cursor, None);
    }
}
