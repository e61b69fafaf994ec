//! [`NewEntry`]: an event in the forms in which it is kept: what it is, what makes it the same event when it is told
//! again, and whether Flask is told of it.
//!
//! Pure: it knows messages, but neither SQL nor HTTP.

use std::sync::Arc;

use colmeia::protocol::{
    ArchiveNotice, CallState, ChatLabelNotice, Event, GroupChange, GroupNotice, MessageRecord,
    PollVoteNotice, PresenceNotice, ReactionNotice,
};

use super::{JournalError, Kind};

/// Kinds that WhatsApp keeps among the messages and that nobody wrote.
const NOTICES: &[&str] = &[
    "broadcast_notification",
    "call_log",
    "ciphertext",
    "debug",
    "e2e_notification",
    "gp2",
    "newsletter_notification",
    "notification",
    "notification_template",
    "protocol",
    "revoked",
];

/// One row to be.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NewEntry {
    /// What makes it the same event when it is told again.
    pub(super) key: String,
    pub(super) kind: Kind,
    /// The event as JSON.
    pub(super) payload: String,
    /// Whether Flask is told.
    pub(super) flask: bool,
    /// It is another view of the entry before it, and only new when that is.
    pub(super) companion: bool,
}

impl NewEntry {
    /// The rows for an event, the first of which tells whether the event is new.
    pub(super) fn of(event: &Event) -> Result<Vec<Self>, JournalError> {
        let payload = serde_json::to_string(event).map_err(|error| JournalError::Encode(Arc::new(error)))?;
        let entry = |kind, key| Self { key, kind, payload: payload.clone(), flask: false, companion: false };
        let also = |kind, key| Self { companion: true, ..entry(kind, key) };
        Ok(match event {
            // A placeholder and the message that replaces it share an id, and are two events.
            Event::Message(message) if is_notice(message) => {
                vec![entry(Kind::Notice, format!("notice:{}:{}", message.kind, message.id))]
            }
            Event::Message(message) if message.from_me => vec![entry(Kind::MessageAny, message.id.clone())],
            Event::Message(message) => vec![
                Self { flask: is_for_flask(message), ..entry(Kind::Message, message.id.clone()) },
                also(Kind::MessageAny, format!("any:{}", message.id)),
            ],
            Event::Ack { message, ack, .. } => vec![entry(Kind::MessageAck, format!("ack:{message}:{ack}"))],
            Event::Reaction(reaction) => {
                let ReactionNotice { id, timestamp_ms, text, .. } = &**reaction;
                vec![entry(Kind::MessageReaction, format!("reaction:{id}:{timestamp_ms}:{text}"))]
            }
            Event::Edited { message, at_ms } => {
                vec![entry(Kind::MessageEdited, format!("edited:{}:{at_ms}", message.id))]
            }
            Event::Revoked { message, .. } => {
                vec![entry(Kind::MessageRevoked, format!("revoked:{}", message.id))]
            }
            Event::Presence(presence) => {
                let PresenceNotice { chat, participant, state, at_ms, .. } = &**presence;
                let key = format!("presence:{chat}:{participant}:{state:?}:{at_ms}");
                vec![entry(Kind::PresenceUpdate, key)]
            }
            Event::Group(group) => {
                let GroupNotice { id, change, concerns_me, .. } = &**group;
                let kind = match change {
                    GroupChange::Update => Kind::GroupUpdate,
                    _ => Kind::GroupParticipants,
                };
                let mine = match change {
                    GroupChange::Join if *concerns_me => Some(Kind::GroupJoin),
                    GroupChange::Leave if *concerns_me => Some(Kind::GroupLeave),
                    _ => None,
                };
                let mut entries = vec![entry(kind, format!("group:{id}"))];
                entries.extend(mine.map(|kind| also(kind, format!("group.me:{id}"))));
                entries
            }
            Event::Call(call) => {
                let kind = match call.state {
                    CallState::Received => Kind::CallReceived,
                    CallState::Accepted => Kind::CallAccepted,
                    CallState::Rejected => Kind::CallRejected,
                };
                vec![entry(kind, format!("{}:{}", kind.name(), call.id))]
            }
            Event::Waiting(message) => vec![entry(Kind::MessageWaiting, format!("waiting:{}", message.id))],
            Event::PollVote(vote) => {
                let PollVoteNotice { poll, sender, timestamp_ms, .. } = &**vote;
                vec![entry(Kind::PollVote, format!("vote:{poll}:{sender}:{timestamp_ms}"))]
            }
            Event::Missed(missed) => {
                let key = format!("missed:{}:{}:{}", missed.chat, missed.since_ms, missed.until_ms);
                vec![entry(Kind::MessageMissed, key)]
            }
            Event::GroupAck { message, participant, ack, .. } => {
                vec![entry(Kind::MessageAckGroup, format!("ack.group:{message}:{participant}:{ack}"))]
            }
            Event::Archived(notice) => {
                let ArchiveNotice { chat, archived, at_ms, .. } = &**notice;
                vec![entry(Kind::ChatArchive, format!("archive:{chat}:{archived}:{at_ms}"))]
            }
            Event::Label(notice) => {
                let kind = if notice.deleted { Kind::LabelDeleted } else { Kind::LabelUpsert };
                vec![entry(kind, format!("{}:{}:{}", kind.name(), notice.label.id, notice.at_ms))]
            }
            Event::ChatLabel(notice) => {
                let ChatLabelNotice { chat, label, added, at_ms, .. } = &**notice;
                let kind = if *added { Kind::LabelChatAdded } else { Kind::LabelChatDeleted };
                vec![entry(kind, format!("{}:{}:{chat}:{at_ms}", kind.name(), label.id))]
            }
        })
    }
}

fn is_notice(message: &MessageRecord) -> bool {
    NOTICES.contains(&message.kind.as_str())
}

/// Incoming, written by someone, and in a chat: a status update is shown to everyone and meant for no one.
fn is_for_flask(message: &MessageRecord) -> bool {
    const STATUS: &str = "status@broadcast";
    !message.from_me && !is_notice(message) && message.chat != STATUS && message.from != STATUS
}

#[cfg(test)]
mod tests {
    use super::super::testing::message;
    use super::*;
    use colmeia::protocol::OtherNames;

    fn entry(change: impl FnOnce(&mut MessageRecord)) -> NewEntry {
        let mut record = message("m1", "oi");
        change(&mut record);
        NewEntry::of(&Event::Message(Box::new(record))).expect("plain data").swap_remove(0)
    }

    fn kinds(event: &Event) -> Vec<(Kind, String)> {
        NewEntry::of(event).expect("plain data").into_iter().map(|entry| (entry.kind, entry.key)).collect()
    }

    #[test]
    fn flask_is_told_only_what_others_wrote() {
        assert!(entry(|_| ()).flask);
        assert!(entry(|m| (m.kind, m.body) = ("image".into(), String::new())).flask);
        assert!(entry(|m| m.chat = "120363@g.us".into()).flask);
        assert!(entry(|m| m.kind = "a kind of tomorrow".into()).flask);
        assert!(!entry(|m| m.from_me = true).flask);
        assert!(!entry(|m| m.chat = "status@broadcast".into()).flask);
        assert!(!entry(|m| m.from = "status@broadcast".into()).flask);
        for kind in NOTICES {
            assert!(!entry(|m| m.kind = (*kind).into()).flask, "{kind}");
        }
        let ack =
            NewEntry::of(&Event::Ack { message: "m1".into(), ack: 3, other_names: OtherNames::default() })
                .expect("plain data");
        assert!(ack.iter().all(|entry| !entry.flask));
    }

    #[test]
    fn a_placeholder_does_not_hide_the_message_that_follows() {
        assert_eq!(entry(|_| ()).key, "m1");
        assert_eq!(entry(|m| m.kind = "ciphertext".into()).key, "notice:ciphertext:m1");
        let ack = Event::Ack { message: "m1".into(), ack: -1, other_names: OtherNames::default() };
        assert_eq!(kinds(&ack), [(Kind::MessageAck, "ack:m1:-1".into())]);
        let waiting =
            Event::Waiting(Box::new(MessageRecord { kind: "ciphertext".into(), ..message("m1", "") }));
        assert_eq!(kinds(&waiting), [(Kind::MessageWaiting, "waiting:m1".into())]);
        assert!(NewEntry::of(&waiting).expect("plain data").iter().all(|entry| !entry.flask));
    }

    #[test]
    fn a_changed_vote_is_another_event_and_so_is_each_members_receipt() {
        let vote = |timestamp_ms| {
            Event::PollVote(Box::new(PollVoteNotice {
                id: format!("v{timestamp_ms}"),
                poll: "p".into(),
                chat: "1@g.us".into(),
                sender: "2@c.us".into(),
                from_me: false,
                options: vec![],
                timestamp_ms,
                other_names: OtherNames::default(),
            }))
        };
        assert_eq!(kinds(&vote(1)), kinds(&vote(1)), "told again it is the same");
        assert_ne!(kinds(&vote(1)), kinds(&vote(2)));
        let receipt = |participant: &str, ack| {
            kinds(&Event::GroupAck {
                message: "m".into(),
                participant: participant.into(),
                ack,
                other_names: OtherNames::default(),
            })
        };
        assert_eq!(receipt("2@c.us", 2), [(Kind::MessageAckGroup, "ack.group:m:2@c.us:2".into())]);
        assert_ne!(receipt("2@c.us", 2), receipt("2@c.us", 3));
        assert_ne!(receipt("2@c.us", 3), receipt("3@c.us", 3));
    }

    #[test]
    fn a_message_is_two_events_and_ones_own_is_one() {
        let incoming = Event::Message(Box::new(message("m1", "oi")));
        assert_eq!(kinds(&incoming), [(Kind::Message, "m1".into()), (Kind::MessageAny, "any:m1".into())]);
        let own = Event::Message(Box::new(MessageRecord { from_me: true, ..message("m1", "oi") }));
        assert_eq!(kinds(&own), [(Kind::MessageAny, "m1".into())]);
    }

    #[test]
    fn a_group_that_one_comes_to_is_told_as_both() {
        let group = |change, concerns_me| {
            let group = GroupNotice {
                other_names: OtherNames::default(),
                id: "n1".into(),
                group: "1@g.us".into(),
                change,
                author: None,
                participants: vec![],
                concerns_me,
                subject: None,
                description: None,
                settings: None,
                members: vec![],
                timestamp_ms: 1,
            };
            kinds(&Event::Group(Box::new(group))).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
        };
        assert_eq!(group(GroupChange::Join, true), [Kind::GroupParticipants, Kind::GroupJoin]);
        assert_eq!(group(GroupChange::Leave, true), [Kind::GroupParticipants, Kind::GroupLeave]);
        assert_eq!(group(GroupChange::Join, false), [Kind::GroupParticipants]);
        assert_eq!(group(GroupChange::Promote, true), [Kind::GroupParticipants]);
        assert_eq!(group(GroupChange::Update, true), [Kind::GroupUpdate]);
    }
}
