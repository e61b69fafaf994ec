//! Operations on statuses, which disappear after a day.

use serde::{Deserialize, Serialize};

use super::{MediaStyle, MessageRef, private};

/// See [`super::Operation::PostTextStatus`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostTextStatus {
    /// The text.
    pub text: String,
    /// The ground's colour, `#rrggbb`.
    #[serde(default)]
    pub background: Option<String>,
    /// One of WhatsApp's fonts, 0 to 7.
    #[serde(default)]
    pub font: Option<u8>,
    /// The id that it shall have, as in [`super::SendOptions::message_id`].
    #[serde(default)]
    pub message_id: Option<String>,
}

/// See [`super::Operation::PostMediaStatus`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMediaStatus {
    /// `image/…`, `video/…` or `audio/…`.
    pub mimetype: String,
    /// The file's name.
    #[serde(default)]
    pub filename: Option<String>,
    /// The text below it.
    #[serde(default)]
    pub caption: Option<String>,
    /// [`MediaStyle::Voice`] for a voice status.
    #[serde(default)]
    pub style: Option<MediaStyle>,
    /// The ground's colour of a voice status, `#rrggbb`.
    #[serde(default)]
    pub background: Option<String>,
    /// The id that it shall have, as in [`super::SendOptions::message_id`].
    #[serde(default)]
    pub message_id: Option<String>,
}

/// See [`super::Operation::DeleteStatus`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteStatus {
    /// `true_status@broadcast_…`
    pub message: MessageRef,
}

private!(PostTextStatus, PostMediaStatus, DeleteStatus);
