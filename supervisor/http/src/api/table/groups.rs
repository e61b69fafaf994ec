//! Rows of groups and channels.

use colmeia::operations::{
    LeaveGroup, ParticipantChange as Change, RefreshGroups, SetGroupDescription, SetGroupPicture,
};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::groups::{DescriptionArgs, GroupArgs};
use super::super::models::NoArgs;
use super::super::route::{Row, delete, get, post, put};
use super::super::{channels, groups};
use super::FILE;

pub(super) fn groups_and_members() -> Vec<Row> {
    vec![
        post("/api/{session}/groups", "groups.create_group")
            .says("Creates a group")
            .session(Send, groups::create),
        get("/api/{session}/groups", "groups.get_groups").says("Groups").session(Read, groups::list),
        get("/api/{session}/groups/join-info", "groups.join_info_group")
            .says("What an invitation leads to")
            .session(Read, groups::join_info),
        post("/api/{session}/groups/join", "groups.join_group")
            .says("Joins by an invitation")
            .session(Send, groups::join),
        get("/api/{session}/groups/count", "groups.get_groups_count")
            .says("How many groups there are")
            .session(Read, groups::count),
        post("/api/{session}/groups/refresh", "groups.refresh_groups")
            .says("Asks WhatsApp for all groups anew")
            .plain(|NoArgs {}| RefreshGroups {}),
        get("/api/{session}/groups/{id}", "groups.get_group").says("One group").session(Read, groups::get),
        delete("/api/{session}/groups/{id}", "groups.delete_group")
            .says("Leaves a group and deletes its chat")
            .session(Send, groups::delete),
        post("/api/{session}/groups/{id}/leave", "groups.leave_group")
            .says("Leaves a group")
            .plain(|GroupArgs { id, .. }| LeaveGroup { group: id.0 }),
        get("/api/{session}/groups/{id}/picture", "groups.get_chat_picture")
            .says("A group's picture")
            .session(Read, groups::picture),
        put("/api/{session}/groups/{id}/picture", "groups.set_picture")
            .says("Changes a group's picture")
            .session(Send, groups::set_picture)
            .with_file(FILE),
        delete("/api/{session}/groups/{id}/picture", "groups.delete_picture")
            .says("Takes a group's picture away")
            .plain(|GroupArgs { id, .. }| SetGroupPicture { group: id.0, mimetype: None }),
        put("/api/{session}/groups/{id}/description", "groups.set_description")
            .says("Changes a group's description")
            .plain(|DescriptionArgs { id, description }| SetGroupDescription { group: id.0, description }),
        put("/api/{session}/groups/{id}/subject", "groups.set_subject")
            .says("Changes a group's subject")
            .session(Send, groups::set_subject),
        put("/api/{session}/groups/{id}/settings/security/info-admin-only", "groups.set_info_admin_only")
            .says("Whether only admins change subject, description and picture")
            .session(Send, groups::set_info_admin_only),
        get("/api/{session}/groups/{id}/settings/security/info-admin-only", "groups.get_info_admin_only")
            .says("Whether only admins change subject, description and picture")
            .session(Read, groups::info_admin_only),
        put(
            "/api/{session}/groups/{id}/settings/security/messages-admin-only",
            "groups.set_messages_admin_only",
        )
        .says("Whether only admins write")
        .session(Send, groups::set_messages_admin_only),
        get(
            "/api/{session}/groups/{id}/settings/security/messages-admin-only",
            "groups.get_messages_admin_only",
        )
        .says("Whether only admins write")
        .session(Read, groups::messages_admin_only),
        put("/api/{session}/groups/{id}/settings/security/member-add-mode", "groups.set_member_add_mode")
            .says("Whether every member adds members")
            .session(Send, groups::set_member_add_mode),
        get("/api/{session}/groups/{id}/settings/security/member-add-mode", "groups.get_member_add_mode")
            .says("Whether every member adds members")
            .session(Read, groups::member_add_mode),
        put(
            "/api/{session}/groups/{id}/settings/security/member-share-history-mode",
            "groups.set_member_share_history_mode",
        )
        .says("Whether every member shows new ones what was written")
        .session(Send, groups::set_member_share_history_mode),
        get(
            "/api/{session}/groups/{id}/settings/security/member-share-history-mode",
            "groups.get_member_share_history_mode",
        )
        .says("Whether every member shows new ones what was written")
        .session(Read, groups::member_share_history_mode),
        put(
            "/api/{session}/groups/{id}/settings/security/membership-approval",
            "groups.set_membership_approval_mode",
        )
        .says("Whether admins let new members in")
        .session(Send, groups::set_membership_approval_mode),
        get(
            "/api/{session}/groups/{id}/settings/security/membership-approval",
            "groups.get_membership_approval_mode",
        )
        .says("Whether admins let new members in")
        .session(Read, groups::membership_approval_mode),
        get("/api/{session}/groups/{id}/participants/join-requests", "groups.get_group_join_requests")
            .says("Who asks to be let in")
            .session(Read, groups::join_requests),
        post(
            "/api/{session}/groups/{id}/participants/join-requests/approve",
            "groups.approve_group_join_requests",
        )
        .says("Lets in who asked")
        .session(Send, |s, args| groups::answer_join_requests(s, args, true)),
        post(
            "/api/{session}/groups/{id}/participants/join-requests/reject",
            "groups.reject_group_join_requests",
        )
        .says("Does not let in who asked")
        .session(Send, |s, args| groups::answer_join_requests(s, args, false)),
        get("/api/{session}/groups/{id}/invite-code", "groups.get_invite_code")
            .says("The invitation's code")
            .session(Read, groups::invite_code),
        post("/api/{session}/groups/{id}/invite-code/revoke", "groups.revoke_invite_code")
            .says("Makes the invitation's code void and gives a new one")
            .session(Send, groups::revoke_invite_code),
        get("/api/{session}/groups/{id}/participants", "groups.get_participants")
            .says("A group's members")
            .session(Read, groups::participants),
        get("/api/{session}/groups/{id}/participants/v2", "groups.get_group_participants")
            .says("A group's members")
            .session(Read, groups::participants),
        post("/api/{session}/groups/{id}/participants/add", "groups.add_participants")
            .says("Adds members")
            .session(Send, |s, args| groups::change_participants(s, args, Change::Add)),
        post("/api/{session}/groups/{id}/participants/remove", "groups.remove_participants")
            .says("Removes members")
            .session(Send, |s, args| groups::change_participants(s, args, Change::Remove)),
        post("/api/{session}/groups/{id}/admin/promote", "groups.promote_to_admin")
            .says("Makes members admins")
            .session(Send, |s, args| groups::change_participants(s, args, Change::Promote)),
        post("/api/{session}/groups/{id}/admin/demote", "groups.demote_to_admin")
            .says("Makes admins members")
            .session(Send, |s, args| groups::change_participants(s, args, Change::Demote)),
    ]
}

pub(super) fn channels_and_directory() -> Vec<Row> {
    vec![
        get("/api/{session}/channels", "channels.list")
            .says("The channels that the account follows or owns")
            .session(Read, channels::list),
        post("/api/{session}/channels", "channels.create")
            .says("Creates a channel")
            .session(Send, channels::create)
            .with_file(&["picture", "data"]),
        delete("/api/{session}/channels/{id}", "channels.delete")
            .says("Deletes an own channel")
            .session(Send, channels::delete),
        get("/api/{session}/channels/{id}", "channels.get")
            .says("One channel, by id or invitation")
            .session(Read, channels::get),
        get("/api/{session}/channels/{id}/messages/preview", "channels.preview_channel_messages")
            .says("The newest messages of a channel")
            .session(Read, channels::preview),
        post("/api/{session}/channels/{id}/follow", "channels.follow")
            .says("Follows a channel")
            .session(Send, |s, args| channels::follow(s, args, true)),
        post("/api/{session}/channels/{id}/unfollow", "channels.unfollow")
            .says("Follows a channel no longer")
            .session(Send, |s, args| channels::follow(s, args, false)),
        post("/api/{session}/channels/{id}/mute", "channels.mute")
            .says("Mutes a channel")
            .session(Send, |s, args| channels::mute(s, args, true)),
        post("/api/{session}/channels/{id}/unmute", "channels.unmute")
            .says("Lets a channel sound again")
            .session(Send, |s, args| channels::mute(s, args, false)),
        post("/api/{session}/channels/search/by-view", "channels.search_by_view")
            .says("Searches the directory by view")
            .session(Read, channels::search_by_view),
        post("/api/{session}/channels/search/by-text", "channels.search_by_text")
            .says("Searches the directory by words")
            .session(Read, channels::search_by_text),
        get("/api/{session}/channels/search/views", "channels.get_search_views")
            .says("The directory's views")
            .session(Read, channels::views),
        get("/api/{session}/channels/search/countries", "channels.get_search_countries")
            .absent("the directory takes every ISO 3166 code"),
        get("/api/{session}/channels/search/categories", "channels.get_search_categories")
            .says("The directory's categories")
            .session(Read, channels::categories),
    ]
}
