//! Rows of what is sent.

use colmeia::operations::{React, Star};
use colmeia::protocol::TypingState::{Paused, Typing};

use super::super::super::access::KeyAction::{Read, Send};
use super::super::chatting::{ReactionArgs, StarArgs};
use super::super::models::ChatArgs;
use super::super::route::{Row, get, post, put};
use super::super::{chats, chatting, contacts};
use super::FILE;

pub(super) fn sending() -> Vec<Row> {
    vec![
        post("/api/sendText", "chatting.send_text")
            .says("Sends a text")
            .session(Send, chatting::send_text)
            .paced(),
        get("/api/sendText", "chatting.send_text_get")
            .says("Sends a text; POST is better, as addresses are kept by many")
            .session(Send, chatting::send_text)
            .paced(),
        post("/api/sendImage", "chatting.send_image")
            .says("Sends a picture")
            .session(Send, chatting::send_image)
            .paced()
            .with_file(FILE),
        post("/api/sendFile", "chatting.send_file")
            .says("Sends a file as a document")
            .session(Send, chatting::send_file)
            .paced()
            .with_file(FILE),
        post("/api/sendVoice", "chatting.send_voice")
            .says("Sends a voice message, in Opus")
            .session(Send, chatting::send_voice)
            .paced()
            .with_file(FILE),
        post("/api/sendVideo", "chatting.send_video")
            .says("Sends a video, in MP4")
            .session(Send, chatting::send_video)
            .paced()
            .with_file(FILE),
        post("/api/sendSticker", "chatting.send_sticker")
            .says("Sends a sticker")
            .session(Send, chatting::send_sticker)
            .paced()
            .with_file(FILE),
        post("/api/send/link-custom-preview", "chatting.send_link_custom_preview")
            .says("Sends a text whose link has a box of the caller's making")
            .session(Send, chatting::send_link_custom_preview)
            .paced()
            .with_file(&["preview", "image", "data"]),
        post("/api/sendButtons", "chatting.send_buttons")
            .says("Sends a text with buttons")
            .session(Send, chatting::send_buttons)
            .paced(),
        post("/api/sendList", "chatting.send_list")
            .says("Sends a list to choose from")
            .session(Send, chatting::send_list)
            .paced(),
        post("/api/forwardMessage", "chatting.forward_message")
            .says("Forwards a message")
            .session(Send, chatting::forward_message)
            .paced(),
        post("/api/sendSeen", "chatting.send_seen")
            .says("Marks a chat as read")
            .session(Send, chatting::send_seen),
        post("/api/startTyping", "chatting.start_typing")
            .says("Shows the other side that something is being written")
            .session(Send, |s, ChatArgs { chat_id }| chatting::typing(s, chat_id, Typing)),
        post("/api/stopTyping", "chatting.stop_typing")
            .says("Shows it no longer")
            .session(Send, |s, ChatArgs { chat_id }| chatting::typing(s, chat_id, Paused)),
        put("/api/reaction", "chatting.set_reaction")
            .says("Reacts to a message")
            .plain(|ReactionArgs { message_id: message, reaction }| React { message, reaction }),
        put("/api/star", "chatting.set_star")
            .says("Stars a message, or takes the star away")
            .plain(|StarArgs { message_id: message, star: starred }| Star { message, starred }),
        post("/api/sendPoll", "chatting.send_poll")
            .says("Sends a poll")
            .session(Send, chatting::send_poll)
            .paced(),
        post("/api/sendPollVote", "chatting.send_poll_vote")
            .says("Votes in a poll")
            .session(Send, chatting::send_poll_vote),
        post("/api/sendLocation", "chatting.send_location")
            .says("Sends a place on the map")
            .session(Send, chatting::send_location)
            .paced(),
        post("/api/sendContactVcard", "chatting.send_contact_vcard")
            .says("Sends contact cards")
            .session(Send, chatting::send_contact_vcard)
            .paced(),
        post("/api/send/buttons/reply", "chatting.send_buttons_reply")
            .says("Presses a button of a message")
            .session(Send, chatting::send_buttons_reply)
            .paced(),
        get("/api/messages", "chatting.get_messages")
            .says("Deprecated: messages of a chat")
            .session(Read, chats::messages),
        get("/api/checkNumberStatus", "chatting.deprecated_check_number_status")
            .says("Deprecated: whether a number is at WhatsApp")
            .session(Read, contacts::exists),
        post("/api/reply", "chatting.reply")
            .says("Deprecated: sendText with reply_to")
            .session(Send, chatting::send_text)
            .paced(),
        post("/api/sendLinkPreview", "chatting.send_link_preview_deprecated")
            .says("Deprecated: sendText with a link")
            .session(Send, chatting::send_link_preview)
            .paced(),
        get("/api/{session}/new-message-id", "chatting.get_new_message_id")
            .says("An id that a later send may carry")
            .session(Send, chatting::new_message_id),
        post("/api/{session}/events", "events.send_event")
            .says("Sends an invitation to an event")
            .session(Send, chatting::send_event)
            .paced(),
    ]
}
