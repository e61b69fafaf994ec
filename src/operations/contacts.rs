//! Operations on contacts, and the pairs of lid and number behind them.

use serde::{Deserialize, Serialize};

use super::private;

macro_rules! contact_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// One contact.
            "get_contact" GetContact {
                /// Which one.
                contact: ChatId,
            } -> ContactRecord: Read, Core, 1;
            /// What a contact says of itself.
            "about" GetAbout {
                /// Whose.
                contact: ChatId,
            } -> About: Read, Core, 1;
            /// The picture of a contact, a group or a channel.
            "picture" GetPicture {
                /// Whose: a user, a group or a channel.
                of: String,
                /// Ask WhatsApp, even if the page holds one.
                #[serde(default)]
                refresh: bool,
            } -> Picture: Read, Core, 1;
            /// Blocks a contact or lets it through again.
            "block" Block {
                /// Whom.
                contact: ChatId,
                /// Whether it is blocked from now on.
                blocked: bool,
            } -> Nothing: Change, Core, 1;
            /// Writes a contact into the address book.
            "save_contact" SaveContact {
                /// Whom.
                contact: ChatId,
                /// The first name.
                first_name: String,
                /// The last name.
                #[serde(default)]
                last_name: String,
            } -> Nothing: Change, Core, 1;
            /// Takes a contact out of the address book.
            "delete_contact" DeleteContact {
                /// Whom.
                contact: ChatId,
            } -> Nothing: Change, Core, 3;
            /// Known pairs of lid and number.
            "list_lids" ListLids {
                /// How many.
                limit: u32,
                /// How many to leave out first.
                #[serde(default)]
                offset: u32,
            } -> Vec<LidPair>: Read, Core, 1;
            /// How many pairs of lid and number are known.
            "count_lids" CountLids {} -> Count: Read, Core, 1;
            /// The number behind a lid.
            "phone_of_lid" PhoneOfLid {
                /// `<digits>@lid`.
                lid: ChatId,
            } -> LidPair: Read, Core, 1;
            /// The lid of a number.
            "lid_of_phone" LidOfPhone {
                /// `<digits>@c.us`.
                phone: ChatId,
            } -> LidPair: Read, Core, 1;
        }
    };
}
pub(super) use contact_rows;

/// What somebody says of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// `None` where this account may not see it.
    pub about: Option<String>,
}

/// A picture.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its address at WhatsApp; `None` where there is none, or this account may not see it.
    pub url: Option<String>,
}

/// One person's two ids.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LidPair {
    /// `<digits>@lid`, where known.
    pub lid: Option<String>,
    /// `<digits>@c.us`, where known.
    pub phone: Option<String>,
}

private!(About, Picture, LidPair);
