//! Groups as they come and go: making, listing, joining and leaving them.

use colmeia::operations::{
    self as wide, CountGroups, CreateGroup, GetGroup, InviteCode, InviteInfo, JoinGroup, LeaveGroup,
    ListGroups, RevokeInviteCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::lists::{SortOrder, list_args};
use super::super::models::{CountAnswer, NoArgs, Success};
use super::super::session::Session;
use super::members::GroupParticipant;
use super::{GroupArgs, ParticipantArg, named, some};
use crate::errors::ApiError;

list_args! {
    /// Which groups.
    pub(in super::super) ListArgs {
        /// By what; by id when absent.
        sort_by: GroupSort,
        /// In which direction.
        sort_order: SortOrder,
        /// What to leave out.
        exclude: Vec<Exclude>,
    }
}

/// By what groups are sorted.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum GroupSort {
    Id,
    Subject,
}

/// What can be left out of groups.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Exclude {
    Participants,
}

/// A group to make.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct CreateArgs {
    /// Its subject.
    #[schema(min_length = 1, max_length = 100)]
    #[serde(alias = "subject")]
    name: String,
    /// Its first members.
    participants: Vec<ParticipantArg>,
}

/// An invitation.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct CodeArgs {
    /// The code, or the address that it is in.
    code: String,
}

/// A group.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct GroupInfo {
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

/// The group that was joined, or that was asked to be let into.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Joined {
    id: String,
    /// There while the account is no member yet, because an admin has to approve it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    waiting_for_approval: bool,
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

pub(in super::super) async fn create(session: Session, args: CreateArgs) -> Answered<GroupInfo> {
    named("name", &args.name)?;
    let participants = some("participants", args.participants)?;
    Ok(Json(GroupInfo::of(session.operate(CreateGroup { subject: args.name, participants }).await?)))
}

pub(in super::super) async fn list(session: Session, args: ListArgs) -> Answered<Vec<GroupInfo>> {
    let operation = ListGroups {
        limit: args.limit,
        offset: args.offset,
        by_subject: args.sort_by == Some(GroupSort::Subject),
        descending: args.sort_order == Some(SortOrder::Desc),
        without_participants: args.exclude.contains(&Exclude::Participants),
    };
    Ok(Json(session.operate(operation).await?.into_iter().map(GroupInfo::of).collect()))
}

pub(in super::super) async fn count(session: Session, _: NoArgs) -> Answered<CountAnswer> {
    Ok(Json(CountAnswer { count: session.operate(CountGroups {}).await?.count }))
}

pub(in super::super) async fn get(session: Session, args: GroupArgs) -> Answered<GroupInfo> {
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

pub(in super::super) async fn join_info(session: Session, args: CodeArgs) -> Answered<GroupInfo> {
    Ok(Json(GroupInfo::of(session.operate(InviteInfo { code: code(&args.code)? }).await?)))
}

pub(in super::super) async fn join(session: Session, args: CodeArgs) -> Answered<Joined> {
    let joined = session.operate(JoinGroup { code: code(&args.code)? }).await?;
    Ok(Json(Joined { id: joined.id, waiting_for_approval: joined.waiting }))
}

/// Leaves the group and takes its chat out of the list: nobody can delete a group for others.
pub(in super::super) async fn delete(session: Session, args: GroupArgs) -> Answered<Success> {
    session.operate(LeaveGroup { group: args.id.0.clone() }).await?;
    session.carry_out(wide::DeleteChat { chat: args.id.0 }).await
}

pub(in super::super) async fn invite_code(session: Session, args: GroupArgs) -> Answered<String> {
    Ok(Json(session.operate(InviteCode { group: args.id.0 }).await?.code))
}

pub(in super::super) async fn revoke_invite_code(session: Session, args: GroupArgs) -> Answered<String> {
    Ok(Json(session.operate(RevokeInviteCode { group: args.id.0 }).await?.code))
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
    fn a_request_that_waits_says_so_and_a_membership_is_as_clients_know_it() {
        let answer = |waiting_for_approval| {
            serde_json::to_value(Joined { id: "1@g.us".to_owned(), waiting_for_approval })
                .expect("plain data")
        };
        assert_eq!(answer(false), serde_json::json!({ "id": "1@g.us" }));
        assert_eq!(answer(true), serde_json::json!({ "id": "1@g.us", "waitingForApproval": true }));
    }
}
