//! The table: every operation of the convention, once. From it come the routes, the scopes and the document.
//!
//! | what a row says | |
//! | --- | --- |
//! | method and path | as the convention has them; names in braces are fields of the arguments |
//! | operation | the SDK's `class.method` |
//! | scope | what a caller needs: nothing, a key without limits, or one that may read, send or control this session |
//! | handler | its argument and answer types are the row's schemas |

use axum::http::Method;

use super::super::access::Action::{Control, Media, Read, Send};
use super::route::Scope::{Admin, Anyone};
use super::route::{Row, absent, anywhere, session};
use super::{
    auth, channels, chats, chatting, contacts, files, groups, keys, labels, looks, profile, server, sessions,
    statuses,
};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    [
        sessions_and_linking(),
        sending(),
        chats_and_messages(),
        contacts_and_lids(),
        groups_and_members(),
        labels_and_statuses(),
        profile_and_presence(),
        channels_and_directory(),
        keys_and_server(),
        elsewhere(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn sessions_and_linking() -> Vec<Row> {
    const NAMED: &str = "/api/sessions/{session}";
    vec![
        anywhere(GET, "/api/sessions", "sessions.list", Anyone, sessions::list)
            .says("Sessions; those that are STOPPED only with all=true"),
        anywhere(POST, "/api/sessions", "sessions.create", Anyone, sessions::create).says("Makes a session"),
        session(GET, NAMED, "sessions.get", Read, sessions::get).says("One session"),
        session(PUT, NAMED, "sessions.update", Control, sessions::update)
            .says("Changes a session's configuration; no other session notices"),
        session(DELETE, NAMED, "sessions.delete", Control, sessions::delete)
            .says("Logs the phone out and deletes the session"),
        session(GET, "/api/sessions/{session}/me", "sessions.get_me", Read, sessions::me)
            .says("The linked account"),
        session(POST, "/api/sessions/{session}/start", "sessions.start", Control, sessions::start)
            .says("Starts a session, if it does not run"),
        session(POST, "/api/sessions/{session}/stop", "sessions.stop", Control, sessions::stop)
            .says("Stops a session, which stays stopped until it is started"),
        session(POST, "/api/sessions/{session}/restart", "sessions.restart", Control, sessions::restart)
            .says("A new browser; the phone stays linked"),
        session(POST, "/api/sessions/{session}/logout", "sessions.logout", Control, sessions::logout)
            .says("Logs the phone out; a session that ran shows a new code"),
        anywhere(POST, "/api/sessions/start", "sessions.depracated_start", Anyone, sessions::start_named)
            .says("Deprecated: makes and starts a session"),
        anywhere(POST, "/api/sessions/stop", "sessions.deprecated_stop", Anyone, sessions::stop_named)
            .says("Deprecated: stops a session, and deletes it if asked to"),
        anywhere(POST, "/api/sessions/logout", "sessions.deprecated_logout", Anyone, sessions::logout_named)
            .says("Deprecated: logs a session out and deletes it"),
        absent(GET, "/api/sessions/{session}/capping", "sessions.fetch_message_capping", NO_LIMITS),
        absent(GET, "/api/sessions/{session}/timelock", "sessions.fetch_reachout_timelock", NO_LIMITS),
        session(GET, "/api/{session}/auth/qr", "auth.get_qr", Control, auth::qr)
            .says("The code to scan: a picture, a picture in JSON, or its text"),
        session(POST, "/api/{session}/auth/request-code", "auth.request_code", Control, auth::request_code)
            .says("A code to type on the phone instead of scanning"),
        absent(GET, "/api/{session}/auth/passkey/challenge", "auth.get_passkey_challenge", NO_PASSKEY),
        absent(POST, "/api/{session}/auth/passkey", "auth.submit_passkey", NO_PASSKEY),
        absent(GET, "/api/{session}/auth/passkey/confirmation", "auth.get_passkey_confirmation", NO_PASSKEY),
        absent(POST, "/api/{session}/auth/passkey/confirm", "auth.confirm_passkey", NO_PASSKEY),
    ]
}

fn sending() -> Vec<Row> {
    vec![
        session(POST, "/api/sendText", "chatting.send_text", Send, chatting::send_text)
            .says("Sends a text")
            .paced(),
        session(GET, "/api/sendText", "chatting.send_text_get", Send, chatting::send_text)
            .says("Sends a text; POST is better, as addresses are kept by many")
            .paced(),
        session(POST, "/api/sendImage", "chatting.send_image", Send, chatting::send_image)
            .says("Sends a picture")
            .paced()
            .with_file(),
        session(POST, "/api/sendFile", "chatting.send_file", Send, chatting::send_file)
            .says("Sends a file as a document")
            .paced()
            .with_file(),
        session(POST, "/api/sendVoice", "chatting.send_voice", Send, chatting::send_voice)
            .says("Sends a voice message, in Opus")
            .paced()
            .with_file(),
        session(POST, "/api/sendVideo", "chatting.send_video", Send, chatting::send_video)
            .says("Sends a video, in MP4")
            .paced()
            .with_file(),
        session(POST, "/api/sendSticker", "chatting.send_sticker", Send, chatting::send_sticker)
            .says("Sends a sticker")
            .paced()
            .with_file(),
        session(
            POST,
            "/api/send/link-custom-preview",
            "chatting.send_link_custom_preview",
            Send,
            chatting::send_link_custom_preview,
        )
        .says("Sends a text whose link has a box of the caller's making")
        .paced()
        .with_file(),
        session(POST, "/api/sendButtons", "chatting.send_buttons", Send, chatting::send_buttons)
            .says("Sends a text with buttons")
            .paced(),
        session(POST, "/api/sendList", "chatting.send_list", Send, chatting::send_list)
            .says("Sends a list to choose from")
            .paced(),
        session(POST, "/api/forwardMessage", "chatting.forward_message", Send, chatting::forward_message)
            .says("Forwards a message")
            .paced(),
        session(POST, "/api/sendSeen", "chatting.send_seen", Send, chatting::send_seen)
            .says("Marks a chat as read"),
        session(POST, "/api/startTyping", "chatting.start_typing", Send, chatting::start_typing)
            .says("Shows the other side that something is being written"),
        session(POST, "/api/stopTyping", "chatting.stop_typing", Send, chatting::stop_typing)
            .says("Shows it no longer"),
        session(PUT, "/api/reaction", "chatting.set_reaction", Send, chatting::set_reaction)
            .says("Reacts to a message"),
        session(PUT, "/api/star", "chatting.set_star", Send, chatting::set_star)
            .says("Stars a message, or takes the star away"),
        session(POST, "/api/sendPoll", "chatting.send_poll", Send, chatting::send_poll)
            .says("Sends a poll")
            .paced(),
        session(POST, "/api/sendPollVote", "chatting.send_poll_vote", Send, chatting::send_poll_vote)
            .says("Votes in a poll"),
        session(POST, "/api/sendLocation", "chatting.send_location", Send, chatting::send_location)
            .says("Sends a place on the map")
            .paced(),
        session(
            POST,
            "/api/sendContactVcard",
            "chatting.send_contact_vcard",
            Send,
            chatting::send_contact_vcard,
        )
        .says("Sends contact cards")
        .paced(),
        session(
            POST,
            "/api/send/buttons/reply",
            "chatting.send_buttons_reply",
            Send,
            chatting::send_buttons_reply,
        )
        .says("Presses a button of a message")
        .paced(),
        session(GET, "/api/messages", "chatting.get_messages", Read, chats::messages)
            .says("Deprecated: messages of a chat"),
        session(
            GET,
            "/api/checkNumberStatus",
            "chatting.deprecated_check_number_status",
            Read,
            contacts::exists,
        )
        .says("Deprecated: whether a number is at WhatsApp"),
        session(POST, "/api/reply", "chatting.reply", Send, chatting::send_text)
            .says("Deprecated: sendText with reply_to")
            .paced(),
        session(
            POST,
            "/api/sendLinkPreview",
            "chatting.send_link_preview_deprecated",
            Send,
            chatting::send_link_preview,
        )
        .says("Deprecated: sendText with a link")
        .paced(),
        session(
            GET,
            "/api/{session}/new-message-id",
            "chatting.get_new_message_id",
            Send,
            chatting::new_message_id,
        )
        .says("An id that a later send may carry"),
        session(POST, "/api/{session}/events", "events.send_event", Send, chatting::send_event)
            .says("Sends an invitation to an event")
            .paced(),
    ]
}

fn chats_and_messages() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/chats", "chats.get_chats", Read, chats::list).says("Chats"),
        session(GET, "/api/{session}/chats/overview", "chats.get_chats_overview", Read, chats::overview)
            .says("Chats with picture and newest message"),
        session(
            POST,
            "/api/{session}/chats/overview",
            "chats.post_chats_overview",
            Read,
            chats::overview_body,
        )
        .says("The same, with the chats in the body"),
        session(DELETE, "/api/{session}/chats/{chatId}", "chats.delete_chat", Send, chats::delete)
            .says("Deletes a chat"),
        session(GET, "/api/{session}/chats/{chatId}/picture", "chats.get_chat_picture", Read, chats::picture)
            .says("A chat's picture"),
        session(
            GET,
            "/api/{session}/chats/{chatId}/messages",
            "chats.get_chat_messages",
            Read,
            chats::messages,
        )
        .says("Messages of a chat"),
        session(DELETE, "/api/{session}/chats/{chatId}/messages", "chats.clear_messages", Send, chats::clear)
            .says("Empties a chat"),
        session(
            POST,
            "/api/{session}/chats/{chatId}/messages/read",
            "chats.read_chat_messages",
            Send,
            chats::read,
        )
        .says("Marks a chat as read, and says what was unread"),
        session(
            GET,
            "/api/{session}/chats/{chatId}/messages/{messageId}",
            "chats.get_chat_message",
            Read,
            chats::message,
        )
        .says("One message"),
        session(
            DELETE,
            "/api/{session}/chats/{chatId}/messages/{messageId}",
            "chats.delete_message",
            Send,
            chats::delete_message,
        )
        .says("Deletes a message for everyone"),
        session(
            PUT,
            "/api/{session}/chats/{chatId}/messages/{messageId}",
            "chats.edit_message",
            Send,
            chats::edit_message,
        )
        .says("Changes the text of an own message"),
        session(
            POST,
            "/api/{session}/chats/{chatId}/messages/{messageId}/pin",
            "chats.pin_message",
            Send,
            chats::pin_message,
        )
        .says("Pins a message"),
        session(
            POST,
            "/api/{session}/chats/{chatId}/messages/{messageId}/unpin",
            "chats.unpin_message",
            Send,
            chats::unpin_message,
        )
        .says("Takes a pinned message down"),
        session(POST, "/api/{session}/chats/{chatId}/archive", "chats.archive_chat", Send, chats::archive)
            .says("Archives a chat"),
        session(
            POST,
            "/api/{session}/chats/{chatId}/unarchive",
            "chats.unarchive_chat",
            Send,
            chats::unarchive,
        )
        .says("Brings a chat back from the archive"),
        session(POST, "/api/{session}/chats/{chatId}/unread", "chats.unread_chat", Send, chats::unread)
            .says("Marks a chat as unread"),
        session(GET, "/api/files/{session}/{message}", "files.of_message", Media, files::of_message)
            .says("The file of a message: what media.url of a message says"),
    ]
}

fn contacts_and_lids() -> Vec<Row> {
    vec![
        session(GET, "/api/contacts/all", "contacts.get_all", Read, contacts::list).says("All contacts"),
        session(GET, "/api/contacts", "contacts.get", Read, contacts::get).says("One contact"),
        session(GET, "/api/contacts/check-exists", "contacts.check_exists", Read, contacts::exists)
            .says("Whether a number is at WhatsApp"),
        session(GET, "/api/contacts/about", "contacts.get_about", Read, contacts::about)
            .says("What a contact says of itself"),
        session(
            GET,
            "/api/contacts/profile-picture",
            "contacts.get_profile_picture",
            Read,
            contacts::picture,
        )
        .says("A contact's picture"),
        session(POST, "/api/contacts/block", "contacts.block", Send, contacts::block)
            .says("Blocks a contact"),
        session(POST, "/api/contacts/unblock", "contacts.unblock", Send, contacts::unblock)
            .says("Lets a contact through again"),
        session(GET, "/api/{session}/contacts/{id}", "contacts_session.get", Read, contacts::get_by_id)
            .says("One contact"),
        session(PUT, "/api/{session}/contacts/{id}", "contacts_session.put", Send, contacts::save)
            .says("Writes a contact into the address book"),
        session(GET, "/api/{session}/lids", "lids.get_all", Read, contacts::lids)
            .says("Known pairs of lid and number"),
        session(GET, "/api/{session}/lids/count", "lids.get_lids_count", Read, contacts::count_lids)
            .says("How many pairs are known"),
        session(GET, "/api/{session}/lids/{lid}", "lids.find_pn_by_lid", Read, contacts::phone_of_lid)
            .says("The number behind a lid"),
        session(
            GET,
            "/api/{session}/lids/pn/{phoneNumber}",
            "lids.find_lid_by_phone_number",
            Read,
            contacts::lid_of_phone,
        )
        .says("The lid of a number"),
    ]
}

fn groups_and_members() -> Vec<Row> {
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
        session(POST, "/api/{session}/groups/refresh", "groups.refresh_groups", Read, groups::refresh)
            .says("Asks WhatsApp for all groups anew"),
        session(GET, "/api/{session}/groups/{id}", "groups.get_group", Read, groups::get).says("One group"),
        session(DELETE, "/api/{session}/groups/{id}", "groups.delete_group", Send, groups::delete)
            .says("Leaves a group and deletes its chat"),
        session(POST, "/api/{session}/groups/{id}/leave", "groups.leave_group", Send, groups::leave)
            .says("Leaves a group"),
        session(GET, "/api/{session}/groups/{id}/picture", "groups.get_chat_picture", Read, groups::picture)
            .says("A group's picture"),
        session(PUT, "/api/{session}/groups/{id}/picture", "groups.set_picture", Send, groups::set_picture)
            .says("Changes a group's picture")
            .with_file(),
        session(
            DELETE,
            "/api/{session}/groups/{id}/picture",
            "groups.delete_picture",
            Send,
            groups::delete_picture,
        )
        .says("Takes a group's picture away"),
        session(
            PUT,
            "/api/{session}/groups/{id}/description",
            "groups.set_description",
            Send,
            groups::set_description,
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

fn labels_and_statuses() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/labels", "labels.get_all", Read, labels::list).says("All labels"),
        session(POST, "/api/{session}/labels", "labels.create", Send, labels::create).says("Makes a label"),
        session(PUT, "/api/{session}/labels/{labelId}", "labels.update", Send, labels::update)
            .says("Changes a label"),
        session(DELETE, "/api/{session}/labels/{labelId}", "labels.delete", Send, labels::delete)
            .says("Deletes a label"),
        session(GET, "/api/{session}/labels/chats/{chatId}", "labels.get_chat_labels", Read, labels::of_chat)
            .says("A chat's labels"),
        session(PUT, "/api/{session}/labels/chats/{chatId}", "labels.put_chat_labels", Send, labels::put)
            .says("Gives a chat these labels and no others"),
        session(
            GET,
            "/api/{session}/labels/{labelId}/chats",
            "labels.get_chats_by_label",
            Read,
            labels::chats,
        )
        .says("The chats with a label"),
        session(POST, "/api/{session}/status/text", "status.send_text_status", Send, statuses::text)
            .says("Posts a text as status")
            .paced(),
        session(POST, "/api/{session}/status/image", "status.send_image_status", Send, statuses::image)
            .says("Posts a picture as status")
            .paced()
            .with_file(),
        session(POST, "/api/{session}/status/voice", "status.send_voice_status", Send, statuses::voice)
            .says("Posts a voice message as status")
            .paced()
            .with_file(),
        session(POST, "/api/{session}/status/video", "status.send_video_status", Send, statuses::video)
            .says("Posts a video as status")
            .paced()
            .with_file(),
        session(POST, "/api/{session}/status/delete", "status.delete_status", Send, statuses::delete)
            .says("Takes an own status back"),
        session(
            GET,
            "/api/{session}/status/new-message-id",
            "status.get_new_message_id",
            Send,
            chatting::new_message_id,
        )
        .says("An id that a later status may carry"),
    ]
}

fn profile_and_presence() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/profile", "profile.get_my_profile", Read, profile::get)
            .says("The own profile"),
        session(PUT, "/api/{session}/profile/name", "profile.set_profile_name", Send, profile::set_name)
            .says("Changes the own name"),
        session(PUT, "/api/{session}/profile/status", "profile.set_profile_status", Send, profile::set_about)
            .says("Changes what the account says of itself"),
        session(
            PUT,
            "/api/{session}/profile/picture",
            "profile.set_profile_picture",
            Send,
            profile::set_picture,
        )
        .says("Changes the own picture")
        .with_file(),
        session(
            DELETE,
            "/api/{session}/profile/picture",
            "profile.delete_profile_picture",
            Send,
            profile::delete_picture,
        )
        .says("Takes the own picture away"),
        session(POST, "/api/{session}/presence", "presence.set_presence", Send, profile::set_presence)
            .says("Shows the account as online, offline or writing"),
        session(GET, "/api/{session}/presence", "presence.get_presence_all", Read, profile::presences)
            .says("All presences that were subscribed to"),
        session(GET, "/api/{session}/presence/{chatId}", "presence.get_presence", Read, profile::presence)
            .says("A chat's presence; subscribes to it"),
        session(
            POST,
            "/api/{session}/presence/{chatId}/subscribe",
            "presence.subscribe",
            Read,
            profile::subscribe,
        )
        .says("Asks to be told of a chat's presence"),
        session(POST, "/api/{session}/calls/reject", "calls.reject_call", Send, profile::reject_call)
            .says("Refuses an incoming call"),
        session(GET, "/api/screenshot", "screenshot.screenshot", Read, looks::screenshot)
            .says("The session's page as it is drawn now"),
        session(GET, "/api/sessions/{session}/health", "sessions.health", Read, looks::health)
            .says("The three levels of a session's health; 503 while it is not ready"),
        absent(POST, "/api/{session}/media/convert/voice", "media.convert_voice", NO_CONVERSION),
        absent(POST, "/api/{session}/media/convert/video", "media.convert_video", NO_CONVERSION),
    ]
}

fn channels_and_directory() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/channels", "channels.list", Read, channels::list)
            .says("The channels that the account follows or owns"),
        session(POST, "/api/{session}/channels", "channels.create", Send, channels::create)
            .says("Creates a channel")
            .with_file(),
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

fn keys_and_server() -> Vec<Row> {
    vec![
        anywhere(GET, "/api/keys", "api_keys.list", Admin, keys::list)
            .says("All keys, without the keys themselves"),
        anywhere(POST, "/api/keys", "api_keys.create", Admin, keys::create)
            .says("Makes a key, which is shown once"),
        anywhere(PUT, "/api/keys/{id}", "api_keys.update", Admin, keys::update)
            .says("Changes what a key allows"),
        anywhere(DELETE, "/api/keys/{id}", "api_keys.delete", Admin, keys::delete).says("Ends a key"),
        anywhere(POST, "/api/keys/media", "api_keys.media", Admin, keys::media)
            .says("A key for the files of a session's messages; ends the one before"),
        anywhere(POST, "/api/keys/control", "api_keys.control", Admin, keys::control)
            .says("A key for controlling a session; ends the one before"),
        anywhere(GET, "/ping", "ping.ping", Anyone, server::ping).says("Whether the service is there"),
        anywhere(GET, "/api/version", "version.get", Anyone, server::version).says("What the service is"),
        anywhere(GET, "/api/server/version", "server.get", Anyone, server::version)
            .says("What the service is"),
        anywhere(GET, "/api/server/status", "server.status", Anyone, server::status)
            .says("Since when it runs"),
        absent(GET, "/api/server/environment", "server.environment", "the environment may hold secrets"),
        absent(POST, "/api/server/stop", "server.stop", "the service manager stops and restarts the service"),
        absent(GET, "/api/server/debug/cpu", "server_debug.cpu_profile", NO_NODE),
        absent(GET, "/api/server/debug/heapsnapshot", "server_debug.heapsnapshot", NO_NODE),
        absent(GET, "/api/server/debug/browser/trace/{session}", "server_debug.browser_trace", NO_NODE),
    ]
}

const NO_CONVERSION: &str = "files are sent as they are: voice in Opus, video in MP4";
const NO_LIMITS: &str = "WhatsApp Web does not tell the account's limits";
const NO_PASSKEY: &str = "phones are linked by a code to scan or to type";
const NO_NODE: &str = "there is no Node process to look into; colmeiactl and /metrics show what runs";
const NO_APPS: &str = "there are no apps; webhooks and /api/events are for what they do";
const NO_NUMBERS: &str = "numbers are asked of WhatsApp itself, without a cache of ours";

/// Operations of parts that are not ours: apps, caches of phone numbers, MCP.
fn elsewhere() -> Vec<Row> {
    let mut rows = vec![
        absent(GET, "/api/apps", "apps.list", NO_APPS),
        absent(POST, "/api/apps", "apps.create", NO_APPS),
        absent(GET, "/api/apps/{id}", "apps.get", NO_APPS),
        absent(PUT, "/api/apps/{id}", "apps.update", NO_APPS),
        absent(DELETE, "/api/apps/{id}", "apps.delete", NO_APPS),
        absent(POST, "/api/apps/{id}/purge", "apps.purge", NO_APPS),
        absent(POST, "/api/apps/{id}/{session}/purge", "apps.purge_unique_app", NO_APPS),
        absent(POST, "/mcp", "mcp.post", "there is no MCP server"),
    ];
    macro_rules! numbers {
        ($($path:literal $class:literal;)*) => {$(
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/memory"), concat!($class, ".memory"), NO_NUMBERS));
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/db"), concat!($class, ".db"), NO_NUMBERS));
            rows.push(absent(GET, concat!("/api/apps/", $path, "/{session}/cache/stats"), concat!($class, ".stats"), NO_NUMBERS));
            rows.push(absent(DELETE, concat!("/api/apps/", $path, "/{session}/cache/purge"), concat!($class, ".purge"), NO_NUMBERS));
        )*};
    }
    numbers! {
        "argentine-phone-numbers" "argentine_phone_numbers";
        "brazilian-phone-numbers" "brazilian_phone_numbers";
        "mexican-phone-numbers" "mexican_phone_numbers";
        "phone-numbers" "phone_numbers";
    }
    rows
}
