//! What is inside: WAHA's payload of each kind of event.
//!
//! Owns the mapping of names, but for a message's (`message`). Times are seconds there, but for a session's statuses.

use colmeia::UserId;
use colmeia::operations::{GroupRole, LabelRecord};
use colmeia::protocol::{
    CallNotice, Event, GroupChange, GroupNotice, MessageRecord, OtherNames, PollVoteNotice, PresenceNotice,
    ReactionNotice,
};
use serde_json::{Value, json};

use super::message::{Message, MessageFile, MessageId, ack_name, both_names, source};
use super::origin::Origin;
use super::restrictions;
use crate::journal::{Kind, Recorded, StatusRecord};

/// The payload of an event; `None` when what is kept of it cannot be read.
pub(super) fn of(event: &Recorded, files: &Origin) -> Option<Value> {
    let message = |record, me: &str| message(record, me, &event.user, files);
    let me = event.me.as_ref().map_or("", |me| me.wid.as_str());
    if event.kind == Kind::SessionStatus {
        let record = serde_json::from_str(&event.payload).ok()?;
        return Some(status(event.user.as_str(), &record, event.created_ms.unsigned_abs()));
    }
    Some(match serde_json::from_str(&event.payload).ok()? {
        Event::Message(record) => message(*record, me),
        Event::Ack { message, ack, other_names } => acknowledgement(&message, None, ack, &other_names),
        Event::Reaction(record) => reaction(&record, me),
        Event::Edited { message: record, at_ms } => {
            let edited = json!(MessageId::of(&record.id).id);
            let mut payload = message(*record, me);
            payload["editedMessageId"] = edited;
            payload["timestamp"] = seconds(at_ms);
            payload
        }
        Event::Revoked { message: after, before } => json!({
            "revokedMessageId": MessageId::of(&after.id).id,
            "after": message(*after, me),
            "before": before.map(|before| message(*before, me)),
            "_data": {},
        }),
        Event::Presence(record) => presence(&record),
        Event::Group(record) => group(&record, event.kind),
        Event::Call(record) => call(&record),
        Event::Waiting(record) => message(*record, me),
        Event::PollVote(record) => vote(&record, me),
        Event::Missed(missed) => json!({
            "from": missed.chat,
            "count": missed.count,
            "since": seconds(missed.since_ms),
            "until": seconds(missed.until_ms),
            "reason": missed.reason.name(),
            "_data": both_names(&missed.other_names, &missed.chat),
        }),
        Event::GroupAck { message, participant, ack, other_names } => {
            acknowledgement(&message, Some(&participant), ack, &other_names)
        }
        Event::Archived(record) => json!({
            "id": record.chat,
            "archived": record.archived,
            "timestamp": seconds(record.at_ms),
            "_data": both_names(&record.other_names, &record.chat),
        }),
        Event::Label(record) => label(&record.label),
        Event::ChatLabel(record) => json!({
            "labelId": record.label.id,
            "chatId": record.chat,
            "label": label(&record.label),
            "_data": both_names(&record.other_names, &record.chat),
        }),
    })
}

/// Whole seconds are whole numbers.
fn seconds(ms: i64) -> Value {
    #[allow(clippy::cast_precision_loss)] // milliseconds of this millennium fit
    if ms % 1000 == 0 { json!(ms / 1000) } else { json!(ms as f64 / 1000.0) }
}

/// A message. Its file is not downloaded: the reader is told where it is.
fn message(record: MessageRecord, me: &str, user: &UserId, files: &Origin) -> Value {
    let file = MessageFile::At(files.file(user, &record.id));
    serde_json::to_value(Message::of(record, me, file)).unwrap_or_default() // plain data
}

/// How far a message went, and with whom, where that is a single member of a group.
fn acknowledgement(id: &str, member: Option<&str>, ack: i32, names: &OtherNames) -> Value {
    let parts = MessageId::of(id);
    let participant = member.or(parts.author).unwrap_or(parts.chat);
    json!({
        "id": id,
        "from": parts.chat,
        "to": parts.chat,
        "participant": participant,
        "fromMe": parts.from_me,
        "ack": ack,
        "ackName": ack_name(ack),
        "_data": of_person_and_chat(names, participant, parts.chat),
    })
}

fn reaction(record: &ReactionNotice, me: &str) -> Value {
    let (from, to) = if record.from_me { (me, record.chat.as_str()) } else { (record.chat.as_str(), me) };
    json!({
        "id": record.id,
        "timestamp": seconds(record.timestamp_ms),
        "from": from,
        "fromMe": record.from_me,
        "source": source(record.by_api),
        "to": to,
        "participant": record.sender,
        "reaction": { "text": record.text, "messageId": record.message },
        "_data": of_person_and_chat(&record.other_names, &record.sender, &record.chat),
    })
}

/// A vote, and the poll that it belongs to, each with who sent it to whom. Its time is in milliseconds, as the
/// convention has it here.
fn vote(record: &PollVoteNotice, me: &str) -> Value {
    let destination = |id: &str, from_me, participant: Option<&str>| {
        let (from, to) = if from_me { (me, record.chat.as_str()) } else { (record.chat.as_str(), me) };
        json!({ "id": id, "from": from, "to": to, "fromMe": from_me, "participant": participant })
    };
    let in_group = record.chat.ends_with("@g.us");
    let poll = MessageId::of(&record.poll);
    let mut vote = destination(&record.id, record.from_me, in_group.then_some(record.sender.as_str()));
    vote["selectedOptions"] = json!(record.options);
    vote["timestamp"] = json!(record.timestamp_ms);
    let data = of_person_and_chat(&record.other_names, &record.sender, &record.chat);
    json!({ "vote": vote, "poll": destination(&record.poll, poll.from_me, poll.author), "_data": data })
}

fn presence(record: &PresenceNotice) -> Value {
    json!({
        "id": record.chat,
        "presences": [{
            "participant": record.participant,
            "lastKnownPresence": record.state,
            "lastSeen": record.last_seen_ms.map(seconds),
        }],
        "_data": of_person_and_chat(&record.other_names, &record.participant, &record.chat),
    })
}

/// Both names of who it was, and of the chat where that is a person's: as with a message.
fn of_person_and_chat(names: &OtherNames, person: &str, chat: &str) -> Value {
    let mut data = both_names(names, person);
    data.insert("chat".into(), both_names(names, chat).into());
    data.into()
}

/// A label as the API shows it.
fn label(record: &LabelRecord) -> Value {
    json!({ "id": record.id, "name": record.label, "color": record.color, "colorHex": record.color_hex })
}

/// A member's role as WAHA calls it.
fn role(role: GroupRole) -> &'static str {
    match role {
        GroupRole::Member => "participant",
        GroupRole::Admin => "admin",
        GroupRole::SuperAdmin => "superadmin",
    }
}

fn group(record: &GroupNotice, kind: Kind) -> Value {
    let member = |id: &str, role: &str| {
        let mut member = both_names(&record.other_names, id);
        member.extend([("id".to_owned(), json!(id)), ("role".to_owned(), json!(role))]);
        Value::Object(member)
    };
    let members = record.members.iter().map(|one| member(&one.id, role(one.role)));
    let mut payload = json!({
        "timestamp": seconds(record.timestamp_ms),
        "group": { "id": record.group },
        "_data": { "author": record.author },
    });
    if let (Some(author), Some(data)) = (&record.author, payload["_data"].as_object_mut()) {
        data.extend(both_names(&record.other_names, author));
    }
    let group = &mut payload["group"];
    match kind {
        Kind::GroupJoin => {
            let settings = record.settings.unwrap_or_default();
            group["subject"] = json!(record.subject.as_deref().unwrap_or_default());
            group["description"] = json!(record.description.as_deref().unwrap_or_default());
            group["membersCanAddNewMember"] = json!(settings.members_can_add);
            group["membersCanSendMessages"] = json!(settings.members_can_send);
            group["newMembersApprovalRequired"] = json!(settings.approval_required);
            group["participants"] = members.collect();
        }
        Kind::GroupUpdate => {
            for (key, value) in [("subject", &record.subject), ("description", &record.description)] {
                if let Some(value) = value {
                    group[key] = json!(value);
                }
            }
        }
        Kind::GroupParticipants => {
            let role = match record.change {
                GroupChange::Leave => "left",
                GroupChange::Promote => "admin",
                GroupChange::Join | GroupChange::Demote | GroupChange::Update => "participant",
            };
            payload["type"] = json!(record.change);
            payload["participants"] = record.participants.iter().map(|id| member(id, role)).collect();
        }
        _ => {}
    }
    payload
}

fn call(record: &CallNotice) -> Value {
    json!({
        "id": record.id,
        "from": record.from,
        "timestamp": seconds(record.timestamp_ms),
        "isVideo": record.is_video,
        "isGroup": record.is_group,
        "_data": record.from.as_deref().map(|from| both_names(&record.other_names, from)).unwrap_or_default(),
    })
}

fn status(session: &str, record: &StatusRecord, at_ms: u64) -> Value {
    let mut data = restrictions::data(&record.restrictions, at_ms);
    if let Some(exit) = &record.exit {
        data.insert("exit".into(), json!({ "label": exit.label(), "reason": exit }));
    }
    if record.joined > 0 {
        data.insert("joined".into(), record.joined.into());
    }
    let data = Some(data).filter(|data| !data.is_empty());
    json!({ "name": session, "status": record.status, "statuses": record.statuses, "data": data })
}
