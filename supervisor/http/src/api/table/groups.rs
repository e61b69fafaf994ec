//! Rows of groups and channels.

use colmeia::operations::{LeaveGroup, RefreshGroups, SetGroupDescription, SetGroupPicture};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::groups::{DescriptionArgs, GroupArgs};
use super::super::models::NoArgs;
use super::super::route::{Row, absent, plain, session};
use super::super::{channels, groups};
use super::{DELETE, FILE, GET, POST, PUT};

pub(super) fn groups_and_members() -> Vec<Row> {
    vec![
        session(POST, "/api/{session}/groups", "groups.create_group", Send, groups::create)
            .says("Creates a group"),
        session(GET, "/api/{session}/groups", "groups.get_groups", Read, groups::list).says("Groups"),
        session(GET, "/api/{session}/groups/join-info", "groups.join_info_group", Read, groups::join_info)
            .says("What an invitation leads to"),
        session(POST, "/api/{session}/groups/join", "groups.join_group", Send, groups::join)
            .says("Joins by an invitation"),
        session(GET, "/api/{session}/groups/count", "groups.get_groups_count", Read, groups::count)
            .says("How many groups there are"),
        plain(POST, "/api/{session}/groups/refresh", "groups.refresh_groups", |NoArgs {}| RefreshGroups {})
            .says("Asks WhatsApp for all groups anew"),
        session(GET, "/api/{session}/groups/{id}", "groups.get_group", Read, groups::get).says("One group"),
        session(DELETE, "/api/{session}/groups/{id}", "groups.delete_group", Send, groups::delete)
            .says("Leaves a group and deletes its chat"),
        plain(POST, "/api/{session}/groups/{id}/leave", "groups.leave_group", |GroupArgs { id, .. }| {
            LeaveGroup { group: id.0 }
        })
        .says("Leaves a group"),
        session(GET, "/api/{session}/groups/{id}/picture", "groups.get_chat_picture", Read, groups::picture)
            .says("A group's picture"),
        session(PUT, "/api/{session}/groups/{id}/picture", "groups.set_picture", Send, groups::set_picture)
            .says("Changes a group's picture")
            .with_file(FILE),
        plain(
            DELETE,
            "/api/{session}/groups/{id}/picture",
            "groups.delete_picture",
            |GroupArgs { id, .. }| SetGroupPicture { group: id.0, mimetype: None },
        )
        .says("Takes a group's picture away"),
        plain(
            PUT,
            "/api/{session}/groups/{id}/description",
            "groups.set_description",
            |DescriptionArgs { id, description }| SetGroupDescription { group: id.0, description },
        )
        .says("Changes a group's description"),
        session(PUT, "/api/{session}/groups/{id}/subject", "groups.set_subject", Send, groups::set_subject)
            .says("Changes a group's subject"),
        session(
            PUT,
            "/api/{session}/groups/{id}/settings/security/info-admin-only",
            "groups.set_info_admin_only",
            Send,
            groups::set_info_admin_only,
        )
        .says("Whether only admins change subject, description and picture"),
        session(
            GET,
            "/api/{session}/groups/{id}/settings/security/info-admin-only",
            "groups.get_info_admin_only",
            Read,
            groups::info_admin_only,
        )
        .says("Whether only admins change subject, description and picture"),
        session(
            PUT,
            "/api/{session}/groups/{id}/settings/security/messages-admin-only",
            "groups.set_messages_admin_only",
            Send,
            groups::set_messages_admin_only,
        )
        .says("Whether only admins write"),
        session(
            GET,
            "/api/{session}/groups/{id}/settings/security/messages-admin-only",
            "groups.get_messages_admin_only",
            Read,
            groups::messages_admin_only,
        )
        .says("Whether only admins write"),
        session(
            PUT,
            "/api/{session}/groups/{id}/settings/security/member-add-mode",
            "groups.set_member_add_mode",
            Send,
            groups::set_member_add_mode,
        )
        .says("Whether every member adds members"),
        session(
            GET,
            "/api/{session}/groups/{id}/settings/security/member-add-mode",
            "groups.get_member_add_mode",
            Read,
            groups::member_add_mode,
        )
        .says("Whether every member adds members"),
        session(
            PUT,
            "/api/{session}/groups/{id}/settings/security/member-share-history-mode",
            "groups.set_member_share_history_mode",
            Send,
            groups::set_member_share_history_mode,
        )
        .says("Whether every member shows new ones what was written"),
        session(
            GET,
            "/api/{session}/groups/{id}/settings/security/member-share-history-mode",
            "groups.get_member_share_history_mode",
            Read,
            groups::member_share_history_mode,
        )
        .says("Whether every member shows new ones what was written"),
        session(
            PUT,
            "/api/{session}/groups/{id}/settings/security/membership-approval",
            "groups.set_membership_approval_mode",
            Send,
            groups::set_membership_approval_mode,
        )
        .says("Whether admins let new members in"),
        session(
            GET,
            "/api/{session}/groups/{id}/settings/security/membership-approval",
            "groups.get_membership_approval_mode",
            Read,
            groups::membership_approval_mode,
        )
        .says("Whether admins let new members in"),
        session(
            GET,
            "/api/{session}/groups/{id}/participants/join-requests",
            "groups.get_group_join_requests",
            Read,
            groups::join_requests,
        )
        .says("Who asks to be let in"),
        session(
            POST,
            "/api/{session}/groups/{id}/participants/join-requests/approve",
            "groups.approve_group_join_requests",
            Send,
            groups::approve_join_requests,
        )
        .says("Lets in who asked"),
        session(
            POST,
            "/api/{session}/groups/{id}/participants/join-requests/reject",
            "groups.reject_group_join_requests",
            Send,
            groups::reject_join_requests,
        )
        .says("Does not let in who asked"),
        session(
            GET,
            "/api/{session}/groups/{id}/invite-code",
            "groups.get_invite_code",
            Read,
            groups::invite_code,
        )
        .says("The invitation's code"),
        session(
            POST,
            "/api/{session}/groups/{id}/invite-code/revoke",
            "groups.revoke_invite_code",
            Send,
            groups::revoke_invite_code,
        )
        .says("Makes the invitation's code void and gives a new one"),
        session(
            GET,
            "/api/{session}/groups/{id}/participants",
            "groups.get_participants",
            Read,
            groups::participants,
        )
        .says("A group's members"),
        session(
            GET,
            "/api/{session}/groups/{id}/participants/v2",
            "groups.get_group_participants",
            Read,
            groups::participants,
        )
        .says("A group's members"),
        session(
            POST,
            "/api/{session}/groups/{id}/participants/add",
            "groups.add_participants",
            Send,
            groups::add_participants,
        )
        .says("Adds members"),
        session(
            POST,
            "/api/{session}/groups/{id}/participants/remove",
            "groups.remove_participants",
            Send,
            groups::remove_participants,
        )
        .says("Removes members"),
        session(
            POST,
            "/api/{session}/groups/{id}/admin/promote",
            "groups.promote_to_admin",
            Send,
            groups::promote,
        )
        .says("Makes members admins"),
        session(
            POST,
            "/api/{session}/groups/{id}/admin/demote",
            "groups.demote_to_admin",
            Send,
            groups::demote,
        )
        .says("Makes admins members"),
    ]
}

pub(super) fn channels_and_directory() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/channels", "channels.list", Read, channels::list)
            .says("The channels that the account follows or owns"),
        session(POST, "/api/{session}/channels", "channels.create", Send, channels::create)
            .says("Creates a channel")
            .with_file(&["picture", "data"]),
        session(DELETE, "/api/{session}/channels/{id}", "channels.delete", Send, channels::delete)
            .says("Deletes an own channel"),
        session(GET, "/api/{session}/channels/{id}", "channels.get", Read, channels::get)
            .says("One channel, by id or invitation"),
        session(
            GET,
            "/api/{session}/channels/{id}/messages/preview",
            "channels.preview_channel_messages",
            Read,
            channels::preview,
        )
        .says("The newest messages of a channel"),
        session(POST, "/api/{session}/channels/{id}/follow", "channels.follow", Send, channels::follow)
            .says("Follows a channel"),
        session(POST, "/api/{session}/channels/{id}/unfollow", "channels.unfollow", Send, channels::unfollow)
            .says("Follows a channel no longer"),
        session(POST, "/api/{session}/channels/{id}/mute", "channels.mute", Send, channels::mute)
            .says("Mutes a channel"),
        session(POST, "/api/{session}/channels/{id}/unmute", "channels.unmute", Send, channels::unmute)
            .says("Lets a channel sound again"),
        session(
            POST,
            "/api/{session}/channels/search/by-view",
            "channels.search_by_view",
            Read,
            channels::search_by_view,
        )
        .says("Searches the directory by view"),
        session(
            POST,
            "/api/{session}/channels/search/by-text",
            "channels.search_by_text",
            Read,
            channels::search_by_text,
        )
        .says("Searches the directory by words"),
        session(
            GET,
            "/api/{session}/channels/search/views",
            "channels.get_search_views",
            Read,
            channels::views,
        )
        .says("The directory's views"),
        absent(
            GET,
            "/api/{session}/channels/search/countries",
            "channels.get_search_countries",
            "the directory takes every ISO 3166 code",
        ),
        session(
            GET,
            "/api/{session}/channels/search/categories",
            "channels.get_search_categories",
            Read,
            channels::categories,
        )
        .says("The directory's categories"),
    ]
}
