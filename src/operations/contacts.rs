//! Operations on contacts, and the pairs of lid and number behind them.

use serde::{Deserialize, Serialize};

use super::private;
use crate::ChatId;

/// See [`super::Operation::GetContact`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetContact {
    /// Which one.
    pub contact: ChatId,
}

/// See [`super::Operation::GetAbout`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetAbout {
    /// Whose.
    pub contact: ChatId,
}

/// What somebody says of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// `None` where this account may not see it.
    pub about: Option<String>,
}

/// See [`super::Operation::GetPicture`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPicture {
    /// Whose: a user, a group or a channel.
    pub of: String,
    /// Ask WhatsApp, even if the page holds one.
    #[serde(default)]
    pub refresh: bool,
}

/// A picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its address at WhatsApp; `None` where there is none, or this account may not see it.
    pub url: Option<String>,
}

/// See [`super::Operation::Block`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Whom.
    pub contact: ChatId,
    /// Whether it is blocked from now on.
    pub blocked: bool,
}

/// See [`super::Operation::SaveContact`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveContact {
    /// Whom.
    pub contact: ChatId,
    /// The first name.
    pub first_name: String,
    /// The last name.
    #[serde(default)]
    pub last_name: String,
}

/// See [`super::Operation::ListLids`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListLids {
    /// How many.
    pub limit: u32,
    /// How many to leave out first.
    #[serde(default)]
    pub offset: u32,
}

/// See [`super::Operation::CountLids`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountLids {}

/// See [`super::Operation::PhoneOfLid`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneOfLid {
    /// `<digits>@lid`.
    pub lid: ChatId,
}

/// See [`super::Operation::LidOfPhone`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LidOfPhone {
    /// `<digits>@c.us`.
    pub phone: ChatId,
}

/// One person's two ids.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LidPair {
    /// `<digits>@lid`, where known.
    pub lid: Option<String>,
    /// `<digits>@c.us`, where known.
    pub phone: Option<String>,
}

private!(
    GetContact,
    GetAbout,
    About,
    GetPicture,
    Picture,
    Block,
    SaveContact,
    ListLids,
    CountLids,
    PhoneOfLid,
    LidOfPhone,
    LidPair,
);
