//! What was asked for about presences: whom the session watches, and whether it is shown as online.
//!
//! Owns the memory of it for as long as the browser lives: the page forgets both with each document. Asks nothing of
//! the page itself.

use std::collections::BTreeSet;

use colmeia::operations::{GetPresence, Operation, SetPresence, SubscribePresence};
use colmeia::protocol::Call;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// How many chats are watched again in a new document. WhatsApp names no limit; each is a request to its server.
const MOST: usize = 500;

/// What an operation wants from now on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Watch(String),
    Online(bool),
}

impl Wish {
    /// What this call asks for that lasts longer than the call.
    pub(super) fn of(call: &Call) -> Option<Self> {
        let Call::Operate { operation } = call else { return None };
        match operation {
            Operation::SubscribePresence(SubscribePresence { chat })
            | Operation::GetPresence(GetPresence { chat }) => Some(Self::Watch(chat.as_str().to_owned())),
            Operation::SetPresence(SetPresence { online }) => Some(Self::Online(*online)),
            _ => None,
        }
    }
}

/// The wishes that were granted.
#[derive(Debug, Default)]
pub(super) struct Presence(Mutex<Granted>);

#[derive(Debug, Default)]
struct Granted {
    chats: BTreeSet<String>,
    online: bool,
}

impl Presence {
    /// The page has done it.
    pub(super) fn granted(&self, wish: Wish) {
        let mut granted = self.0.lock();
        match wish {
            Wish::Online(online) => granted.online = online,
            Wish::Watch(chat) if granted.chats.len() < MOST => drop(granted.chats.insert(chat)),
            Wish::Watch(_) => {}
        }
    }

    /// What a new document is told: `{ chats: [id], online }`.
    pub(super) fn told(&self) -> Value {
        let granted = self.0.lock();
        json!({ "chats": granted.chats, "online": granted.online })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_kept_within_a_bound_and_nothing_else_is() {
        let presence = Presence::default();
        assert_eq!(Wish::of(&Call::Screenshot), None);
        let chat: colmeia::ChatId = "5511988887777@c.us".to_owned().try_into().expect("valid");
        let call = Call::Operate { operation: SubscribePresence { chat }.into() };
        presence.granted(Wish::of(&call).expect("it lasts"));
        presence.granted(Wish::Online(true));
        assert_eq!(presence.told(), json!({ "chats": ["5511988887777@c.us"], "online": true }));
        for n in 0..2 * MOST {
            presence.granted(Wish::Watch(format!("{n}@c.us")));
        }
        presence.granted(Wish::Online(false));
        let told = presence.told();
        assert_eq!((told["chats"].as_array().map(Vec::len), &told["online"]), (Some(MOST), &json!(false)));
    }
}
