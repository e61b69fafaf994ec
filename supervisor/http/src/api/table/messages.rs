//! Rows of chats, their messages, labels and statuses.

use colmeia::operations::{ArchiveChat, ClearChat, DeleteChat, DeleteLabel, MarkUnread};

use super::super::super::access::KeyAction::{Media, Read, Send};
use super::super::labels::LabelArgs;
use super::super::models::ChatArgs;
use super::super::route::{Row, delete, get, post, put};
use super::super::{chats, chatting, files, labels, statuses};
use super::FILE;

pub(super) fn chats_and_messages() -> Vec<Row> {
    vec![
        get("/api/{session}/chats", "chats.get_chats").says("Chats").session(Read, chats::list),
        get("/api/{session}/chats/overview", "chats.get_chats_overview")
            .says("Chats with picture and newest message")
            .session(Read, chats::overview),
        post("/api/{session}/chats/overview", "chats.post_chats_overview")
            .says("The same, with the chats in the body")
            .session(Read, chats::overview_body),
        delete("/api/{session}/chats/{chatId}", "chats.delete_chat")
            .says("Deletes a chat")
            .plain(|ChatArgs { chat_id: chat }| DeleteChat { chat }),
        get("/api/{session}/chats/{chatId}/picture", "chats.get_chat_picture")
            .says("A chat's picture")
            .session(Read, chats::picture),
        get("/api/{session}/chats/{chatId}/messages", "chats.get_chat_messages")
            .says("Messages of a chat")
            .session(Read, chats::messages),
        delete("/api/{session}/chats/{chatId}/messages", "chats.clear_messages")
            .says("Empties a chat")
            .plain(|ChatArgs { chat_id: chat }| ClearChat { chat }),
        post("/api/{session}/chats/{chatId}/messages/read", "chats.read_chat_messages")
            .says("Marks a chat as read, and says what was unread")
            .session(Send, chats::read),
        get("/api/{session}/chats/{chatId}/messages/{messageId}", "chats.get_chat_message")
            .says("One message")
            .session(Read, chats::message),
        delete("/api/{session}/chats/{chatId}/messages/{messageId}", "chats.delete_message")
            .says("Deletes a message for everyone")
            .session(Send, chats::delete_message),
        put("/api/{session}/chats/{chatId}/messages/{messageId}", "chats.edit_message")
            .says("Changes the text of an own message")
            .session(Send, chats::edit_message),
        post("/api/{session}/chats/{chatId}/messages/{messageId}/pin", "chats.pin_message")
            .says("Pins a message")
            .session(Send, chats::pin_message),
        post("/api/{session}/chats/{chatId}/messages/{messageId}/unpin", "chats.unpin_message")
            .says("Takes a pinned message down")
            .session(Send, chats::unpin_message),
        post("/api/{session}/chats/{chatId}/archive", "chats.archive_chat")
            .says("Archives a chat")
            .plain(|ChatArgs { chat_id: chat }| ArchiveChat { chat, archived: true }),
        post("/api/{session}/chats/{chatId}/unarchive", "chats.unarchive_chat")
            .says("Brings a chat back from the archive")
            .plain(|ChatArgs { chat_id: chat }| ArchiveChat { chat, archived: false }),
        post("/api/{session}/chats/{chatId}/unread", "chats.unread_chat")
            .says("Marks a chat as unread")
            .plain(|ChatArgs { chat_id: chat }| MarkUnread { chat }),
        get("/api/files/{session}/{message}", "files.of_message")
            .says("The file of a message: what media.url of a message says")
            .session(Media, files::of_message),
    ]
}

pub(super) fn labels_and_statuses() -> Vec<Row> {
    vec![
        get("/api/{session}/labels", "labels.get_all").says("All labels").session(Read, labels::list),
        post("/api/{session}/labels", "labels.create").says("Makes a label").session(Send, labels::create),
        put("/api/{session}/labels/{labelId}", "labels.update")
            .says("Changes a label")
            .session(Send, labels::update),
        delete("/api/{session}/labels/{labelId}", "labels.delete")
            .says("Deletes a label")
            .plain(|LabelArgs { label_id: id }| DeleteLabel { id }),
        get("/api/{session}/labels/chats/{chatId}", "labels.get_chat_labels")
            .says("A chat's labels")
            .session(Read, labels::of_chat),
        put("/api/{session}/labels/chats/{chatId}", "labels.put_chat_labels")
            .says("Gives a chat these labels and no others")
            .session(Send, labels::put),
        get("/api/{session}/labels/{labelId}/chats", "labels.get_chats_by_label")
            .says("The chats with a label")
            .session(Read, labels::chats),
        post("/api/{session}/status/text", "status.send_text_status")
            .says("Posts a text as status")
            .session(Send, statuses::text)
            .paced(),
        post("/api/{session}/status/image", "status.send_image_status")
            .says("Posts a picture as status")
            .session(Send, statuses::image)
            .paced()
            .with_file(FILE),
        post("/api/{session}/status/voice", "status.send_voice_status")
            .says("Posts a voice message as status")
            .session(Send, statuses::voice)
            .paced()
            .with_file(FILE),
        post("/api/{session}/status/video", "status.send_video_status")
            .says("Posts a video as status")
            .session(Send, statuses::video)
            .paced()
            .with_file(FILE),
        post("/api/{session}/status/delete", "status.delete_status")
            .says("Takes an own status back")
            .session(Send, statuses::delete),
        get("/api/{session}/status/new-message-id", "status.get_new_message_id")
            .says("An id that a later status may carry")
            .session(Send, chatting::new_message_id),
    ]
}
