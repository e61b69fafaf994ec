//! Operations on labels, which business accounts have.

use serde::{Deserialize, Serialize};

use super::private;
use crate::ChatId;

/// See [`super::Operation::ListLabels`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListLabels {}

/// See [`super::Operation::CreateLabel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLabel {
    /// Its name.
    pub label: String,
    /// Its place in WhatsApp's palette, 0 to 19.
    pub color: u8,
}

/// See [`super::Operation::UpdateLabel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateLabel {
    /// Which one.
    pub id: String,
    /// Its new name.
    pub label: String,
    /// Its new place in the palette.
    pub color: u8,
}

/// See [`super::Operation::DeleteLabel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteLabel {
    /// Which one.
    pub id: String,
}

/// See [`super::Operation::LabelsOfChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsOfChat {
    /// Which chat.
    pub chat: ChatId,
}

/// See [`super::Operation::SetLabelsOfChat`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLabelsOfChat {
    /// Which chat.
    pub chat: ChatId,
    /// The labels' ids.
    pub labels: Vec<String>,
}

/// See [`super::Operation::ChatsOfLabel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatsOfLabel {
    /// Which label.
    pub id: String,
}

/// A label.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRecord {
    /// Its id.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its place in WhatsApp's palette, 0 to 19.
    pub color: u8,
    /// The colour as `#rrggbb`.
    pub color_hex: String,
}

private!(
    ListLabels,
    CreateLabel,
    UpdateLabel,
    DeleteLabel,
    LabelsOfChat,
    SetLabelsOfChat,
    ChatsOfLabel,
    LabelRecord,
);
