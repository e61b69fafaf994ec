//! Chats: lists of them, their messages, and what is done with a chat or one of its messages.
//!
//! Owns what a path may call a chat and how many of anything one may ask for.

mod lists;
mod marks;
mod messages;

use colmeia::ChatId;

use crate::errors::ApiError;

pub(super) use lists::{Chat, list, overview, overview_body};
pub(super) use marks::{picture, read};
pub(super) use messages::{delete_message, edit_message, message, messages, pin_message, unpin_message};

/// The most of one answer.
const MOST: u32 = 1000;

/// A chat as a path names it: a number or an id of any server.
fn chat_named(text: &str) -> Result<String, ApiError> {
    match ChatId::normalise(text) {
        Ok(chat) => Ok(chat.as_str().to_owned()),
        Err(_)
            if matches!(text.split_once('@'), Some((_, "broadcast" | "newsletter"))) && text.len() <= 64 =>
        {
            Ok(text.to_owned())
        }
        Err(error) => Err(ApiError::field("chatId", error)),
    }
}
