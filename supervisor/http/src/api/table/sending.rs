//! Rows of what is sent.

use colmeia::operations::{React, Star};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::chatting::{ReactionArgs, StarArgs};
use super::super::route::{Row, plain, session};
use super::super::{chats, chatting, contacts};
use super::{FILE, GET, POST, PUT};

pub(super) fn sending() -> Vec<Row> {
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
            .with_file(FILE),
        session(POST, "/api/sendFile", "chatting.send_file", Send, chatting::send_file)
            .says("Sends a file as a document")
            .paced()
            .with_file(FILE),
        session(POST, "/api/sendVoice", "chatting.send_voice", Send, chatting::send_voice)
            .says("Sends a voice message, in Opus")
            .paced()
            .with_file(FILE),
        session(POST, "/api/sendVideo", "chatting.send_video", Send, chatting::send_video)
            .says("Sends a video, in MP4")
            .paced()
            .with_file(FILE),
        session(POST, "/api/sendSticker", "chatting.send_sticker", Send, chatting::send_sticker)
            .says("Sends a sticker")
            .paced()
            .with_file(FILE),
        session(
            POST,
            "/api/send/link-custom-preview",
            "chatting.send_link_custom_preview",
            Send,
            chatting::send_link_custom_preview,
        )
        .says("Sends a text whose link has a box of the caller's making")
        .paced()
        .with_file(&["preview", "image", "data"]),
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
        plain(
            PUT,
            "/api/reaction",
            "chatting.set_reaction",
            |ReactionArgs { message_id: message, reaction }| React { message, reaction },
        )
        .says("Reacts to a message"),
        plain(PUT, "/api/star", "chatting.set_star", |StarArgs { message_id: message, star: starred }| {
            Star { message, starred }
        })
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
