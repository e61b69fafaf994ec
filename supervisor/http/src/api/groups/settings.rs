//! A group's settings.

use colmeia::operations::{GetGroup, GroupSetting, SetGroupSetting};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Answered, Json};
use super::super::models::Success;
use super::super::session::Session;
use super::{GroupArgs, GroupId};

/// A pair of operations for each setting: one reads it, one sets it.
macro_rules! settings {
    ($($(#[$doc:meta])* $args:ident $answer:ident { $(#[$field_doc:meta])* $field:ident }
       $get:ident $set:ident $setting:ident $read:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(in super::super) struct $args {
            /// The group.
            #[schema(value_type = String)]
            id: GroupId,
            $(#[$field_doc])*
            $field: bool,
        }

        $(#[$doc])*
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(in super::super) struct $answer {
            $(#[$field_doc])*
            $field: bool,
        }

        pub(in super::super) async fn $get(session: Session, args: GroupArgs) -> Answered<$answer> {
            let group = session.operate(GetGroup { group: args.id.0 }).await?;
            Ok(Json($answer { $field: group.$read }))
        }

        pub(in super::super) async fn $set(session: Session, args: $args) -> Answered<Success> {
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
