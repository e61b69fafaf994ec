//! Operations on the account's own profile.

use serde::{Deserialize, Serialize};

use super::private;

macro_rules! profile_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// The account's own profile.
            "get_profile" GetProfile {} -> Profile: Read, Core, 1;
            /// Changes the own name.
            "set_profile_name" SetProfileName {
                /// 1 to 25 characters.
                profile_name: String,
            } -> Nothing: Change, Core, 1;
            /// Changes what the account says of itself.
            "set_about" SetAbout {
                /// Up to 139 characters.
                about: String,
            } -> Nothing: Change, Core, 1;
            /// Changes the own picture; the image is the frame's body, none takes the picture away.
            "set_profile_picture" SetProfilePicture {
                /// The image's type; absent: the picture is taken away.
                mimetype: Option<String>,
            } -> Nothing: Change, Core, 1;
        }
    };
}
pub(super) use profile_rows;

/// The account's own profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The account's id.
    pub id: String,
    /// Its lid, where it has one.
    pub lid: Option<String>,
    /// The name that others see.
    pub name: String,
    /// What it says of itself.
    pub about: Option<String>,
    /// Its picture's address at WhatsApp.
    pub picture: Option<String>,
}

private!(Profile);
