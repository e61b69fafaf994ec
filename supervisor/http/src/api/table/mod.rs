//! The table: every operation of the convention, once. From it come the routes, the scopes and the document.
//!
//! | what a row says | |
//! | --- | --- |
//! | method and path | as the convention has them; names in braces are fields of the arguments |
//! | operation | the SDK's `class.method` |
//! | scope | what a caller needs: nothing, a key without limits, or one that may read, send or control this session |
//! | handler | its argument and answer types are the row's schemas; a `plain` row says which operation its arguments become |

mod elsewhere;
mod groups;
mod messages;
mod people;
mod sending;
mod sessions;

use super::route::Row;

/// Where most operations that take a file have it.
const FILE: &[&str] = &["file", "data"];

/// All rows.
pub(super) fn rows() -> Vec<Row> {
    [
        sessions::sessions_and_linking(),
        sending::sending(),
        messages::chats_and_messages(),
        people::contacts_and_lids(),
        groups::groups_and_members(),
        messages::labels_and_statuses(),
        people::profile_and_presence(),
        groups::channels_and_directory(),
        sessions::keys_and_server(),
        elsewhere::elsewhere(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
