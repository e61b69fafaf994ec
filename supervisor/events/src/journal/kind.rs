//! [`Kind`]: what sort of event it is, by the name under which it can be subscribed to. Pure.

use std::str::FromStr;

/// The sort of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named as it is written: `MessageAck` is `message.ack`")]
pub enum Kind {
    /// A message from someone else.
    Message,
    /// Any message, one's own too.
    MessageAny,
    MessageAck,
    /// A message to a group has gone further with one of its members.
    MessageAckGroup,
    /// A message has come that cannot be read yet.
    MessageWaiting,
    MessageReaction,
    MessageEdited,
    MessageRevoked,
    /// Messages came that nobody can be told of.
    MessageMissed,
    SessionStatus,
    PresenceUpdate,
    GroupJoin,
    GroupLeave,
    GroupParticipants,
    GroupUpdate,
    CallReceived,
    CallAccepted,
    CallRejected,
    PollVote,
    ChatArchive,
    /// A label was made or changed.
    LabelUpsert,
    LabelDeleted,
    LabelChatAdded,
    LabelChatDeleted,
    /// What WhatsApp keeps among the messages and nobody wrote. Kept so that it is recognised; shown to nobody.
    Notice,
}

impl Kind {
    /// All that anybody is told of.
    pub const PUBLIC: [Self; 24] = [
        Self::Message,
        Self::MessageAny,
        Self::MessageAck,
        Self::MessageAckGroup,
        Self::MessageWaiting,
        Self::MessageReaction,
        Self::MessageEdited,
        Self::MessageRevoked,
        Self::MessageMissed,
        Self::SessionStatus,
        Self::PresenceUpdate,
        Self::GroupJoin,
        Self::GroupLeave,
        Self::GroupParticipants,
        Self::GroupUpdate,
        Self::CallReceived,
        Self::CallAccepted,
        Self::CallRejected,
        Self::PollVote,
        Self::ChatArchive,
        Self::LabelUpsert,
        Self::LabelDeleted,
        Self::LabelChatAdded,
        Self::LabelChatDeleted,
    ];

    /// Its name outside and on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MessageAny => "message.any",
            Self::MessageAck => "message.ack",
            Self::MessageAckGroup => "message.ack.group",
            Self::MessageWaiting => "message.waiting",
            Self::MessageReaction => "message.reaction",
            Self::MessageEdited => "message.edited",
            Self::MessageRevoked => "message.revoked",
            Self::MessageMissed => "message.missed",
            Self::SessionStatus => "session.status",
            Self::PresenceUpdate => "presence.update",
            Self::GroupJoin => "group.v2.join",
            Self::GroupLeave => "group.v2.leave",
            Self::GroupParticipants => "group.v2.participants",
            Self::GroupUpdate => "group.v2.update",
            Self::CallReceived => "call.received",
            Self::CallAccepted => "call.accepted",
            Self::CallRejected => "call.rejected",
            Self::PollVote => "poll.vote",
            Self::ChatArchive => "chat.archive",
            Self::LabelUpsert => "label.upsert",
            Self::LabelDeleted => "label.deleted",
            Self::LabelChatAdded => "label.chat.added",
            Self::LabelChatDeleted => "label.chat.deleted",
            Self::Notice => "notice",
        }
    }
}

/// A name that is no event's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no event")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let all = Self::PUBLIC.into_iter().chain([Self::Notice]);
        all.into_iter().find(|kind| kind.name() == name).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::config::EVENT_NAMES;
    use std::collections::BTreeSet;

    #[test]
    fn what_can_be_subscribed_to_is_what_is_told_and_comes_back_from_its_name() {
        for kind in Kind::PUBLIC {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let (told, offered) = (Kind::PUBLIC.map(Kind::name), EVENT_NAMES.iter().copied());
        assert_eq!(BTreeSet::from(told), offered.collect());
        assert_eq!("notice".parse(), Ok(Kind::Notice));
        assert_eq!("engine.event".parse::<Kind>(), Err(UnknownKind));
    }
}
