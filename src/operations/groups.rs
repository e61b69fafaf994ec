//! Operations on groups and their members.

use serde::{Deserialize, Serialize};

use super::private;
use crate::ChatId;

/// See [`super::Operation::CreateGroup`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// Its subject.
    pub subject: String,
    /// Its first members besides the account.
    pub participants: Vec<ChatId>,
}

/// See [`super::Operation::ListGroups`].
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListGroups {
    /// How many; absent: all.
    pub limit: Option<u32>,
    /// How many to leave out first.
    pub offset: u32,
    /// By subject; else by id.
    pub by_subject: bool,
    /// The largest first.
    pub descending: bool,
    /// Without members.
    pub without_participants: bool,
}

/// See [`super::Operation::CountGroups`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountGroups {}

/// See [`super::Operation::RefreshGroups`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RefreshGroups {}

/// See [`super::Operation::GetGroup`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetGroup {
    /// Which one.
    pub group: ChatId,
}

/// See [`super::Operation::InviteInfo`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteInfo {
    /// The invitation's code, without the address before it.
    pub code: String,
}

/// See [`super::Operation::JoinGroup`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinGroup {
    /// The invitation's code, without the address before it.
    pub code: String,
}

/// The group that was joined, or that was asked to be let into.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupJoined {
    /// Its id.
    pub id: String,
    /// The account is no member yet: the request waits until an admin approves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
}

/// See [`super::Operation::LeaveGroup`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveGroup {
    /// Which one.
    pub group: ChatId,
}

/// See [`super::Operation::SetGroupSubject`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGroupSubject {
    /// Which one.
    pub group: ChatId,
    /// The new subject.
    pub subject: String,
}

/// See [`super::Operation::SetGroupDescription`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGroupDescription {
    /// Which one.
    pub group: ChatId,
    /// The new description; empty takes it away.
    pub description: String,
}

/// See [`super::Operation::SetGroupPicture`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGroupPicture {
    /// Which one.
    pub group: ChatId,
    /// The image's type; absent: the picture is taken away.
    #[serde(default)]
    pub mimetype: Option<String>,
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

/// See [`super::Operation::SetGroupSetting`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetGroupSetting {
    /// Which one.
    pub group: ChatId,
    /// What.
    pub setting: GroupSetting,
    /// Whether it holds from now on.
    pub on: bool,
}

/// See [`super::Operation::InviteCode`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCode {
    /// Of which group; the account must be its admin.
    pub group: ChatId,
}

/// See [`super::Operation::RevokeInviteCode`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeInviteCode {
    /// Of which group.
    pub group: ChatId,
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

/// See [`super::Operation::ChangeParticipants`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeParticipants {
    /// Of which group.
    pub group: ChatId,
    /// What.
    pub change: ParticipantChange,
    /// To whom.
    pub participants: Vec<ChatId>,
}

/// What became of one member's part of a change.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantOutcome {
    /// Who.
    pub id: String,
    /// Whether it was done.
    pub done: bool,
    /// WhatsApp's number for the reason: 403 an invitation is needed, 404 not on WhatsApp, 409 already there, …
    #[serde(default)]
    pub code: Option<u32>,
}

/// See [`super::Operation::ListJoinRequests`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListJoinRequests {
    /// Of which group.
    pub group: ChatId,
}

/// See [`super::Operation::AnswerJoinRequests`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerJoinRequests {
    /// Of which group.
    pub group: ChatId,
    /// Whether they are let in.
    pub approve: bool,
    /// Who asked.
    pub requesters: Vec<ChatId>,
}

/// Somebody asks to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Who.
    pub requester: String,
    /// Its number, where `requester` is a lid and the number is known.
    #[serde(default)]
    pub phone: Option<String>,
    /// Who wants to add it, where somebody else asked.
    #[serde(default)]
    pub added_by: Option<String>,
    /// The community through which it came.
    #[serde(default)]
    pub parent_group: Option<String>,
    /// `InviteLink`, `NonAdminAdd`, `LinkedGroupJoin`.
    #[serde(default)]
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
    #[serde(default)]
    pub phone: Option<String>,
    /// Its lid, where that is known.
    #[serde(default)]
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
    #[serde(default)]
    pub description: Option<String>,
    /// Who made it.
    #[serde(default)]
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

private!(
    CreateGroup,
    ListGroups,
    CountGroups,
    RefreshGroups,
    GetGroup,
    InviteInfo,
    JoinGroup,
    GroupJoined,
    LeaveGroup,
    SetGroupSubject,
    SetGroupDescription,
    SetGroupPicture,
    SetGroupSetting,
    InviteCode,
    RevokeInviteCode,
    GroupInvite,
    ChangeParticipants,
    ParticipantOutcome,
    ListJoinRequests,
    AnswerJoinRequests,
    JoinRequest,
    GroupMember,
    GroupInfo,
);
