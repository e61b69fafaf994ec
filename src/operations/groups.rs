//! Operations on groups and their members.

use serde::{Deserialize, Serialize};

use super::private;

macro_rules! group_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Creates a group.
            "create_group" CreateGroup {
                /// Its subject.
                subject: String,
                /// Its first members besides the account.
                participants: Vec<ChatId>,
            } -> GroupInfo: Send, Core, 1;
            /// Groups with settings and members, by page.
            "list_groups" #[derive(Default)] #[serde(default)] ListGroups {
                /// How many; absent: all.
                limit: Option<u32>,
                /// How many to leave out first.
                offset: u32,
                /// By subject; else by id.
                by_subject: bool,
                /// The largest first.
                descending: bool,
                /// Without members.
                without_participants: bool,
            } -> Vec<GroupInfo>: Read, Core, 1;
            /// How many groups there are.
            "count_groups" CountGroups {} -> Count: Read, Core, 1;
            /// Asks WhatsApp for all groups anew.
            "refresh_groups" RefreshGroups {} -> Nothing: Read, Core, 1;
            /// One group.
            "get_group" GetGroup {
                /// Which one.
                group: ChatId,
            } -> GroupInfo: Read, Core, 1;
            /// What an invitation leads to.
            "invite_info" InviteInfo {
                /// The invitation's code, without the address before it.
                code: String,
            } -> GroupInfo: Read, Core, 1;
            /// Joins by an invitation.
            "join_group" JoinGroup {
                /// The invitation's code, without the address before it.
                code: String,
            } -> GroupJoined: Send, Core, 1;
            /// Leaves a group.
            "leave_group" LeaveGroup {
                /// Which one.
                group: ChatId,
            } -> Nothing: Send, Core, 1;
            /// Changes a group's subject.
            "set_group_subject" SetGroupSubject {
                /// Which one.
                group: ChatId,
                /// The new subject.
                subject: String,
            } -> Nothing: Change, Core, 1;
            /// Changes a group's description.
            "set_group_description" SetGroupDescription {
                /// Which one.
                group: ChatId,
                /// The new description; empty takes it away.
                description: String,
            } -> Nothing: Change, Core, 1;
            /// Changes a group's picture; the image is the frame's body, none takes the picture away.
            "set_group_picture" SetGroupPicture {
                /// Which one.
                group: ChatId,
                /// The image's type; absent: the picture is taken away.
                mimetype: Option<String>,
            } -> Nothing: Change, Core, 1;
            /// Changes one setting of a group.
            "set_group_setting" SetGroupSetting {
                /// Which one.
                group: ChatId,
                /// What.
                setting: GroupSetting,
                /// Whether it holds from now on.
                on: bool,
            } -> Nothing: Change, Core, 1;
            /// The invitation's code.
            "invite_code" InviteCode {
                /// Of which group; the account must be its admin.
                group: ChatId,
            } -> GroupInvite: Read, Core, 1;
            /// Makes the invitation's code void and gives a new one.
            "revoke_invite_code" RevokeInviteCode {
                /// Of which group.
                group: ChatId,
            } -> GroupInvite: Send, Core, 1;
            /// Adds, removes, promotes or demotes members.
            "change_participants" ChangeParticipants {
                /// Of which group.
                group: ChatId,
                /// What.
                change: ParticipantChange,
                /// To whom.
                participants: Vec<ChatId>,
            } -> Vec<ParticipantOutcome>: Send, Core, 1;
            /// Who asks to be let in.
            "join_requests" ListJoinRequests {
                /// Of which group.
                group: ChatId,
            } -> Vec<JoinRequest>: Read, Core, 1;
            /// Lets in, or not, who asked.
            "answer_join_requests" AnswerJoinRequests {
                /// Of which group.
                group: ChatId,
                /// Whether they are let in.
                approve: bool,
                /// Who asked.
                requesters: Vec<ChatId>,
            } -> Vec<ParticipantOutcome>: Send, Core, 1;
        }
    };
}
pub(super) use group_rows;

/// The group that was joined, or that was asked to be let into.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupJoined {
    /// Its id.
    pub id: String,
    /// The account is no member yet: the request waits until an admin approves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
}

/// What a group's admins decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupSetting {
    /// Only admins change subject, description and picture.
    InfoAdminsOnly,
    /// Only admins write.
    MessagesAdminsOnly,
    /// Every member may add members.
    MembersAdd,
    /// Every member may show new members what was written before.
    MembersShareHistory,
    /// Admins let new members in, or not.
    JoinApproval,
}

/// A group's invitation. Whoever has it can join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInvite {
    /// The code, without the address before it.
    pub code: String,
}

/// What happens to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantChange {
    /// They come in.
    Add,
    /// They are out.
    Remove,
    /// They become admins.
    Promote,
    /// They are admins no longer.
    Demote,
}

/// What became of one member's part of a change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantOutcome {
    /// Who.
    pub id: String,
    /// Whether it was done.
    pub done: bool,
    /// WhatsApp's number for the reason: 403 an invitation is needed, 404 not on WhatsApp, 409 already there, …
    pub code: Option<u32>,
}

/// Somebody asks to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Who.
    pub requester: String,
    /// Its number, where `requester` is a lid and the number is known.
    pub phone: Option<String>,
    /// Who wants to add it, where somebody else asked.
    pub added_by: Option<String>,
    /// The community through which it came.
    pub parent_group: Option<String>,
    /// `InviteLink`, `NonAdminAdd`, `LinkedGroupJoin`.
    pub method: Option<String>,
    /// When.
    pub timestamp_ms: i64,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupRole {
    /// Like everybody.
    Member,
    /// What admins may.
    Admin,
    /// Made the group, and is an admin for good.
    SuperAdmin,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMember {
    /// Who.
    pub id: String,
    /// Its number, where `id` is a lid and the number is known.
    pub phone: Option<String>,
    /// Its lid, where that is known.
    pub lid: Option<String>,
    /// What it may do.
    pub role: GroupRole,
}

/// A group.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupInfo {
    /// Its id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Its description.
    pub description: Option<String>,
    /// Who made it.
    pub owner: Option<String>,
    /// When it was made; 0 when unknown.
    #[serde(default)]
    pub created_ms: i64,
    /// How many members it has.
    #[serde(default)]
    pub size: u32,
    /// See [`GroupSetting::InfoAdminsOnly`].
    #[serde(default)]
    pub info_admins_only: bool,
    /// See [`GroupSetting::MessagesAdminsOnly`].
    #[serde(default)]
    pub messages_admins_only: bool,
    /// See [`GroupSetting::MembersAdd`].
    #[serde(default)]
    pub members_add: bool,
    /// See [`GroupSetting::MembersShareHistory`].
    #[serde(default)]
    pub members_share_history: bool,
    /// See [`GroupSetting::JoinApproval`].
    #[serde(default)]
    pub join_approval: bool,
    /// The members, as far as this account may see them.
    #[serde(default)]
    pub participants: Vec<GroupMember>,
}

private!(GroupJoined, GroupInvite, ParticipantOutcome, JoinRequest, GroupMember, GroupInfo);
