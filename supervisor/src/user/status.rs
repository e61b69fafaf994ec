//! [`SessionStatus`]: a user's state in the five words that WAHA's clients know, and what is told when it changes.
//!
//! Pure: it reads a view. The finer states stay where they are, in [`super::Phase`] and [`SessionState`].

use colmeia::SessionState;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{Phase, UserView};
use crate::journal::StatusChange;

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum SessionStatus {
    /// Nothing runs, and nothing is on its way.
    Stopped,
    /// On its way, or back to it.
    Starting,
    /// A phone has to scan.
    ScanQrCode,
    /// Messages can be sent and received.
    Working,
    /// Someone has to do something.
    Failed,
}

impl SessionStatus {
    /// The status of a view.
    pub(crate) fn of(view: &UserView) -> Self {
        match (&view.phase, view.state()) {
            (Phase::Stopped | Phase::Held | Phase::Stopping, _) => Self::Stopped,
            (Phase::Parked { .. }, _) => Self::Failed,
            (_, Some(SessionState::Ready { .. })) => Self::Working,
            // Between two codes there is none to show, and still nothing to wait for but a scan.
            (_, Some(SessionState::AwaitingScan { .. })) => Self::ScanQrCode,
            _ => Self::Starting,
        }
    }

    /// As clients know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::ScanQrCode => "SCAN_QR_CODE",
            Self::Working => "WORKING",
            Self::Failed => "FAILED",
        }
    }

    /// What is told of it, with the reason where something ended unasked.
    pub(super) fn told(self, view: &UserView) -> StatusChange {
        let ended = match view.phase {
            Phase::Stopped | Phase::Held | Phase::Stopping | Phase::BackingOff { .. } => {
                view.last_exit.clone()
            }
            Phase::Parked { ref reason } => Some(reason.clone()),
            Phase::Queued { .. } | Phase::Starting | Phase::Running => None,
        };
        StatusChange {
            status: self.name(),
            me: view.state().and_then(SessionState::me).cloned(),
            exit: ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Wait;
    use colmeia::session::Disruption;
    use colmeia::{ExitReason, Me, SessionReport};
    use std::time::SystemTime;

    fn view(phase: Phase, state: Option<SessionState>) -> UserView {
        UserView {
            phase,
            since: SystemTime::UNIX_EPOCH,
            report: state.map(SessionReport::of),
            pid: None,
            restarts: 0,
            attempts: 0,
            last_exit: Some(ExitReason::Oom),
            was_linked: false,
            memory: None,
            pong: None,
            last_lines: std::sync::Arc::default(),
        }
    }

    #[test]
    fn every_state_is_one_of_five_and_only_a_session_that_can_send_is_working() {
        let me = Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() };
        let ready = SessionState::Ready { me: me.clone() };
        let lost = SessionState::Reconnecting { me: Some(me.clone()), cause: Disruption::ConnectionLost };
        for (phase, state, status) in [
            (Phase::Stopped, None, "STOPPED"),
            (Phase::Held, None, "STOPPED"),
            (Phase::Queued { wait: Wait::Starts }, None, "STARTING"),
            (Phase::Starting, None, "STARTING"),
            (Phase::BackingOff { until: SystemTime::UNIX_EPOCH }, None, "STARTING"),
            (Phase::Running, None, "STARTING"),
            (Phase::Running, Some(SessionState::AwaitingScan { qr: None }), "SCAN_QR_CODE"),
            (Phase::Running, Some(SessionState::Pairing), "STARTING"),
            (Phase::Running, Some(ready.clone()), "WORKING"),
            (Phase::Running, Some(lost), "STARTING"),
            (Phase::Stopping, Some(ready), "STOPPED"),
            (Phase::Parked { reason: ExitReason::Conflict }, None, "FAILED"),
        ] {
            let view = view(phase, state);
            let found = SessionStatus::of(&view);
            assert_eq!(found.name(), status, "{view:?}");
            assert_eq!(serde_json::to_value(found).expect("plain data"), status);
        }
    }

    #[test]
    fn the_reason_is_told_where_something_ended() {
        let told = |phase| {
            let view = view(phase, None);
            SessionStatus::of(&view).told(&view).exit
        };
        assert_eq!(told(Phase::BackingOff { until: SystemTime::UNIX_EPOCH }), Some(ExitReason::Oom));
        assert_eq!(told(Phase::Parked { reason: ExitReason::Conflict }), Some(ExitReason::Conflict));
        assert_eq!(told(Phase::Running), None);
    }
}
