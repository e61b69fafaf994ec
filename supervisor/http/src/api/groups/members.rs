//! Members of groups, and who asks to become one.

use colmeia::operations::{
    self as wide, AnswerJoinRequests, ChangeParticipants, GetGroup, GroupRole, ListJoinRequests,
    ParticipantChange,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::session::Session;
use super::{GroupArgs, GroupId, ParticipantArg, some};

/// A member.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct GroupParticipant {
    id: String,
    /// Its number, where `id` is a lid and the number is known.
    pn: Option<String>,
    /// Its lid, where that is known.
    lid: Option<String>,
    role: Role,
}

/// What a member may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Role {
    Participant,
    Admin,
    SuperAdmin,
}

impl GroupParticipant {
    pub(super) fn of(member: wide::GroupMember) -> Self {
        let role = match member.role {
            GroupRole::Member => Role::Participant,
            GroupRole::Admin => Role::Admin,
            GroupRole::SuperAdmin => Role::SuperAdmin,
        };
        Self { id: member.id, pn: member.phone, lid: member.lid, role }
    }
}

/// Members of a group.
#[derive(Deserialize, ToSchema)]
pub(in super::super) struct ParticipantsArgs {
    /// The group.
    #[schema(value_type = String)]
    id: GroupId,
    /// Who.
    participants: Vec<ParticipantArg>,
}

/// What became of one member's part of a change.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct ParticipantOutcome {
    id: String,
    success: bool,
    /// WhatsApp's number for the reason: 403 an invitation is needed, 404 not on WhatsApp, 409 already there, …
    error: Option<u32>,
}

/// Somebody asks to be let in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct GroupJoinRequest {
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
pub(in super::super) struct JoinRequestResult {
    requester_id: String,
    success: bool,
    error: Option<u32>,
}

pub(in super::super) async fn join_requests(
    session: Session,
    args: GroupArgs,
) -> Answered<Vec<GroupJoinRequest>> {
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

pub(in super::super) async fn answer_join_requests(
    session: Session,
    args: ParticipantsArgs,
    approve: bool,
) -> Answered<Vec<JoinRequestResult>> {
    let requesters = some("participants", args.participants)?;
    let outcomes = session.operate(AnswerJoinRequests { group: args.id.0, approve, requesters }).await?;
    let result = |outcome: wide::ParticipantOutcome| JoinRequestResult {
        requester_id: outcome.id,
        success: outcome.done,
        error: outcome.code,
    };
    Ok(Json(outcomes.into_iter().map(result).collect()))
}

pub(in super::super) async fn participants(
    session: Session,
    args: GroupArgs,
) -> Answered<Vec<GroupParticipant>> {
    let group = session.operate(GetGroup { group: args.id.0 }).await?;
    Ok(Json(group.participants.into_iter().map(GroupParticipant::of).collect()))
}

pub(in super::super) async fn change_participants(
    session: Session,
    args: ParticipantsArgs,
    change: ParticipantChange,
) -> Answered<Vec<ParticipantOutcome>> {
    let participants = some("participants", args.participants)?;
    let outcomes = session.operate(ChangeParticipants { group: args.id.0, change, participants }).await?;
    let outcome = |outcome: wide::ParticipantOutcome| ParticipantOutcome {
        id: outcome.id,
        success: outcome.done,
        error: outcome.code,
    };
    Ok(Json(outcomes.into_iter().map(outcome).collect()))
}
