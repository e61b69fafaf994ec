//! [`Caller`]: who a request comes from, as far as it matters: what they may do, and with which sessions. Pure.

use std::collections::BTreeSet;

use colmeia::UserId;

use colmeia_store::{Actions, NewKey};

/// What a request wants with a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyAction {
    /// To look: chats, messages, contacts, events.
    Read,
    /// To do what others see.
    Send,
    /// To start, stop, link, configure or delete the session itself.
    Control,
    /// To get a message's file.
    Media,
}

/// Who may do what; put into a request's extensions by [`super::guard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    admin: bool,
    /// None named means all.
    sessions: BTreeSet<UserId>,
    actions: Actions,
}

impl Caller {
    /// One who may do everything: a key without limits, or the same machine.
    pub(crate) fn unlimited() -> Self {
        Self { admin: true, sessions: BTreeSet::new(), actions: Actions::ALL }
    }

    /// Whoever shows a key with these grants.
    pub(super) fn of(grants: &NewKey) -> Self {
        Self { admin: grants.admin, sessions: grants.sessions.clone(), actions: grants.actions }
    }

    /// Whether everything is allowed, keys and the service itself too.
    pub(crate) fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether this may be done with any session at all.
    pub(crate) fn may_somewhere(&self, action: KeyAction) -> bool {
        self.admin || self.allows(action)
    }

    /// Whether this may be done with this session.
    pub(crate) fn may(&self, action: KeyAction, session: &UserId) -> bool {
        let named = self.sessions.is_empty() || self.sessions.contains(session);
        self.admin || (named && self.allows(action))
    }

    fn allows(&self, action: KeyAction) -> bool {
        match action {
            KeyAction::Read => self.actions.read,
            KeyAction::Send => self.actions.send,
            KeyAction::Control => self.actions.control,
            KeyAction::Media => self.actions.media || self.actions.read,
        }
    }
}

impl KeyAction {
    /// Its name in errors and in the document.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Control => "control",
            Self::Media => "media",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn user(id: &str) -> UserId {
        id.parse().expect("valid")
    }

    #[test]
    fn a_key_reaches_what_it_names_and_nothing_else() {
        let grants = NewKey {
            name: String::new(),
            active: true,
            admin: false,
            sessions: BTreeSet::from([user("1")]),
            actions: Actions { read: true, ..Actions::default() },
        };
        let caller = Caller::of(&grants);
        assert!(caller.may(KeyAction::Read, &user("1")) && caller.may(KeyAction::Media, &user("1")));
        assert!(!caller.may(KeyAction::Read, &user("2")) && !caller.may(KeyAction::Send, &user("1")));
        let everywhere = Caller::of(&NewKey { sessions: BTreeSet::new(), ..grants });
        assert!(
            everywhere.may(KeyAction::Read, &user("2")) && !everywhere.may(KeyAction::Control, &user("2"))
        );
        assert!(!everywhere.is_admin() && Caller::unlimited().is_admin());
    }

    proptest! {
        #[test]
        fn only_an_admin_reaches_a_session_that_a_key_does_not_name(
            read: bool, send: bool, control: bool, media: bool, admin: bool,
        ) {
            let actions = Actions { read, send, control, media };
            let sessions = BTreeSet::from([user("1")]);
            let caller = Caller::of(&NewKey { name: String::new(), active: true, admin, sessions, actions });
            for action in [KeyAction::Read, KeyAction::Send, KeyAction::Control, KeyAction::Media] {
                prop_assert_eq!(caller.may(action, &user("2")), admin);
            }
        }
    }
}
