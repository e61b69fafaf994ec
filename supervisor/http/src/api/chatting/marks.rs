//! What is done with messages that are there, and what the other side sees meanwhile: forwarding, reactions, stars,
//! reading and typing.

use colmeia::ChatId;
use colmeia::operations::{Forward, MessageRef, NewMessageId};
use colmeia::protocol::{Call, Reply, TypingState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::models::{ChatArgs, NoArgs, Success};
use super::super::session::Session;
use super::{Sent, send_by};
use crate::errors::ApiError;

/// A message for somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ForwardArgs {
    /// To whom.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// What.
    #[schema(value_type = String)]
    pub(in super::super) message_id: MessageRef,
    /// Not offered: WhatsApp Web chooses the id of what it forwards.
    id: Option<String>,
}

pub(in super::super) async fn forward_message(session: Session, args: ForwardArgs) -> Sent {
    if args.id.is_some() {
        let rule = "is not offered: leave it out, and WhatsApp Web chooses the id of what it forwards";
        return Err(ApiError::field("id", rule));
    }
    let chat = args.chat_id.clone();
    let operation = Forward { chat: args.chat_id, message: args.message_id };
    send_by(&session, operation, chat.as_str(), String::new()).await
}

pub(in super::super) async fn send_seen(session: Session, args: ChatArgs) -> Answered<Success> {
    done(&session.call(Call::MarkSeen { chat: args.chat_id }).await?.0)
}

/// Shows the other side what this one does.
pub(in super::super) async fn typing(
    session: Session,
    chat: ChatId,
    state: TypingState,
) -> Answered<Success> {
    done(&session.call(Call::Typing { chat, state }).await?.0)
}

/// That it was done.
fn done(reply: &Reply) -> Answered<Success> {
    match reply {
        Reply::Done => Ok(Json(Success::YES)),
        _ => Err(ApiError::wrong_reply()),
    }
}

/// A reaction.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ReactionArgs {
    /// To which message.
    #[schema(value_type = String)]
    pub(in super::super) message_id: MessageRef,
    /// One emoji; empty takes it back.
    pub(in super::super) reaction: String,
}

/// A star.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct StarArgs {
    /// Which message.
    #[schema(value_type = String)]
    pub(in super::super) message_id: MessageRef,
    /// Whether it has one from now on.
    pub(in super::super) star: bool,
}

/// An id for a later send.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct NewId {
    id: String,
}

pub(in super::super) async fn new_message_id(session: Session, _: NoArgs) -> Answered<NewId> {
    Ok(Json(NewId { id: session.operate(NewMessageId {}).await?.id }))
}
