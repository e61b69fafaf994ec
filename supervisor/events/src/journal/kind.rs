//! [`Kind`]: what sort of event it is, by the name under which it can be subscribed to. Pure.

use std::str::FromStr;

/// One row for each that anybody is told of.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal;)*) => {
        /// The sort of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is named as it is written: `MessageAck` is `message.ack`")]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
            /// What WhatsApp keeps among the messages and nobody wrote. Kept so that it is recognised; shown to nobody.
            Notice,
        }

        impl Kind {
            /// All that anybody is told of.
            pub const PUBLIC: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Its name outside and on disk.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::Notice => "notice",
                }
            }
        }
    };
}

kinds! {
    /// A message from someone else.
    Message "message";
    /// Any message, one's own too.
    MessageAny "message.any";
    MessageAck "message.ack";
    /// A message to a group has gone further with one of its members.
    MessageAckGroup "message.ack.group";
    /// A message has come that cannot be read yet.
    MessageWaiting "message.waiting";
    MessageReaction "message.reaction";
    MessageEdited "message.edited";
    MessageRevoked "message.revoked";
    /// Messages came that nobody can be told of.
    MessageMissed "message.missed";
    SessionStatus "session.status";
    PresenceUpdate "presence.update";
    GroupJoin "group.v2.join";
    GroupLeave "group.v2.leave";
    GroupParticipants "group.v2.participants";
    GroupUpdate "group.v2.update";
    CallReceived "call.received";
    CallAccepted "call.accepted";
    CallRejected "call.rejected";
    PollVote "poll.vote";
    ChatArchive "chat.archive";
    /// A label was made or changed.
    LabelUpsert "label.upsert";
    LabelDeleted "label.deleted";
    LabelChatAdded "label.chat.added";
    LabelChatDeleted "label.chat.deleted";
}

/// A name that is no event's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no event")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let mut all = Self::PUBLIC.into_iter().chain([Self::Notice]);
        all.find(|kind| kind.name() == name).ok_or(UnknownKind)
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
