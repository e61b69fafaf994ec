//! Operations that ask WhatsApp what it restricts this account in. Their answers are in [`crate::restrictions`].

macro_rules! restriction_rows {
    ([$next:ident $($rest:ident)*] $($rows:tt)*) => {
        $next! { [$($rest)*] $($rows)*
            /// Whether the account is kept from writing to people who never wrote to it, as WhatsApp says now.
            "get_timelock" GetTimelock {} -> ReachoutTimelock: Read, Core, 2;
            /// How much of its quota of new chats the account has used, as WhatsApp says now.
            "get_capping" GetCapping {} -> MessageCapping: Read, Core, 2;
        }
    };
}
pub(super) use restriction_rows;
