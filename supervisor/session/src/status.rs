//! [`SessionStatus`]: a user's state in the seven words that WAHA's clients know, and what is told when it changes.
//!
//! Pure: it reads a view. The finer states stay where they are, in [`super::Phase`] and [`SessionState`].

use std::time::Duration;

use colmeia::session::PasskeyStep;
use colmeia::{Restrictions, Secret, SessionState};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{Phase, UserView};
use colmeia_events::journal::StatusChange;
use colmeia_host::token_bucket::TokenBucket;

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionStatus {
    /// Nothing runs, and nothing is on its way.
    Stopped,
    /// On its way, or back to it.
    Starting,
    /// A phone has to scan.
    ScanQrCode,
    /// The account's owner has to use their passkey.
    PasskeyRequired,
    /// Somebody has to compare a code with the phone's.
    PasskeyConfirmationRequired,
    /// Messages can be sent and received.
    Working,
    /// Someone has to do something.
    Failed,
}

impl SessionStatus {
    /// The status of a view.
    pub fn of(view: &UserView) -> Self {
        match (&view.phase, view.state()) {
            (Phase::Stopped | Phase::Held | Phase::Stopping { back: None }, _) => Self::Stopped,
            (Phase::Parked { .. }, _) => Self::Failed,
            (_, Some(SessionState::Ready { .. })) => Self::Working,
            // Between two codes there is none to show, and still nothing to wait for but a scan.
            (_, Some(SessionState::AwaitingScan { .. })) => Self::ScanQrCode,
            // Answered, it is on its way like one that was scanned.
            (_, Some(SessionState::Passkey { me: None, step: PasskeyStep::Answered, .. })) => Self::Starting,
            // Whoever reads that a passkey is required fetches what has to be signed, so it has to be there.
            (_, Some(SessionState::Passkey { step: PasskeyStep::Asking, request: None, .. })) => {
                Self::Starting
            }
            (_, Some(SessionState::Passkey { .. })) => Self::PasskeyRequired,
            (_, Some(SessionState::PasskeyConfirm { .. })) => Self::PasskeyConfirmationRequired,
            _ => Self::Starting,
        }
    }

    /// As clients know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::ScanQrCode => "SCAN_QR_CODE",
            Self::PasskeyRequired => "PASSKEY_REQUIRED",
            Self::PasskeyConfirmationRequired => "PASSKEY_CONFIRMATION_REQUIRED",
            Self::Working => "WORKING",
            Self::Failed => "FAILED",
        }
    }

    /// What is told of it, with the reason where something ended unasked.
    fn told(self, view: &UserView) -> StatusChange {
        let ended = match view.phase {
            Phase::Stopped | Phase::Held | Phase::Stopping { back: None } | Phase::BackingOff { .. } => {
                view.last_exit.clone()
            }
            Phase::Parked { ref reason } | Phase::Stopping { back: Some(ref reason) } => Some(reason.clone()),
            Phase::Queued { .. } | Phase::Starting | Phase::Running => None,
        };
        StatusChange {
            status: self.name(),
            me: view.state().and_then(SessionState::me).cloned(),
            exit: ended,
            again: false,
            joined: 0,
            restrictions: Box::default(),
        }
    }
}

/// How many changes of a session may be told at once: several restarts with everything that goes with them.
const AT_ONCE: f64 = 60.0;
/// How many more each second: one in 15 s. A session that waits for a phone shows another code each 20 s.
const PER_SECOND: f64 = 1.0 / 15.0;

/// What was told of a session last, and so what is news. Owns that each code to scan is told once, and that a page which
/// flips its state fills no journal: beyond the quota changes wait, and those that wait are joined into the latest, which
/// is told in the end with how many there were.
#[derive(Debug)]
pub(super) struct StatusNotifier {
    status: SessionStatus,
    /// The code that was to be scanned then, or what was to be signed.
    code: Option<Secret>,
    /// What the account was restricted in then, as far as it was known.
    restrictions: ToldRestrictions,
    quota: TokenBucket,
    /// What waits for the quota, and from when on it is tried again.
    waiting: Option<(StatusChange, Duration)>,
    /// How many changes were not told for it.
    joined: u32,
}

impl StatusNotifier {
    /// Whoever has just come into being is stopped, and that is no news.
    pub(super) fn nothing() -> Self {
        let quota = TokenBucket::full(AT_ONCE, PER_SECOND, Duration::ZERO);
        let restrictions = ToldRestrictions::default();
        Self { status: SessionStatus::Stopped, code: None, restrictions, quota, waiting: None, joined: 0 }
    }

    /// What there is to tell now, after this view. Pure but for what it remembers.
    pub(super) fn news(&mut self, view: &UserView, at: Duration) -> Option<StatusChange> {
        let change = match (self.changed(view), self.waiting.take()) {
            (Some(change), Some(_)) => {
                self.joined = self.joined.saturating_add(1);
                change
            }
            (Some(change), None) => change,
            (None, Some((change, _))) => change,
            (None, None) => return None,
        };
        match self.quota.one(at) {
            Ok(()) => Some(self.counted(change)),
            Err(wait) => {
                self.waiting = Some((change, at + wait));
                None
            }
        }
    }

    /// When something that waits can be told.
    pub(super) fn due(&self) -> Option<Duration> {
        self.waiting.as_ref().map(|(_, again)| *again)
    }

    /// What still waits, at the end: nobody else will tell it.
    pub(super) fn last_word(&mut self) -> Option<StatusChange> {
        let (change, _) = self.waiting.take()?;
        Some(self.counted(change))
    }

    fn counted(&mut self, change: StatusChange) -> StatusChange {
        let joined = std::mem::take(&mut self.joined);
        StatusChange { again: change.again || joined > 0, joined, ..change }
    }

    /// What has changed with this view, told or not.
    ///
    /// `SCAN_QR_CODE` is told for each code when it can be fetched: not before the first, not between two, and again for
    /// the next one. So is `PASSKEY_REQUIRED` for each request.
    fn changed(&mut self, view: &UserView) -> Option<StatusChange> {
        let (status, code) = match view.state() {
            Some(SessionState::AwaitingScan { qr: None }) => match self.status {
                SessionStatus::ScanQrCode => return None,
                _ => (SessionStatus::Starting, None),
            },
            Some(SessionState::AwaitingScan { qr }) => (SessionStatus::ScanQrCode, qr.clone()),
            Some(SessionState::Passkey { request: None, step: PasskeyStep::Asking, .. }) => match self.status
            {
                SessionStatus::PasskeyRequired => return None,
                _ => (SessionStatus::Starting, None),
            },
            Some(SessionState::Passkey { request: Some(request), .. }) => {
                (SessionStatus::PasskeyRequired, Some(request.challenge.clone()))
            }
            _ => (SessionStatus::of(view), None),
        };
        let known = view.report.as_ref().map(|report| &report.restrictions);
        let (restrictions, restricted) = match (status, known) {
            (SessionStatus::Working, Some(known)) => self.restrictions.news(known),
            _ => Default::default(),
        };
        let again = status == self.status && ((code.is_some() && code != self.code) || restricted);
        if status == self.status && !again {
            return None;
        }
        (self.status, self.code) = (status, code);
        Some(StatusChange { again, restrictions: Box::new(restrictions), ..status.told(view) })
    }
}

/// What was told of an account's restrictions last. Nothing is told of an account that has none.
#[derive(Debug, Default)]
struct ToldRestrictions {
    /// When the lock ends, while one is in force.
    locked: Option<Option<u64>>,
    /// The word for the quota and when its cycle ends, while there is a warning.
    capped: Option<(String, Option<u64>)>,
}

impl ToldRestrictions {
    /// What is to be told with a session that works: what it is restricted in, and what it no longer is; and whether any
    /// of that is new. What is not known has not changed.
    fn news(&mut self, known: &Restrictions) -> (Restrictions, bool) {
        let (mut told, mut is_new) = (Restrictions::default(), false);
        if let Some(lock) = &known.timelock {
            let now = lock.active.then_some(lock.until_ms);
            let changed = now != std::mem::replace(&mut self.locked, now);
            told.timelock = Some(lock.clone()).filter(|lock| lock.active || changed);
            is_new |= changed;
        }
        if let Some(capping) = &known.capping {
            let now = (capping.status != "NONE").then(|| (capping.status.clone(), capping.cycle_end_ms));
            let changed = now != self.capped;
            told.capping = Some(capping.clone()).filter(|_| now.is_some() || changed);
            self.capped = now;
            is_new |= changed;
        }
        (told, is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Wait;
    use colmeia::session::Disruption;
    use colmeia::{ExitReason, Me, MessageCapping, ReachoutTimelock, SessionReport};
    use std::time::SystemTime;

    fn view(phase: Phase, state: Option<SessionState>) -> UserView {
        UserView {
            report: state.map(SessionReport::of),
            last_exit: Some(ExitReason::Oom),
            ..UserView::new(phase, SystemTime::UNIX_EPOCH)
        }
    }

    #[test]
    fn every_state_is_one_of_seven_and_only_a_session_that_can_send_is_working() {
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
            (Phase::Running, Some(passkey(PasskeyStep::Asking, None)), "STARTING"),
            (Phase::Running, Some(passkey(PasskeyStep::Signing, Some("a"))), "PASSKEY_REQUIRED"),
            (Phase::Running, Some(passkey(PasskeyStep::Answered, None)), "STARTING"),
            (
                Phase::Running,
                Some(SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") }),
                "PASSKEY_CONFIRMATION_REQUIRED",
            ),
            (Phase::Running, Some(SessionState::Pairing), "STARTING"),
            (Phase::Running, Some(ready.clone()), "WORKING"),
            (Phase::Running, Some(lost), "STARTING"),
            (Phase::Stopping { back: None }, Some(ready.clone()), "STOPPED"),
            (Phase::Stopping { back: Some(ExitReason::CapRecycle) }, Some(ready), "STARTING"),
            (Phase::Parked { reason: ExitReason::Conflict }, None, "FAILED"),
        ] {
            let view = view(phase, state);
            let found = SessionStatus::of(&view);
            assert_eq!(found.name(), status, "{view:?}");
            assert_eq!(serde_json::to_value(found).expect("plain data"), status);
        }
    }

    fn passkey(step: PasskeyStep, challenge: Option<&str>) -> SessionState {
        let request = challenge.map(|challenge| Box::new(crate::request(challenge, 0, 600_000)));
        SessionState::Passkey { me: None, step, request, refused: 0 }
    }

    #[test]
    fn each_request_for_a_passkey_is_told_once_and_its_data_only_while_it_is_pending() {
        let running = |state| view(Phase::Running, Some(state));
        let mut told = StatusNotifier::nothing();
        let mut news =
            |view: &UserView| told.news(view, Duration::ZERO).map(|change| (change.status, change.again));
        assert_eq!(news(&running(passkey(PasskeyStep::Asking, None))), Some(("STARTING", false)));
        let first = running(passkey(PasskeyStep::Signing, Some("a")));
        assert_eq!(news(&first), Some(("PASSKEY_REQUIRED", false)));
        assert_eq!(news(&first), None);
        assert_eq!(news(&running(passkey(PasskeyStep::Asking, None))), None, "the next one is on its way");
        assert_eq!(
            news(&running(passkey(PasskeyStep::Signing, Some("b")))),
            Some(("PASSKEY_REQUIRED", true))
        );
        let confirm = running(SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") });
        assert_eq!(news(&confirm), Some(("PASSKEY_CONFIRMATION_REQUIRED", false)));
        let data = first.status_data("PASSKEY_REQUIRED").expect("data");
        let expected = serde_json::json!({
            "challenge": "a", "timeout": 600_000, "rpId": "whatsapp.com", "allowCredentials": [],
            "userVerification": "required",
        });
        assert_eq!(data, expected);
        let code = confirm.status_data("PASSKEY_CONFIRMATION_REQUIRED");
        assert_eq!(code, Some(serde_json::json!({ "code": "ABCD-EFGH" })));
        assert_eq!(confirm.status_data("PASSKEY_REQUIRED"), None);
    }

    #[test]
    fn a_restriction_is_told_when_it_comes_and_when_it_goes_and_a_session_without_any_says_nothing_of_it() {
        let me = Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() };
        let lock = |active, until_ms| {
            let lock = ReachoutTimelock { active, enforcement: "DEFAULT".into(), until_ms };
            Restrictions { timelock: Some(lock), capping: None }
        };
        let quota = |status: &str, used| {
            let capping = MessageCapping {
                status: status.into(),
                total: 50,
                used,
                cycle_start_ms: None,
                cycle_end_ms: Some(9),
                mv_status: String::new(),
                ote_status: String::new(),
            };
            Restrictions { timelock: None, capping: Some(capping) }
        };
        let mut told = StatusNotifier::nothing();
        let mut news = |state: SessionState, restrictions: Restrictions| {
            let mut view = view(Phase::Running, Some(state));
            *view.report.as_mut().expect("a report").restrictions = restrictions;
            told.news(&view, Duration::ZERO).map(|change| (change.status, change.again, *change.restrictions))
        };
        let ready = || SessionState::Ready { me: me.clone() };
        let none = Restrictions::default;
        assert_eq!(news(ready(), none()), Some(("WORKING", false, none())));
        assert_eq!(news(ready(), lock(false, None)), None, "nothing is restricted");
        assert_eq!(news(ready(), lock(true, Some(5))), Some(("WORKING", true, lock(true, Some(5)))));
        assert_eq!(news(ready(), lock(true, Some(5))), None);
        assert_eq!(news(ready(), none()), None, "a new page has not asked yet");
        let lost = SessionState::Reconnecting { me: Some(me.clone()), cause: Disruption::ConnectionLost };
        assert_eq!(news(lost, lock(true, Some(5))), Some(("STARTING", false, none())));
        let again = Some(("WORKING", false, lock(true, Some(5))));
        assert_eq!(news(ready(), lock(true, Some(5))), again, "it comes with the status");
        assert_eq!(
            news(ready(), lock(true, Some(7))),
            Some(("WORKING", true, lock(true, Some(7)))),
            "longer"
        );
        assert_eq!(news(ready(), lock(false, None)), Some(("WORKING", true, lock(false, None))), "lifted");
        assert_eq!(news(ready(), quota("NONE", 3)), None);
        let warned = quota("FIRST_WARNING", 40);
        assert_eq!(news(ready(), warned.clone()), Some(("WORKING", true, warned)));
        assert_eq!(news(ready(), quota("FIRST_WARNING", 41)), None, "each new chat is no news");
        assert_eq!(news(ready(), quota("NONE", 0)), Some(("WORKING", true, quota("NONE", 0))));
    }

    #[test]
    fn each_code_is_told_once_when_it_can_be_fetched() {
        let awaiting = |code: Option<&str>| {
            view(Phase::Running, Some(SessionState::AwaitingScan { qr: code.map(Secret::new) }))
        };
        let mut told = StatusNotifier::nothing();
        let mut news =
            |view: &UserView| told.news(view, Duration::ZERO).map(|change| (change.status, change.again));
        assert_eq!(news(&view(Phase::Stopped, None)), None);
        assert_eq!(news(&view(Phase::Starting, None)), Some(("STARTING", false)));
        assert_eq!(news(&awaiting(None)), None, "there is nothing to fetch yet");
        assert_eq!(news(&awaiting(Some("2@a"))), Some(("SCAN_QR_CODE", false)));
        assert_eq!(news(&awaiting(Some("2@a"))), None);
        assert_eq!(news(&awaiting(None)), None, "between two codes");
        assert_eq!(news(&awaiting(Some("2@a"))), None, "the same one");
        assert_eq!(news(&awaiting(Some("2@b"))), Some(("SCAN_QR_CODE", true)));
        assert_eq!(news(&awaiting(Some("2@c"))), Some(("SCAN_QR_CODE", true)));
        assert_eq!(news(&view(Phase::Running, Some(SessionState::Pairing))), Some(("STARTING", false)));
        assert_eq!(news(&view(Phase::Running, Some(SessionState::Pairing))), None);
        assert_eq!(news(&awaiting(Some("2@c"))), Some(("SCAN_QR_CODE", false)));
        let me = Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() };
        let ready = view(Phase::Running, Some(SessionState::Ready { me }));
        assert_eq!(news(&ready), Some(("WORKING", false)));
        assert_eq!(news(&awaiting(None)), Some(("STARTING", false)), "it works no more");
    }

    /// A page that was taken over flips its state 200 times a second for a day.
    #[test]
    fn flips_are_joined_and_the_latest_state_is_told_in_the_end_with_their_number() {
        let me = || Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() };
        let states = [
            view(Phase::Running, Some(SessionState::Ready { me: me() })),
            view(Phase::Running, Some(SessionState::Pairing)),
        ];
        let (mut told, mut rows, mut joined) = (StatusNotifier::nothing(), 0, 0);
        let flips: u32 = 200 * 600;
        for n in 0..flips {
            let at = Duration::from_millis(5) * n;
            if let Some(change) = told.news(&states[n as usize % 2], at) {
                rows += 1;
                joined += change.joined;
                assert_eq!(change.again, change.joined > 0);
            }
        }
        assert!(rows <= 60 + 600 / 15, "{rows} in ten minutes");
        // The last of them was `Pairing`, and it is told once there is room for it.
        let due = told.due().expect("something waits");
        assert_eq!(told.news(&states[1], due.saturating_sub(Duration::from_millis(2))), None);
        let last = told.news(&states[1], due).expect("told in the end");
        assert_eq!((last.status, rows + 1 + joined + last.joined), ("STARTING", flips));
        assert_eq!((told.due(), told.last_word()), (None, None));
        // Who ends says what still waits.
        assert_eq!(told.news(&states[0], due), None);
        assert_eq!(told.last_word().map(|change| (change.status, change.joined)), Some(("WORKING", 0)));
    }

    #[test]
    fn a_session_that_waits_for_a_phone_tells_every_code() {
        let mut told = StatusNotifier::nothing();
        for n in 0..5_000_u32 {
            let code = Some(Secret::new(format!("2@{n}")));
            let view = view(Phase::Running, Some(SessionState::AwaitingScan { qr: code }));
            let change = told.news(&view, Duration::from_secs(20) * n).expect("each");
            assert_eq!((change.status, change.joined), ("SCAN_QR_CODE", 0));
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
        assert_eq!(
            told(Phase::Stopping { back: Some(ExitReason::CapRecycle) }),
            Some(ExitReason::CapRecycle)
        );
        assert_eq!(told(Phase::Running), None);
    }
}
