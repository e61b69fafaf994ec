//! What a passkey of an account means beyond its session: the words that are told of it, what is counted, and the
//! operator's log. Pure but for the log.
//!
//! Owns that requests and codes go to whoever asks now, and are kept nowhere: the journal has the status alone.

use colmeia::passkey::Request;
use colmeia::session::PasskeyStep;
use colmeia::{SessionState, UserId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::status::SessionStatus;
use super::view::{Over, Phase, UserView};

/// What is said to a program about an account that asks for a passkey where they are switched off.
pub const SWITCHED_OFF: &str =
    "The account asks for a passkey, and this service links no such accounts: its key passkey is \"off\"";

/// What has to be signed, as `PublicKeyCredential.parseRequestOptionsFromJSON()` reads it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Challenge<'a> {
    /// In base64url.
    challenge: &'a str,
    /// How long the page waits, in milliseconds.
    timeout: u64,
    rp_id: &'a str,
    allow_credentials: Vec<Allowed<'a>>,
    /// `required`, `preferred` or `discouraged`.
    user_verification: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    extensions: Option<&'a Value>,
}

/// A credential that fits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Allowed<'a> {
    /// In base64url.
    id: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    transports: &'a [String],
}

impl<'a> From<&'a Request> for Challenge<'a> {
    fn from(request: &'a Request) -> Self {
        let allowed = |credential: &'a colmeia::passkey::Credential| Allowed {
            id: credential.id.expose(),
            r#type: &credential.kind,
            transports: &credential.transports,
        };
        Self {
            challenge: request.challenge.expose(),
            timeout: request.timeout,
            rp_id: &request.rp_id,
            allow_credentials: request.allow_credentials.iter().map(allowed).collect(),
            user_verification: &request.user_verification,
            extensions: request.extensions.as_ref(),
        }
    }
}

impl UserView {
    /// What the account's owner has to sign, while that is awaited.
    pub fn passkey(&self) -> Option<&Request> {
        match self.state() {
            Some(SessionState::Passkey { request, .. }) => request.as_deref(),
            _ => None,
        }
    }

    /// The code that has to be compared, while it is shown.
    pub fn passkey_code(&self) -> Option<&str> {
        match self.state() {
            Some(SessionState::PasskeyConfirm { code }) => Some(code.expose()),
            _ => None,
        }
    }

    /// What goes with this status when it is told now; nothing when the session is no longer there.
    pub fn status_data(&self, status: &str) -> Option<Value> {
        if SessionStatus::of(self).name() != status {
            return None;
        }
        if matches!(self.state(), Some(SessionState::Passkey { step: PasskeyStep::Off, .. })) {
            return Some(json!({ "switchedOff": true, "message": SWITCHED_OFF }));
        }
        let options = self.passkey().map(|request| json!(Challenge::from(request)));
        options.or_else(|| self.passkey_code().map(|code| json!({ "code": code })))
    }
}

/// A step of a passkey and what came of it: words for the log and for counting.
pub(super) type PasskeyCount = (&'static str, &'static str);

/// What has happened between two states, if anything.
pub(super) fn step(before: Option<&SessionState>, after: Option<&SessionState>) -> Option<PasskeyCount> {
    use SessionState::{AwaitingScan, Pairing, Passkey, PasskeyConfirm, Ready, Syncing};
    let asks = |state: Option<&SessionState>| matches!(state, Some(Passkey { .. } | PasskeyConfirm { .. }));
    if !asks(before) {
        return match after {
            Some(Passkey { step: PasskeyStep::Off, .. }) => Some(("asked", "switched_off")),
            Some(Passkey { me: None, .. } | PasskeyConfirm { .. }) => Some(("asked", "to_link")),
            Some(Passkey { me: Some(_), .. }) => Some(("asked", "checkpoint")),
            _ => None,
        };
    }
    let is_signing = |step: &PasskeyStep| *step == PasskeyStep::Signing;
    match (before, after) {
        (Some(Passkey { refused: a, .. }), Some(Passkey { refused: b, .. })) if b > a => {
            Some(("answered", "not_accepted"))
        }
        (Some(Passkey { step: a, .. }), Some(Passkey { step: b, .. })) => {
            if !is_signing(a) && is_signing(b) {
                Some(("asked", "request"))
            } else if is_signing(a) && *b == PasskeyStep::Answered {
                Some(("answered", "handed_over"))
            } else {
                None
            }
        }
        (Some(Passkey { .. }), Some(PasskeyConfirm { .. })) => Some(("answered", "code_to_compare")),
        (_, Some(Passkey { .. } | PasskeyConfirm { .. })) => None,
        (_, Some(Pairing | Syncing { .. } | Ready { .. })) => Some(("ended", "accepted")),
        (_, Some(AwaitingScan { .. })) => Some(("ended", "given_up")),
        _ => Some(("ended", "lost")),
    }
}

/// Whether the view says how the session is; a worker that is silent for a moment has lost nothing yet.
pub(super) fn is_known(view: &UserView) -> bool {
    view.state().is_some() || view.phase != Phase::Running
}

/// What there is to say of it after the state that was known last, with what there was to say before; `now` in milliseconds
/// since the epoch. A phone that scans again, and a session that is linked or stopped, have nothing more to say of it.
pub(super) fn over(
    last: Option<&SessionState>,
    said: Option<Over>,
    after: &UserView,
    now: u64,
) -> Option<Over> {
    use SessionState::{Pairing, Passkey, PasskeyConfirm, Ready, Reconnecting, Syncing};
    if !is_known(after) {
        return said;
    }
    match after.state() {
        Some(
            Pairing
            | Passkey { .. }
            | PasskeyConfirm { .. }
            | Syncing { .. }
            | Ready { .. }
            | Reconnecting { .. },
        ) => {
            return None;
        }
        _ if matches!(after.phase, Phase::Stopped | Phase::Held) => return None,
        _ => {}
    }
    match last {
        Some(Passkey { me: None, request: Some(request), .. }) if request.until_ms <= now => {
            Some(Over::Expired)
        }
        Some(Passkey { me: None, step: PasskeyStep::Off, .. }) => Some(Over::Off),
        Some(Passkey { me: None, .. } | PasskeyConfirm { .. }) => Some(Over::Ended),
        _ => said,
    }
}

/// For whoever runs the service: who, when and what came of it, never the contents.
pub(super) fn log(user: &UserId, (step, outcome): PasskeyCount) {
    tracing::info!(%user, step, outcome, "passkey");
}

/// A request of WhatsApp's, for tests.
#[cfg(any(test, feature = "testing"))]
pub fn request(challenge: &str, since_ms: u64, until_ms: u64) -> Request {
    Request {
        challenge: colmeia::Secret::new(challenge),
        timeout: 600_000,
        rp_id: "whatsapp.com".into(),
        origin: "https://web.whatsapp.com".into(),
        allow_credentials: Vec::new(),
        user_verification: "required".into(),
        extensions: None,
        since_ms,
        until_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::{Me, Secret, SessionReport};

    fn passkey(step: PasskeyStep, refused: u32, linked: bool) -> SessionState {
        let me = Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() };
        SessionState::Passkey { me: linked.then_some(me), step, request: None, refused }
    }

    #[test]
    fn each_step_is_told_once_with_its_outcome() {
        let confirm = SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") };
        let waiting = SessionState::AwaitingScan { qr: None };
        let lives = [
            waiting.clone(),
            passkey(PasskeyStep::Asking, 0, false),
            passkey(PasskeyStep::Signing, 0, false),
            passkey(PasskeyStep::Answered, 0, false),
            passkey(PasskeyStep::Asking, 1, false),
            passkey(PasskeyStep::Signing, 1, false),
            confirm.clone(),
            passkey(PasskeyStep::Answered, 1, false),
            SessionState::Pairing,
        ];
        let told: Vec<_> = lives.windows(2).filter_map(|two| step(Some(&two[0]), Some(&two[1]))).collect();
        assert_eq!(
            told,
            [
                ("asked", "to_link"),
                ("asked", "request"),
                ("answered", "handed_over"),
                ("answered", "not_accepted"),
                ("asked", "request"),
                ("answered", "code_to_compare"),
                ("ended", "accepted"),
            ]
        );
        let asking = passkey(PasskeyStep::Signing, 0, false);
        assert_eq!(step(Some(&asking), Some(&waiting)), Some(("ended", "given_up")));
        assert_eq!(step(Some(&asking), Some(&SessionState::Loading)), Some(("ended", "lost")));
        assert_eq!(step(Some(&asking), None), Some(("ended", "lost")));
        assert_eq!(step(None, Some(&passkey(PasskeyStep::Signing, 0, true))), Some(("asked", "checkpoint")));
        assert_eq!(step(Some(&waiting), Some(&SessionState::Pairing)), None);
    }

    #[test]
    fn whoever_finds_a_new_code_learns_why_until_a_phone_scans_it() {
        let view = |phase| UserView::new(phase, std::time::SystemTime::UNIX_EPOCH);
        let running = |state| UserView { report: Some(SessionReport::of(state)), ..view(Phase::Running) };
        let asking = |until_ms| SessionState::Passkey {
            me: None,
            step: PasskeyStep::Signing,
            request: Some(Box::new(request("AAAA", 1, until_ms))),
            refused: 0,
        };
        let waiting = || running(SessionState::AwaitingScan { qr: None });
        let after = |last: SessionState| over(Some(&last), None, &waiting(), 600);
        assert_eq!(after(asking(600)), Some(Over::Expired));
        assert_eq!(after(asking(601)), Some(Over::Ended), "cancelled, or given up early");
        let off = passkey(PasskeyStep::Off, 0, false);
        assert_eq!(after(off.clone()), Some(Over::Off));
        assert_eq!(step(None, Some(&off)), Some(("asked", "switched_off")));
        let told = running(off).status_data("PASSKEY_REQUIRED").expect("something to say");
        assert_eq!(told["switchedOff"], true);
        let confirm = SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") };
        assert_eq!(after(confirm), Some(Over::Ended));
        assert_eq!(
            after(passkey(PasskeyStep::Signing, 0, true)),
            None,
            "a linked session has no code to scan"
        );
        assert_eq!(after(SessionState::Loading), None);
        // It stays until something else is true.
        let told = Some(Over::Expired);
        let code = SessionState::AwaitingScan { qr: None };
        assert_eq!(over(Some(&code), told, &waiting(), 700), told);
        assert_eq!(over(Some(&code), told, &view(Phase::Starting), 700), told, "and over a new worker");
        for state in [SessionState::Pairing, asking(900)] {
            assert_eq!(over(Some(&code), told, &running(state), 700), None);
        }
        let silent = view(Phase::Running);
        assert!(!is_known(&silent) && is_known(&waiting()) && is_known(&view(Phase::Starting)));
        assert_eq!(over(Some(&asking(600)), None, &silent, 700), None, "nobody knows");
        assert_eq!(over(Some(&code), told, &view(Phase::Stopped), 700), None);
    }
}
