//! `POST /send`: sends one text. One accepted request is one message, never two.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use colmeia::ChatId;
use colmeia::chat::InvalidChatId;
use colmeia::protocol::{Call, Reply};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::user::{Named, Pairs, of_query_or_body};
use super::super::{body, reply};
use super::call::{self, NOT_CONNECTED};
use crate::errors::{ApiError, FlaskError};
use crate::state::Http;

/// WhatsApp's own limit.
const MAX_MESSAGE: usize = 65_536;

/// Anything may stand in the fields, so that each can be refused by its name.
#[derive(Deserialize)]
struct Request {
    #[serde(flatten)]
    named: Named,
    phone: Option<Value>,
    message: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    success: bool,
    message_id: String,
}

pub(super) async fn send(
    State(http): State<Http>,
    pairs: Pairs,
    body: Bytes,
) -> Result<Response, FlaskError> {
    let request: Request = body::json_object(&body)?.ok_or_else(|| {
        FlaskError::bad_request("O corpo da requisição deve ser um objeto JSON com phone e message")
    })?;
    let user = of_query_or_body(&pairs, &request.named, &http)?;
    let chat = chat(&text("phone", request.phone)?)?;
    let text = text("message", request.message)?;
    if text.chars().count() > MAX_MESSAGE {
        return Err(FlaskError::bad_request(format!(
            "message inválido: o limite é de {MAX_MESSAGE} caracteres"
        )));
    }
    let handle = call::ready(&http, &user).ok_or_else(|| FlaskError::bad_request(NOT_CONNECTED))?;
    let sending = call::once(&http, handle, Call::text(chat, text));
    let reply = http.pace.in_any_case(&user, http.rate(&user), ApiError::of_nothing, sending).await;
    match reply.map_err(|failure| call::send_failure(&failure))? {
        (Reply::Sent(sent), _) => Ok(reply::ok(&Sent { success: true, message_id: sent.message })),
        _ => Err(call::wrong_reply(true)),
    }
}

fn text(field: &str, value: Option<Value>) -> Result<String, FlaskError> {
    match value {
        None | Some(Value::Null) => Err(FlaskError::bad_request(format!("{field} é obrigatório"))),
        Some(Value::String(text)) if text.trim().is_empty() => {
            Err(FlaskError::bad_request(format!("{field} não pode estar vazio")))
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(FlaskError::bad_request(format!("{field} deve ser um texto"))),
    }
}

fn chat(phone: &str) -> Result<ChatId, FlaskError> {
    ChatId::normalise(phone).map_err(|error| {
        FlaskError::bad_request(match error {
            InvalidChatId::NoDigits => "phone inválido: não tem números",
            InvalidChatId::Length(_) => "phone inválido: deve ter de 5 a 25 números",
            InvalidChatId::Server => {
                "phone inválido: depois de '@' só pode vir c.us, s.whatsapp.net, g.us ou lid"
            }
            InvalidChatId::Character => "phone inválido: antes de '@' só pode haver números",
        })
    })
}
