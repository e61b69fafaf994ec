//! `GET /chats`: all chats, newest first.

use axum::extract::State;
use axum::response::Response;
use colmeia::protocol::{Call, ChatSummary, Reply};
use serde::Serialize;

use super::super::reply;
use super::super::user::RequestUser;
use super::call::{self, NOT_CONNECTED};
use crate::errors::FlaskError;
use crate::state::Http;

#[derive(Serialize)]
struct ChatsAnswer {
    success: bool,
    chats: Vec<Chat>,
    total: usize,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Chat {
    id: String,
    name: String,
    phone: String,
    is_group: bool,
    unread_count: i64,
    last_message: String,
    timestamp: i64,
    pinned: bool,
    is_archived: bool,
}

pub(super) async fn chats(
    State(http): State<Http>,
    RequestUser(user): RequestUser,
) -> Result<Response, FlaskError> {
    let handle = call::ready(&http, &user).ok_or_else(|| FlaskError::bad_request(NOT_CONNECTED))?;
    let reply = call::once(&http, handle, Call::Chats).await;
    let (Reply::Chats { mut chats }, _) = reply.map_err(|failure| call::read_failure(&failure))? else {
        return Err(call::wrong_reply(false));
    };
    chats.sort_by_key(|chat| std::cmp::Reverse(chat.timestamp_ms));
    let chats: Vec<Chat> = chats.into_iter().map(Chat::from).collect();
    Ok(reply::ok(&ChatsAnswer { success: true, total: chats.len(), chats }))
}

impl From<ChatSummary> for Chat {
    fn from(chat: ChatSummary) -> Self {
        Self {
            phone: chat.other_names.phone(&chat.id).into(),
            id: chat.id,
            name: chat.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "Sem nome".into()),
            is_group: chat.is_group,
            unread_count: chat.unread,
            last_message: match chat.last_message {
                Some(message) if message.has_media => "[Mídia]".into(),
                Some(message) => message.body,
                None => String::new(),
            },
            timestamp: chat.timestamp_ms,
            pinned: chat.pinned,
            is_archived: chat.archived,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::protocol::OtherNames;
    use colmeia_events::journal::testing::message;

    #[test]
    fn a_chat_has_the_contracts_keys() {
        let mut media = message("m", "legenda");
        media.has_media = true;
        let chat = |name: Option<&str>, last_message| {
            let chat = ChatSummary {
                id: "5511988887777@c.us".into(),
                name: name.map(String::from),
                is_group: false,
                unread: 2,
                last_message,
                timestamp_ms: 1_700_000_000_000,
                pinned: false,
                archived: true,
                other_names: OtherNames::default(),
            };
            serde_json::to_string(&Chat::from(chat)).expect("plain data")
        };
        assert_eq!(
            chat(Some("Ana"), Some(message("m", "oi"))),
            r#"{"id":"5511988887777@c.us","name":"Ana","phone":"5511988887777","isGroup":false,"unreadCount":2,"lastMessage":"oi","timestamp":1700000000000,"pinned":false,"isArchived":true}"#
        );
        assert!(chat(None, Some(media)).contains(r#""name":"Sem nome","#));
        assert!(chat(Some(" "), None).contains(r#""name":"Sem nome","#));
        let mut media = message("m", "legenda");
        media.has_media = true;
        assert!(chat(None, Some(media)).contains(r#""lastMessage":"[Mídia]""#));
        assert!(chat(None, None).contains(r#""lastMessage":"""#));
    }
}
