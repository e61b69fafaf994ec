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
use super::view::UserView;

/// What has to be signed, as `PublicKeyCredential.parseRequestOptionsFromJSON()` reads it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Challenge<'a> {
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
    pub(crate) fn passkey(&self) -> Option<&Request> {
        match self.state() {
            Some(SessionState::Passkey { request, .. }) => request.as_deref(),
            _ => None,
        }
    }

    /// The code that has to be compared, while it is shown.
    pub(crate) fn passkey_code(&self) -> Option<&str> {
        match self.state() {
            Some(SessionState::PasskeyConfirm { code }) => Some(code.expose()),
            _ => None,
        }
    }

    /// What goes with this status when it is told now; nothing when the session is no longer there.
    pub(crate) fn status_data(&self, status: &str) -> Option<Value> {
        if SessionStatus::of(self).name() != status {
            return None;
        }
        let options = self.passkey().map(|request| json!(Challenge::from(request)));
        options.or_else(|| self.passkey_code().map(|code| json!({ "code": code })))
    }
}

/// A step of a passkey and what came of it: words for the log and for counting.
pub(super) type Step = (&'static str, &'static str);

/// What has happened between two states, if anything.
pub(super) fn step(before: Option<&SessionState>, after: Option<&SessionState>) -> Option<Step> {
    use SessionState::{AwaitingScan, Pairing, Passkey, PasskeyConfirm, Ready, Syncing};
    let asks = |state: Option<&SessionState>| matches!(state, Some(Passkey { .. } | PasskeyConfirm { .. }));
    if !asks(before) {
        return match after {
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

/// For whoever runs the service: who, when and what came of it, never the contents.
pub(super) fn log(user: &UserId, (step, outcome): Step) {
    tracing::info!(%user, step, outcome, "passkey");
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::{Me, Secret};

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
}
