//! Operations on statuses, which disappear after a day.

macro_rules! status_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Posts a text as status.
            "post_text_status" PostTextStatus {
                /// The text.
                text: String,
                /// The ground's colour, `#rrggbb`.
                background: Option<String>,
                /// One of WhatsApp's fonts, 0 to 7.
                font: Option<u8>,
                /// The id that it shall have, as in [`super::SendOptions::message_id`].
                message_id: Option<String>,
            } -> SentMessage: Send, WaJs, 1;
            /// Posts the frame's body as status.
            "post_media_status" PostMediaStatus {
                /// `image/…`, `video/…` or `audio/…`.
                mimetype: String,
                /// The file's name.
                filename: Option<String>,
                /// The text below it.
                caption: Option<String>,
                /// [`MediaStyle::Voice`] for a voice status.
                style: Option<MediaStyle>,
                /// The ground's colour of a voice status, `#rrggbb`.
                background: Option<String>,
                /// The id that it shall have, as in [`super::SendOptions::message_id`].
                message_id: Option<String>,
            } -> SentMessage: Send, WaJs, 1;
            /// Takes an own status back.
            "delete_status" DeleteStatus {
                /// `true_status@broadcast_…`
                message: MessageRef,
            } -> Nothing: Send, Core, 1;
        }
    };
}
pub(super) use status_rows;
