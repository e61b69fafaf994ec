//! Polls, votes and events.

use colmeia::ChatId;
use colmeia::operations::{MessageRef, SendEvent, SendPoll, Vote};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::answer::Answered;
use super::super::fields;
use super::super::models::Success;
use super::super::session::Session;
use super::{Sent, checked_text, ms_of_secs, options, send_by};
use crate::errors::ApiError;

/// A poll.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PollArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The poll.
    poll: PollArg,
    /// The id that it shall have.
    id: Option<String>,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// A question and what can be answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct PollArg {
    /// The question.
    #[schema(max_length = 255)]
    name: String,
    /// 2 to 12 answers, all different.
    #[schema(min_items = 2, max_items = 12)]
    options: Vec<String>,
    /// Whether one may give several; the SDK's type asks for an object here, which means no.
    #[serde(default)]
    #[schema(value_type = Object)]
    multiple_answers: Value,
}

pub(in super::super) async fn send_poll(session: Session, args: PollArgs) -> Sent {
    let PollArg { name, options: choices, multiple_answers } = args.poll;
    checked_text("poll.name", &name)?;
    let different: std::collections::HashSet<_> = choices.iter().collect();
    if !(2..=12).contains(&choices.len()) || different.len() != choices.len() {
        return Err(ApiError::field("poll.options", "have to be 2 to 12, all different"));
    }
    let chat = args.chat_id.clone();
    let operation = SendPoll {
        chat: args.chat_id,
        question: name.clone(),
        choices,
        multiple: fields::truth(&multiple_answers) == Some(true),
        options: options(args.reply_to, Vec::new(), args.id),
    };
    send_by(&session, operation, chat.as_str(), name).await
}

/// A vote.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct VoteArgs {
    /// The poll's id.
    #[schema(value_type = String)]
    poll_message_id: MessageRef,
    /// The answers that are given; none takes the vote back.
    #[serde(default)]
    votes: Vec<Choice>,
}

/// An answer, by itself or in a list: the SDK's type nests them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(in super::super) enum Choice {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

pub(in super::super) async fn send_poll_vote(session: Session, args: VoteArgs) -> Answered<Success> {
    let choices = args.votes.into_iter().flat_map(|choice| match choice {
        Choice::One(one) => vec![one],
        Choice::Several(several) => several,
    });
    session.carry_out(Vote { message: args.poll_message_id, choices: choices.collect() }).await
}

/// An event.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct EventArgs {
    /// A number or an id.
    #[schema(value_type = String)]
    chat_id: ChatId,
    /// The event.
    event: EventArg,
    /// The message that this one answers.
    #[serde(rename = "reply_to")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageRef>,
}

/// What takes place.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct EventArg {
    /// Its name.
    name: String,
    /// More about it.
    description: Option<String>,
    /// In seconds since the epoch.
    start_time: f64,
    /// In seconds since the epoch.
    end_time: Option<f64>,
    /// Where.
    location: Option<PlaceArg>,
    /// Whether guests may bring guests.
    #[serde(default)]
    extra_guests_allowed: bool,
}

/// Where.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct PlaceArg {
    /// Its name.
    name: String,
}

pub(in super::super) async fn send_event(session: Session, args: EventArgs) -> Sent {
    let (chat, event) = (args.chat_id.clone(), args.event);
    checked_text("event.name", &event.name)?;
    let body = event.name.clone();
    let operation = SendEvent {
        chat: args.chat_id,
        title: event.name,
        description: event.description,
        start_ms: ms_of_secs(event.start_time),
        end_ms: event.end_time.map(ms_of_secs),
        location: event.location.map(|place| place.name),
        extra_guests: event.extra_guests_allowed,
        options: options(args.reply_to, Vec::new(), None),
    };
    send_by(&session, operation, chat.as_str(), body).await
}
