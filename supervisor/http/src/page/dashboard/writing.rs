//! What is written in a conversation: a text, and that it was read. By the calls that the API makes, within the same limit
//! (`pacing`), and success is told only when the page said so.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use colmeia::protocol::{Call, Reply};
use colmeia::{ChatId, UserId};

use super::super::super::negotiate::Language::{English, Portuguese};
use super::chats::{connected, named};
use super::failures;
use super::known::nobody;
use super::messages::percent;
use super::told::{Outcome, Posted};
use crate::errors::ApiError;
use colmeia_control::calls;
use colmeia_control::pacing::TooSoon;
use colmeia_session::{CallFailure, UserHandle};

/// WhatsApp's own limit of a text.
const LONGEST: usize = 65_536;

/// `POST /sessions/{user}/chats/{chat}/send`.
pub(super) async fn send(Path((name, chat)): Path<(String, String)>, posted: Posted) -> Response {
    act(&posted, &name, &chat, async |handle, chat| {
        let Posted { http, language, fields, .. } = &posted;
        let text = fields.text.replace("\r\n", "\n");
        let length = text.chars().count();
        if text.trim().is_empty() || length > LONGEST {
            let message = match language {
                Portuguese => format!("Nada foi enviado: escreva de 1 a {LONGEST} caracteres."),
                English => format!("Nothing was sent: write 1 to {LONGEST} characters."),
            };
            return Err(Outcome::with(StatusCode::BAD_REQUEST, message));
        }
        let user = handle.user.clone();
        let sending = calls::once(handle, Call::text(chat, text), None, http.request_deadline());
        let sent = http.paced(&user, ApiError::of_nothing, sending).await.map_err(|TooSoon { secs }| {
            let message = match language {
                Portuguese => {
                    format!("Nada foi enviado: muitas mensagens seguidas. Tente de novo em {secs} s.")
                }
                English => format!("Nothing was sent: too many messages in a row. Try again in {secs} s."),
            };
            Outcome::with(StatusCode::TOO_MANY_REQUESTS, message)
        })?;
        match sent {
            Ok((Reply::Sent(_), _)) => Ok(language.pick("Mensagem enviada.", "The message was sent.")),
            Ok(_) => Err(failures::of_call(&CallFailure::WorkerGone, true, *language)),
            Err(failure) => Err(failures::of_call(&failure, true, *language)),
        }
    })
    .await
}

/// `POST /sessions/{user}/chats/{chat}/seen`.
pub(super) async fn seen(Path((name, chat)): Path<(String, String)>, posted: Posted) -> Response {
    act(&posted, &name, &chat, async |handle, chat| {
        let Posted { http, language, .. } = &posted;
        match calls::once(handle, Call::MarkSeen { chat }, None, http.request_deadline()).await {
            Ok((Reply::Done, _)) => {
                Ok(language.pick("A conversa foi marcada como lida.", "The chat was marked as read."))
            }
            Ok(_) => Err(failures::of_call(&CallFailure::WorkerGone, false, *language)),
            Err(failure) => Err(failures::of_call(&failure, false, *language)),
        }
    })
    .await
}

/// Does this with a chat of a connected session if the form is ours, and answers with a sentence.
async fn act(
    posted: &Posted,
    name: &str,
    chat: &str,
    what: impl AsyncFnOnce(UserHandle, ChatId) -> Result<&'static str, Outcome>,
) -> Response {
    let language = posted.language;
    let done = async {
        posted.ours()?;
        let user = name.parse::<UserId>().map_err(|_| nobody(language))?;
        let chat = ChatId::normalise(chat).map_err(|_| failures::no_chat(language))?;
        what(connected(&posted.http, &user).ok_or_else(|| failures::not_connected(language))?, chat).await
    };
    let told = match done.await {
        Ok(message) => Outcome::done(message),
        Err(told) => told,
    };
    let back =
        named(chat).map_or_else(|| "/".into(), |chat| format!("/sessions/{name}/chats/{}", percent(&chat)));
    posted.answer(&told, &back)
}
