//! Groups, their settings and their members.
//!
//! Owns what names a group and how it is shown; the operations are in the modules, one per topic.

mod life;
mod members;
mod profile;
mod settings;

use colmeia::ChatId;
use colmeia::chat::InvalidChatId;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::errors::ApiError;

pub(super) use life::{count, create, delete, get, invite_code, join, join_info, list, revoke_invite_code};
pub(super) use members::{answer_join_requests, change_participants, join_requests, participants};
pub(super) use profile::{DescriptionArgs, picture, set_picture, set_subject};
pub(super) use settings::{
    info_admin_only, member_add_mode, member_share_history_mode, membership_approval_mode,
    messages_admin_only, set_info_admin_only, set_member_add_mode, set_member_share_history_mode,
    set_membership_approval_mode, set_messages_admin_only,
};

/// A group's id, `…@g.us`; the part before it alone is enough.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct GroupId(pub(super) ChatId);

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
    pub(super) id: GroupId,
    /// Ask WhatsApp, even if the page holds a picture.
    #[serde(default)]
    refresh: bool,
}

/// A member: `{"id": …}`, or the id by itself as some clients write it.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Value")]
pub(super) struct ParticipantArg {
    /// A number or an id.
    #[schema(value_type = String)]
    id: ChatId,
}

/// A value names no member.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoParticipant {
    #[error("has to be an object with the text id")]
    Form,
    #[error("{0}")]
    Id(#[from] InvalidChatId),
}

impl TryFrom<Value> for ParticipantArg {
    type Error = NoParticipant;

    fn try_from(value: Value) -> Result<Self, NoParticipant> {
        let id = value.as_str().or_else(|| value.get("id")?.as_str()).ok_or(NoParticipant::Form)?;
        Ok(Self { id: ChatId::normalise(id)? })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_no_user() {
        let group = |text: &str| GroupId::try_from(text.to_owned()).map(|GroupId(id)| id.as_str().to_owned());
        assert_eq!(group("120363021234567890").ok().as_deref(), Some("120363021234567890@g.us"));
        assert!(group("5511988887777@c.us").is_err() && group("").is_err());
    }
}
