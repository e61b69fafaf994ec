//! What a session tells without being asked, and must not lose: [`Event`].
//!
//! Texts, names and numbers are private: `Debug` shows kinds and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{MessageRecord, OtherNames};
use crate::operations::{GroupRole, LabelRecord, PresenceState};

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A message, incoming or written on another of the user's devices.
    Message(Box<MessageRecord>),
    /// A sent message went further: 1 server, 2 device, 3 read, 4 played; -1 failed.
    Ack {
        /// The message's id.
        message: String,
        /// How far.
        ack: i32,
        /// The other names of the people in the message's id.
        #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
        other_names: OtherNames,
    },
    /// Someone reacted to a message, or took that back.
    Reaction(Box<ReactionNotice>),
    /// A message has another text than before.
    Edited {
        /// As it is now.
        message: Box<MessageRecord>,
        /// When it was changed.
        at_ms: i64,
    },
    /// A message was taken back for everyone.
    Revoked {
        /// What is left of it.
        message: Box<MessageRecord>,
        /// As it was, where the page still knew.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<Box<MessageRecord>>,
    },
    /// Someone came, went, or began to write.
    Presence(Box<PresenceNotice>),
    /// A group or who is in it has changed.
    Group(Box<GroupNotice>),
    /// Someone calls.
    Call(Box<CallNotice>),
    /// A message has come that cannot be decrypted yet; [`Event::Message`] follows if it can be later.
    Waiting(Box<MessageRecord>),
    /// Someone voted in a poll, changed the vote, or took it back.
    PollVote(Box<PollVoteNotice>),
    /// What was sent to a group has gone further with one of its members.
    GroupAck {
        /// The message's id.
        message: String,
        /// Who.
        participant: String,
        /// How far: 2 device, 3 read, 4 played.
        ack: i32,
        /// The other names of the people in it.
        #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
        other_names: OtherNames,
    },
    /// Messages have come of which nothing is known but that they came.
    Missed(MissedNotice),
    /// A chat was put into the archive, or taken out of it.
    Archived(Box<ArchiveNotice>),
    /// A label was made, changed or deleted.
    Label(Box<LabelNotice>),
    /// A chat was given a label, or lost one.
    ChatLabel(Box<ChatLabelNotice>),
}

impl Event {
    /// The chat that it belongs to; `None` for a call and a label, which are in none.
    #[must_use]
    pub fn chat(&self) -> Option<&str> {
        match self {
            Self::Message(message)
            | Self::Waiting(message)
            | Self::Edited { message, .. }
            | Self::Revoked { message, .. } => Some(&message.chat),
            // `true_<chat>_<id>`
            Self::Ack { message, .. } | Self::GroupAck { message, .. } => message.split('_').nth(1),
            Self::Reaction(reaction) => Some(&reaction.chat),
            Self::Presence(presence) => Some(&presence.chat),
            Self::Group(group) => Some(&group.group),
            Self::PollVote(vote) => Some(&vote.chat),
            Self::Missed(missed) => Some(&missed.chat),
            Self::Archived(notice) => Some(&notice.chat),
            Self::ChatLabel(notice) => Some(&notice.chat),
            Self::Call(_) | Self::Label(_) => None,
        }
    }
}

/// A reaction to a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionNotice {
    /// The reaction's own id.
    pub id: String,
    /// The id of the message that it belongs to.
    pub message: String,
    /// The chat of both.
    pub chat: String,
    /// Who reacted.
    pub sender: String,
    /// Whether that was the user itself.
    pub from_me: bool,
    /// The emoji; empty when it was taken back.
    pub text: String,
    /// Whether it was given from here, and not by the phone or another device.
    #[serde(default)]
    pub by_api: bool,
    /// When.
    pub timestamp_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// A vote in a poll.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollVoteNotice {
    /// The vote's own id.
    pub id: String,
    /// The id of the poll's message.
    pub poll: String,
    /// The chat of both.
    pub chat: String,
    /// Who voted.
    pub sender: String,
    /// Whether that was the user itself.
    pub from_me: bool,
    /// What was chosen, all of it; empty when the vote was taken back.
    pub options: Vec<String>,
    /// When.
    pub timestamp_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// Messages of a chat that came while nobody listened, and that the page cannot give any more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedNotice {
    /// The chat.
    pub chat: String,
    /// How many, by what the page counts as unread; absent where it does not say.
    pub count: Option<u32>,
    /// They came after this.
    pub since_ms: i64,
    /// And before this.
    pub until_ms: i64,
    /// Why they cannot be had.
    pub reason: MissedReason,
    /// The chat's other name.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// Why messages cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedReason {
    /// The page did not read them from its store, or not in time.
    NotLoaded,
    /// The page counts more than it has stored.
    NotStored,
    /// There are more than are read.
    TooMany,
}

impl MissedReason {
    /// Its name outside.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotLoaded => "not_loaded",
            Self::NotStored => "not_stored",
            Self::TooMany => "too_many",
        }
    }
}

/// What is seen of someone in a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceNotice {
    /// The chat: a user or a group.
    pub chat: String,
    /// Who.
    pub participant: String,
    /// What they do.
    pub state: PresenceState,
    /// When they were last there, where they let others know.
    pub last_seen_ms: Option<i64>,
    /// When this was seen.
    pub at_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// A change of a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupNotice {
    /// The id of the notice that tells of it.
    pub id: String,
    /// The group.
    pub group: String,
    /// What has changed.
    pub change: GroupChange,
    /// Who changed it.
    pub author: Option<String>,
    /// Whom it concerns; empty where the group itself has changed.
    #[serde(default)]
    pub participants: Vec<String>,
    /// Whether the user itself is one of them.
    #[serde(default)]
    pub concerns_me: bool,
    /// The group's name, where it is known.
    pub subject: Option<String>,
    /// What the group is about, where it is known.
    pub description: Option<String>,
    /// What members may do, where it is known.
    pub settings: Option<GroupRules>,
    /// Who is in it now, and as what, where it is known and the user has just come to it.
    #[serde(default)]
    pub members: Vec<GroupParticipant>,
    /// When.
    pub timestamp_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// What members of a group may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRules {
    /// Bring others in.
    pub members_can_add: bool,
    /// Write.
    pub members_can_send: bool,
    /// Whether an administrator has to let newcomers in.
    pub approval_required: bool,
}

/// A new group's.
impl Default for GroupRules {
    fn default() -> Self {
        Self { members_can_add: true, members_can_send: true, approval_required: false }
    }
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupParticipant {
    /// Who.
    pub id: String,
    /// As what.
    pub role: GroupRole,
}

/// What has changed about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupChange {
    /// Someone came to it.
    Join,
    /// Someone left it or was removed.
    Leave,
    /// Someone became an administrator.
    Promote,
    /// Someone ceased to be one.
    Demote,
    /// Its name, description, picture or settings.
    Update,
}

/// A call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallNotice {
    /// The call's id.
    pub id: String,
    /// Who calls; absent where the page does not say.
    pub from: Option<String>,
    /// Where it stands.
    pub state: CallState,
    /// Whether with a picture.
    #[serde(default)]
    pub is_video: bool,
    /// Whether to a group.
    #[serde(default)]
    pub is_group: bool,
    /// When.
    pub timestamp_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It rings.
    Received,
    /// It was taken, here or on another device.
    Accepted,
    /// It was refused, or the caller gave up.
    Rejected,
}

/// Whether a chat is in the archive now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveNotice {
    /// Which chat.
    pub chat: String,
    /// Whether it is in the archive.
    pub archived: bool,
    /// When this was seen.
    pub at_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

/// A label of a business account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelNotice {
    /// As it is now, or was last.
    pub label: LabelRecord,
    /// Whether it is gone.
    pub deleted: bool,
    /// When this was seen.
    pub at_ms: i64,
}

/// A label of a chat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLabelNotice {
    /// Which chat.
    pub chat: String,
    /// Which label; its name is empty where the page does not know it (any more).
    pub label: LabelRecord,
    /// Whether the chat has it now.
    pub added: bool,
    /// When this was seen.
    pub at_ms: i64,
    /// The other names of the people in it.
    #[serde(default, skip_serializing_if = "OtherNames::is_empty")]
    pub other_names: OtherNames,
}

impl fmt::Debug for ArchiveNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Archive({})", self.archived)
    }
}

impl fmt::Debug for LabelNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label(deleted: {})", self.deleted)
    }
}

impl fmt::Debug for ChatLabelNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatLabel(added: {})", self.added)
    }
}

impl fmt::Debug for ReactionNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reaction(from_me: {})", self.from_me)
    }
}

impl fmt::Debug for PollVoteNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PollVote(from_me: {}, {} options)", self.from_me, self.options.len())
    }
}

impl fmt::Debug for MissedNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Missed({:?}, {:?})", self.count, self.reason)
    }
}

impl fmt::Debug for PresenceNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presence({:?})", self.state)
    }
}

impl fmt::Debug for GroupNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({:?}, {} participants)", self.change, self.participants.len())
    }
}

impl fmt::Debug for GroupParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupParticipant({:?})", self.role)
    }
}

impl fmt::Debug for CallNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?})", self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_private_is_shown() {
        let json = r#"{"event":"reaction","id":"a_5511","message":"b_5511","chat":"5511@c.us","sender":"5511@c.us",
            "from_me":false,"text":"🙏","timestamp_ms":1}"#;
        let shown = format!("{:?}", serde_json::from_str::<Event>(json).expect("a reaction"));
        assert!(!shown.contains("5511") && !shown.contains('🙏'), "{shown}");
    }
}
