//! [`SessionSummary`]: what a user's view means to a caller.
//!
//! Owns the one reading of a [`UserView`] that `/qr`, `/status` and the pages share. Pure. **Only
//! [`SessionSummary::Ready`] is ready**, and only a connected worker that vouches for it makes it so.

use colmeia::passkey::Request;
use colmeia::session::{Disruption, PasskeyStep};
use colmeia::{ExitReason, Me, SessionState};

use colmeia_session::admission::Wait;
use colmeia_session::{Phase, UserView};

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant says what its fields are")]
pub enum SessionSummary<'a> {
    /// No process, and none on its way.
    Absent,
    /// An operator stopped it, and nobody else can start it.
    Held,
    /// All places are taken, or the `memory` that there is.
    AtCapacity { linked: bool, memory: bool },
    /// Something is being started or ended. `linked` when a phone was linked and the session is coming back;
    /// `again` when it is because of a failure.
    Underway { linked: bool, again: bool },
    /// A code can be scanned.
    Code { qr: &'a str },
    /// The code was scanned.
    Pairing,
    /// The account's owner has to use their passkey; `me` where it is linked already and has to stay so.
    Passkey { me: Option<&'a Me>, request: Option<&'a Request>, refused: u32 },
    /// The account asks for a passkey, and the operator has switched them off; `me` as above.
    PasskeyOff { me: Option<&'a Me> },
    /// Somebody has to compare this code with the phone's.
    PasskeyCode { code: &'a str },
    /// Registered; the history is being fetched.
    Syncing { me: Option<&'a Me>, percent: Option<u8> },
    /// Messages can be sent.
    Ready { me: &'a Me },
    /// Registered, but nothing can be sent now.
    Reconnecting { me: Option<&'a Me>, cause: Disruption },
    /// It failed too often.
    Failed { reason: &'a ExitReason },
}

impl<'a> SessionSummary<'a> {
    /// Reads a view.
    pub fn of(view: &'a UserView) -> Self {
        let linked = view.was_linked;
        let state = match &view.phase {
            Phase::Stopped => return Self::Absent,
            Phase::Held => return Self::Held,
            Phase::Queued { wait: Wait::Place | Wait::Resources } => {
                return Self::AtCapacity { linked, memory: false };
            }
            Phase::Queued { wait: Wait::Memory } => return Self::AtCapacity { linked, memory: true },
            Phase::Queued { wait: Wait::Starts } | Phase::Starting => None,
            Phase::BackingOff { .. } => return Self::Underway { linked, again: true },
            Phase::Stopping { back: None } => return Self::Underway { linked: false, again: false },
            Phase::Stopping { back: Some(_) } => return Self::Underway { linked, again: true },
            Phase::Parked { reason } => return Self::Failed { reason },
            Phase::Running => view.state(),
        };
        match state {
            None => Self::Underway { linked, again: view.attempts > 0 },
            Some(state) => Self::of_state(state, linked),
        }
    }

    fn of_state(state: &'a SessionState, linked: bool) -> Self {
        match state {
            SessionState::Launching | SessionState::Loading => Self::Underway { linked, again: false },
            SessionState::AwaitingScan { qr: Some(qr) } => Self::Code { qr: qr.expose() },
            SessionState::AwaitingScan { qr: None }
            | SessionState::LoggedOut { .. }
            | SessionState::Stopping => Self::Underway { linked: false, again: false },
            SessionState::Pairing | SessionState::Passkey { me: None, step: PasskeyStep::Answered, .. } => {
                Self::Pairing
            }
            SessionState::Passkey { me, step: PasskeyStep::Off, .. } => Self::PasskeyOff { me: me.as_ref() },
            SessionState::Passkey { me, request, refused, .. } => {
                Self::Passkey { me: me.as_ref(), request: request.as_deref(), refused: *refused }
            }
            SessionState::PasskeyConfirm { code } => Self::PasskeyCode { code: code.expose() },
            SessionState::Syncing { me, percent } => Self::Syncing { me: me.as_ref(), percent: *percent },
            SessionState::Ready { me } => Self::Ready { me },
            SessionState::Reconnecting { me, cause } => Self::Reconnecting { me: me.as_ref(), cause: *cause },
            SessionState::Failed { .. } => Self::Underway { linked, again: true },
        }
    }

    /// The account, once it is known.
    pub fn me(self) -> Option<&'a Me> {
        match self {
            Self::Ready { me } => Some(me),
            Self::Syncing { me, .. }
            | Self::Reconnecting { me, .. }
            | Self::Passkey { me, .. }
            | Self::PasskeyOff { me } => me,
            _ => None,
        }
    }

    /// Whether messages can be sent.
    pub fn is_ready(self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// Whether the page is connected to WhatsApp as this account now. Flask's pages say "connected" wherever this is
    /// so, and name the account; so it is never said of a session that is only known to be linked.
    pub fn is_connected(self) -> bool {
        matches!(self, Self::Syncing { .. } | Self::Ready { .. })
    }

    /// The account, while the page is connected as it.
    pub fn connected_as(self) -> Option<&'a Me> {
        self.me().filter(|_| self.is_connected())
    }

    /// Whether there is a registration, as far as is known; connected or not.
    pub fn is_linked(self) -> bool {
        match self {
            Self::Syncing { .. } | Self::Ready { .. } | Self::Reconnecting { .. } => true,
            Self::Passkey { me, .. } | Self::PasskeyOff { me } => me.is_some(),
            Self::AtCapacity { linked, .. } | Self::Underway { linked, .. } => linked,
            Self::Absent
            | Self::Held
            | Self::Code { .. }
            | Self::PasskeyCode { .. }
            | Self::Pairing
            | Self::Failed { .. } => false,
        }
    }

    /// Whether the phone's part is done and ours is not: it becomes ready, or comes back, by itself.
    pub fn is_connecting(self) -> bool {
        let person = matches!(self, Self::Passkey { .. } | Self::PasskeyOff { .. });
        let by_itself = self.is_linked() && !self.is_ready() && !person;
        matches!(self, Self::Pairing) || by_itself
    }

    /// Whether it was connected and is coming back by itself.
    pub fn is_reconnecting(self) -> bool {
        match self {
            Self::Reconnecting { .. } => true,
            Self::Underway { linked, again } => linked || again,
            Self::AtCapacity { linked, .. } => linked,
            _ => false,
        }
    }
}

/// The name of where a user stands, finer than [`SessionSummary`]: for `/status`, logs and lists.
pub fn state_name(view: &UserView) -> &'static str {
    match &view.phase {
        Phase::Stopped => "disconnected",
        Phase::Held => "stopped",
        Phase::Queued { .. } => "queued",
        Phase::Starting => "starting",
        Phase::Running => match view.state() {
            None => "unresponsive",
            // What WhatsApp, or a person, has to end has a name of its own.
            Some(SessionState::Reconnecting {
                cause:
                    cause @ (Disruption::Conflict
                    | Disruption::ServiceUnavailable
                    | Disruption::TemporaryBan
                    | Disruption::PageOutdated
                    | Disruption::ScreenLocked
                    | Disruption::ProxyRefused),
                ..
            }) => cause.name(),
            Some(state) => state.name(),
        },
        Phase::BackingOff { .. } => "backing_off",
        Phase::Stopping { .. } => "stopping",
        Phase::Parked { .. } => "failed",
    }
}
