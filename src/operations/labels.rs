//! Operations on labels, which business accounts have.

use serde::{Deserialize, Serialize};

use super::private;

macro_rules! label_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// All labels.
            "list_labels" ListLabels {} -> Vec<LabelRecord>: Read, Core, 1;
            /// Makes a label.
            "create_label" CreateLabel {
                /// Its name.
                label: String,
                /// Its place in WhatsApp's palette, 0 to 19.
                color: u8,
            } -> LabelRecord: Send, Core, 1;
            /// Changes a label's name or colour.
            "update_label" UpdateLabel {
                /// Which one.
                id: String,
                /// Its new name.
                label: String,
                /// Its new place in the palette.
                color: u8,
            } -> LabelRecord: Change, Core, 1;
            /// Deletes a label.
            "delete_label" DeleteLabel {
                /// Which one.
                id: String,
            } -> Nothing: Change, Core, 1;
            /// A chat's labels.
            "labels_of_chat" LabelsOfChat {
                /// Which chat.
                chat: ChatId,
            } -> Vec<LabelRecord>: Read, Core, 1;
            /// Gives a chat these labels and no others.
            "set_labels_of_chat" SetLabelsOfChat {
                /// Which chat.
                chat: ChatId,
                /// The labels' ids.
                labels: Vec<String>,
            } -> Nothing: Change, Core, 1;
            /// The chats with a label.
            "chats_of_label" ChatsOfLabel {
                /// Which label.
                id: String,
            } -> Vec<ChatSummary>: Read, Core, 1;
        }
    };
}
pub(super) use label_rows;

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

private!(LabelRecord);
