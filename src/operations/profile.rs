//! Operations on the account's own profile.

use serde::{Deserialize, Serialize};

use super::private;

/// See [`super::Operation::GetProfile`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GetProfile {}

/// The account's own profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The account's id.
    pub id: String,
    /// Its lid, where it has one.
    #[serde(default)]
    pub lid: Option<String>,
    /// The name that others see.
    pub name: String,
    /// What it says of itself.
    #[serde(default)]
    pub about: Option<String>,
    /// Its picture's address at WhatsApp.
    #[serde(default)]
    pub picture: Option<String>,
}

/// See [`super::Operation::SetProfileName`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetProfileName {
    /// 1 to 25 characters.
    pub profile_name: String,
}

/// See [`super::Operation::SetAbout`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAbout {
    /// Up to 139 characters.
    pub about: String,
}

/// See [`super::Operation::SetProfilePicture`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetProfilePicture {
    /// The image's type; absent: the picture is taken away.
    #[serde(default)]
    pub mimetype: Option<String>,
}

private!(GetProfile, Profile, SetProfileName, SetAbout, SetProfilePicture);
