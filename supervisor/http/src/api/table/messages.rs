//! Rows of chats, their messages, labels and statuses.

use colmeia::operations::{ArchiveChat, ClearChat, DeleteChat, DeleteLabel, MarkUnread};

use super::super::super::access::KeyAction::{Media, Read, Send};
use super::super::labels::LabelArgs;
use super::super::models::ChatArgs;
use super::super::route::{Row, plain, session};
use super::super::{chats, chatting, files, labels, statuses};
use super::{DELETE, FILE, GET, POST, PUT};

pub(super) fn chats_and_messages() -> Vec<Row> {
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
        plain(DELETE, "/api/{session}/chats/{chatId}", "chats.delete_chat", |ChatArgs { chat_id: chat }| {
            DeleteChat { chat }
        })
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
        plain(
            DELETE,
            "/api/{session}/chats/{chatId}/messages",
            "chats.clear_messages",
            |ChatArgs { chat_id: chat }| ClearChat { chat },
        )
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
        plain(
            POST,
            "/api/{session}/chats/{chatId}/archive",
            "chats.archive_chat",
            |ChatArgs { chat_id: chat }| ArchiveChat { chat, archived: true },
        )
        .says("Archives a chat"),
        plain(
            POST,
            "/api/{session}/chats/{chatId}/unarchive",
            "chats.unarchive_chat",
            |ChatArgs { chat_id: chat }| ArchiveChat { chat, archived: false },
        )
        .says("Brings a chat back from the archive"),
        plain(
            POST,
            "/api/{session}/chats/{chatId}/unread",
            "chats.unread_chat",
            |ChatArgs { chat_id: chat }| MarkUnread { chat },
        )
        .says("Marks a chat as unread"),
        session(GET, "/api/files/{session}/{message}", "files.of_message", Media, files::of_message)
            .says("The file of a message: what media.url of a message says"),
    ]
}

pub(super) fn labels_and_statuses() -> Vec<Row> {
    vec![
        session(GET, "/api/{session}/labels", "labels.get_all", Read, labels::list).says("All labels"),
        session(POST, "/api/{session}/labels", "labels.create", Send, labels::create).says("Makes a label"),
        session(PUT, "/api/{session}/labels/{labelId}", "labels.update", Send, labels::update)
            .says("Changes a label"),
        plain(DELETE, "/api/{session}/labels/{labelId}", "labels.delete", |LabelArgs { label_id: id }| {
            DeleteLabel { id }
        })
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
            .with_file(FILE),
        session(POST, "/api/{session}/status/voice", "status.send_voice_status", Send, statuses::voice)
            .says("Posts a voice message as status")
            .paced()
            .with_file(FILE),
        session(POST, "/api/{session}/status/video", "status.send_video_status", Send, statuses::video)
            .says("Posts a video as status")
            .paced()
            .with_file(FILE),
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
