//! Groups, their settings and their members.

use colmeia::ChatId;
use colmeia::operations::{
    self as wide, AnswerJoinRequests, ChangeParticipants, CountGroups, CreateGroup, GetGroup, GetPicture,
    GroupRole, GroupSetting, InviteCode, InviteInfo, JoinGroup, LeaveGroup, ListGroups, ListJoinRequests,
    ParticipantChange, RefreshGroups, RevokeInviteCode, SetGroupDescription, SetGroupPicture,
    SetGroupSetting, SetGroupSubject,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Json;
use super::chats::Order;
use super::failure::ApiError;
use super::files::FileArg;
use super::models::{CountAnswer, NoArgs, PictureUrl, Success};
use super::session::Session;

/// A group's id, `…@g.us`; the part before it alone is enough.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct GroupId(ChatId);

/// A text names no group.
#[derive(Debug, thiserror::Error)]
#[error("has to be a group's id: digits and '@g.us'")]
pub(super) struct NoGroup;

impl TryFrom<String> for GroupId {
    type Error = NoGroup;

    fn try_from(text: String) -> Result<Self, NoGroup> {
        let text = if text.contains('@') { text } else { format!("{text}@g.us") };
        ChatId::normalise(&text).ok().filter(ChatId::is_group).map(Self).ok_or(NoGroup)
    }
}

/// One group.
#[derive(Deserialize, ToSchema)]
pub(super) struct GroupArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// Ask WhatsApp, even if the page holds a picture.
    #[serde(default)]
    refresh: bool,
}

/// Which groups.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListArgs {
    /// How many; all when absent.
    #[serde(default)]
    limit: Option<u32>,
    /// How many to leave out first.
    #[serde(default)]
    offset: u32,
    /// By what; by id when absent.
    #[serde(default)]
    sort_by: Option<GroupSort>,
    /// In which direction.
    #[serde(default)]
    sort_order: Option<Order>,
    /// What to leave out.
    #[serde(default)]
    exclude: Vec<Exclude>,
}

/// By what groups are sorted.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum GroupSort {
    Id,
    Subject,
}

/// What can be left out of groups.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Exclude {
    Participants,
}

/// A member by its id.
#[derive(Deserialize, ToSchema)]
pub(super) struct ParticipantArg {
    /// A number or an id.
    #[schema(value_type = String)]
    id: ChatId,
}

/// A group to make.
#[derive(Deserialize, ToSchema)]
pub(super) struct CreateArgs {
    /// Its subject.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Its first members.
    participants: Vec<ParticipantArg>,
}

/// An invitation.
#[derive(Deserialize, ToSchema)]
pub(super) struct CodeArgs {
    /// The code, or the address that it is in.
    code: String,
}

/// A group's new description.
#[derive(Deserialize, ToSchema)]
pub(super) struct DescriptionArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// Empty takes it away.
    description: String,
}

/// A group's new subject.
#[derive(Deserialize, ToSchema)]
pub(super) struct SubjectArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// The subject.
    #[schema(min_length = 1, max_length = 100)]
    subject: String,
}

/// A group's new picture.
#[derive(Deserialize, ToSchema)]
pub(super) struct PictureArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// The picture.
    file: FileArg,
}

/// Members of a group.
#[derive(Deserialize, ToSchema)]
pub(super) struct ParticipantsArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// Who.
    participants: Vec<ParticipantArg>,
}

/// A group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupInfo {
    id: String,
    subject: String,
    description: String,
    /// Only from its own operation: whoever has it can join.
    invite: Option<String>,
    owner: Option<String>,
    /// In seconds since the epoch; 0 when unknown.
    created_at: i64,
    size: u32,
    members_can_add_new_member: bool,
    members_can_send_messages: bool,
    new_members_approval_required: bool,
    participants: Vec<GroupParticipant>,
}

/// A member.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupParticipant {
    id: String,
    /// Its number, where `id` is a lid and the number is known.
    pn: Option<String>,
    role: Role,
}

/// What a member may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Participant,
    Admin,
    SuperAdmin,
}

/// What became of one member's part of a change.
#[derive(Serialize, ToSchema)]
pub(super) struct ParticipantOutcome {
    id: String,
    success: bool,
    /// WhatsApp's number for the reason: 403 an invitation is needed, 404 not on WhatsApp, 409 already there, …
    error: Option<u32>,
}

/// Somebody asks to be let in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupJoinRequest {
    requester_id: String,
    requester_pn: Option<String>,
    added_by_id: String,
    parent_group_id: String,
    request_method: String,
    /// In seconds since the epoch.
    timestamp: i64,
}

/// What became of a request to be let in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinRequestResult {
    requester_id: String,
    success: bool,
    error: Option<u32>,
}

/// The group that was joined.
#[derive(Serialize, ToSchema)]
pub(super) struct Joined {
    id: String,
}

impl GroupInfo {
    fn of(group: wide::GroupInfo) -> Self {
        Self {
            id: group.id,
            subject: group.subject,
            description: group.description.unwrap_or_default(),
            invite: None,
            owner: group.owner,
            created_at: group.created_ms / 1000,
            size: group.size,
            members_can_add_new_member: group.members_add,
            members_can_send_messages: !group.messages_admins_only,
            new_members_approval_required: group.join_approval,
            participants: group.participants.into_iter().map(GroupParticipant::of).collect(),
        }
    }
}

impl GroupParticipant {
    fn of(member: wide::GroupMember) -> Self {
        let role = match member.role {
            GroupRole::Member => Role::Participant,
            GroupRole::Admin => Role::Admin,
            GroupRole::SuperAdmin => Role::SuperAdmin,
        };
        Self { id: member.id, pn: member.phone, role }
    }
}

pub(super) async fn create(session: Session, args: CreateArgs) -> Result<Json<GroupInfo>, ApiError> {
    named("name", &args.name)?;
    let participants = some("participants", args.participants)?;
    Ok(Json(GroupInfo::of(session.operate(CreateGroup { subject: args.name, participants }).await?)))
}

fn named(field: &str, text: &str) -> Result<(), ApiError> {
    match text.trim().chars().count() {
        1..=100 => Ok(()),
        _ => Err(ApiError::field(field, "has to have 1 to 100 characters")),
    }
}

fn some(field: &str, participants: Vec<ParticipantArg>) -> Result<Vec<ChatId>, ApiError> {
    if participants.is_empty() {
        return Err(ApiError::field(field, "is empty"));
    }
    Ok(participants.into_iter().map(|participant| participant.id).collect())
}

pub(super) async fn list(session: Session, args: ListArgs) -> Result<Json<Vec<GroupInfo>>, ApiError> {
    let operation = ListGroups {
        limit: args.limit,
        offset: args.offset,
        by_subject: args.sort_by == Some(GroupSort::Subject),
        descending: args.sort_order == Some(Order::Desc),
        without_participants: args.exclude.contains(&Exclude::Participants),
    };
    Ok(Json(session.operate(operation).await?.into_iter().map(GroupInfo::of).collect()))
}

pub(super) async fn count(session: Session, _: NoArgs) -> Result<Json<CountAnswer>, ApiError> {
    Ok(Json(CountAnswer { count: session.operate(CountGroups {}).await?.count }))
}

pub(super) async fn refresh(session: Session, _: NoArgs) -> Result<Json<Success>, ApiError> {
    session.operate(RefreshGroups {}).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn get(session: Session, args: GroupArgs) -> Result<Json<GroupInfo>, ApiError> {
    Ok(Json(GroupInfo::of(session.operate(GetGroup { group: args.id.0 }).await?)))
}

/// The code in an invitation's address.
fn code(text: &str) -> Result<String, ApiError> {
    let code = text.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let code = code.split('?').next().unwrap_or_default();
    if (4..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        Ok(code.to_owned())
    } else {
        Err(ApiError::field("code", "has to be an invitation's code or address"))
    }
}

pub(super) async fn join_info(session: Session, args: CodeArgs) -> Result<Json<GroupInfo>, ApiError> {
    Ok(Json(GroupInfo::of(session.operate(InviteInfo { code: code(&args.code)? }).await?)))
}

pub(super) async fn join(session: Session, args: CodeArgs) -> Result<Json<Joined>, ApiError> {
    Ok(Json(Joined { id: session.operate(JoinGroup { code: code(&args.code)? }).await?.id }))
}

pub(super) async fn leave(session: Session, args: GroupArgs) -> Result<Json<Success>, ApiError> {
    session.operate(LeaveGroup { group: args.id.0 }).await?;
    Ok(Json(Success::YES))
}

/// Leaves the group and takes its chat out of the list: nobody can delete a group for others.
pub(super) async fn delete(session: Session, args: GroupArgs) -> Result<Json<Success>, ApiError> {
    session.operate(LeaveGroup { group: args.id.0.clone() }).await?;
    session.operate(wide::DeleteChat { chat: args.id.0 }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn picture(session: Session, args: GroupArgs) -> Result<Json<PictureUrl>, ApiError> {
    let operation = GetPicture { of: args.id.0.into(), refresh: args.refresh };
    Ok(Json(PictureUrl::of(session.operate(operation).await?)))
}

pub(super) async fn set_picture(session: Session, args: PictureArgs) -> Result<Json<Success>, ApiError> {
    session.me()?;
    let file = super::profile::image(&session, args.file).await?;
    let operation = SetGroupPicture { group: args.id.0, mimetype: Some(file.mimetype) };
    session.operate_with(operation, file.bytes).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn delete_picture(session: Session, args: GroupArgs) -> Result<Json<Success>, ApiError> {
    session.operate(SetGroupPicture { group: args.id.0, mimetype: None }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn set_description(
    session: Session,
    args: DescriptionArgs,
) -> Result<Json<Success>, ApiError> {
    session.operate(SetGroupDescription { group: args.id.0, description: args.description }).await?;
    Ok(Json(Success::YES))
}

pub(super) async fn set_subject(session: Session, args: SubjectArgs) -> Result<Json<Success>, ApiError> {
    named("subject", &args.subject)?;
    session.operate(SetGroupSubject { group: args.id.0, subject: args.subject }).await?;
    Ok(Json(Success::YES))
}

/// A pair of operations for each setting: one reads it, one sets it.
macro_rules! settings {
    ($($(#[$doc:meta])* $args:ident $answer:ident { $(#[$field_doc:meta])* $field:ident }
       $get:ident $set:ident $setting:ident $read:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $args {
            /// The group.
            #[schema(value_type = String)]
            id: GroupId,
            $(#[$field_doc])*
            $field: bool,
        }

        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $answer {
            $(#[$field_doc])*
            $field: bool,
        }

        pub(super) async fn $get(session: Session, args: GroupArgs) -> Result<Json<$answer>, ApiError> {
            let group = session.operate(GetGroup { group: args.id.0 }).await?;
            Ok(Json($answer { $field: group.$read }))
        }

        pub(super) async fn $set(session: Session, args: $args) -> Result<Json<Success>, ApiError> {
            let operation =
                SetGroupSetting { group: args.id.0, setting: GroupSetting::$setting, on: args.$field };
            session.operate(operation).await?;
            Ok(Json(Success::YES))
        }
    )*};
}

settings! {
    /// Who changes subject, description and picture.
    InfoArgs InfoAnswer { /** Only admins. */ admins_only }
        info_admin_only set_info_admin_only InfoAdminsOnly info_admins_only;
    /// Who writes.
    MessagesArgs MessagesAnswer { /** Only admins. */ admins_only }
        messages_admin_only set_messages_admin_only MessagesAdminsOnly messages_admins_only;
    /// Who adds members.
    AddArgs AddAnswer { /** Every member. */ members_can_add_new_member }
        member_add_mode set_member_add_mode MembersAdd members_add;
    /// Who shows new members what was written before.
    HistoryArgs HistoryAnswer { /** Every member. */ members_can_share_history }
        member_share_history_mode set_member_share_history_mode MembersShareHistory members_share_history;
    /// Whether admins let new members in.
    ApprovalArgs ApprovalAnswer { /** Only with an admin's word. */ new_members_approval_required }
        membership_approval_mode set_membership_approval_mode JoinApproval join_approval;
}

pub(super) async fn join_requests(
    session: Session,
    args: GroupArgs,
) -> Result<Json<Vec<GroupJoinRequest>>, ApiError> {
    let requests = session.operate(ListJoinRequests { group: args.id.0 }).await?;
    let request = |request: wide::JoinRequest| GroupJoinRequest {
        added_by_id: request.added_by.unwrap_or_default(),
        parent_group_id: request.parent_group.unwrap_or_default(),
        request_method: request.method.unwrap_or_default(),
        timestamp: request.timestamp_ms / 1000,
        requester_id: request.requester,
        requester_pn: request.phone,
    };
    Ok(Json(requests.into_iter().map(request).collect()))
}

async fn answer_requests(
    session: Session,
    args: ParticipantsArgs,
    approve: bool,
) -> Result<Json<Vec<JoinRequestResult>>, ApiError> {
    let requesters = some("participants", args.participants)?;
    let outcomes = session.operate(AnswerJoinRequests { group: args.id.0, approve, requesters }).await?;
    let result = |outcome: wide::ParticipantOutcome| JoinRequestResult {
        requester_id: outcome.id,
        success: outcome.done,
        error: outcome.code,
    };
    Ok(Json(outcomes.into_iter().map(result).collect()))
}

pub(super) async fn approve_join_requests(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<JoinRequestResult>>, ApiError> {
    answer_requests(session, args, true).await
}

pub(super) async fn reject_join_requests(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<JoinRequestResult>>, ApiError> {
    answer_requests(session, args, false).await
}

pub(super) async fn invite_code(session: Session, args: GroupArgs) -> Result<Json<String>, ApiError> {
    Ok(Json(session.operate(InviteCode { group: args.id.0 }).await?.code))
}

pub(super) async fn revoke_invite_code(session: Session, args: GroupArgs) -> Result<Json<String>, ApiError> {
    Ok(Json(session.operate(RevokeInviteCode { group: args.id.0 }).await?.code))
}

pub(super) async fn participants(
    session: Session,
    args: GroupArgs,
) -> Result<Json<Vec<GroupParticipant>>, ApiError> {
    let group = session.operate(GetGroup { group: args.id.0 }).await?;
    Ok(Json(group.participants.into_iter().map(GroupParticipant::of).collect()))
}

async fn change(
    session: Session,
    args: ParticipantsArgs,
    change: ParticipantChange,
) -> Result<Json<Vec<ParticipantOutcome>>, ApiError> {
    let participants = some("participants", args.participants)?;
    let outcomes = session.operate(ChangeParticipants { group: args.id.0, change, participants }).await?;
    let outcome = |outcome: wide::ParticipantOutcome| ParticipantOutcome {
        id: outcome.id,
        success: outcome.done,
        error: outcome.code,
    };
    Ok(Json(outcomes.into_iter().map(outcome).collect()))
}

pub(super) async fn add_participants(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<ParticipantOutcome>>, ApiError> {
    change(session, args, ParticipantChange::Add).await
}

pub(super) async fn remove_participants(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<ParticipantOutcome>>, ApiError> {
    change(session, args, ParticipantChange::Remove).await
}

pub(super) async fn promote(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<ParticipantOutcome>>, ApiError> {
    change(session, args, ParticipantChange::Promote).await
}

pub(super) async fn demote(
    session: Session,
    args: ParticipantsArgs,
) -> Result<Json<Vec<ParticipantOutcome>>, ApiError> {
    change(session, args, ParticipantChange::Demote).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_a_code_or_its_address() {
        for text in ["AbCd1234", "https://chat.whatsapp.com/AbCd1234", "chat.whatsapp.com/AbCd1234?x=1"] {
            assert_eq!(code(text).ok().as_deref(), Some("AbCd1234"), "{text}");
        }
        assert!(code("").is_err() && code("https://x/").is_err() && code("a b").is_err());
    }

    #[test]
    fn a_group_is_no_user() {
        let group = |text: &str| GroupId::try_from(text.to_owned()).map(|GroupId(id)| id.as_str().to_owned());
        assert_eq!(group("120363021234567890").ok().as_deref(), Some("120363021234567890@g.us"));
        assert!(group("5511988887777@c.us").is_err() && group("").is_err());
    }
}
