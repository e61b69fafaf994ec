//! Answering a passkey's request, for the API and for the page alike: what is asked of the session, and what a failure
//! means. Owns the words in the log: who, and what came of it.

mod holds;

use colmeia::config::Passkey;
use colmeia::moment::now_ms;
use colmeia::passkey::{Assertion, Request};
use colmeia::protocol::{Call, CallErrorKind};

use super::access::{Sender, Who};
use crate::state::Http;
use colmeia_control::calls;
use colmeia_host::shares::Holder;
use colmeia_session::{CallFailure, UserHandle};
use holds::Held;

pub(super) use holds::Holds;

/// Why a step was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// This service passes no passkeys on.
    Off,
    /// Nothing of the kind is pending (any more).
    NotPending,
    /// Another caller of the API has asked for it.
    Held,
    /// A field is wrong, and what it has to be.
    Field(String, String),
    /// The session did not take it in time, or has ended; whether it counts shows in its state.
    Interrupted,
}

/// What a person or a program wants.
pub(super) enum Step {
    /// Here is what was signed.
    Answer(Box<Assertion>),
    /// Both codes are the same.
    Confirm,
    /// A code to scan instead.
    Cancel,
}

/// Who wants it.
pub(super) enum By<'a> {
    /// A program, as which of all callers it counts.
    Api(Sender, &'a Holder),
    /// Somebody at the page.
    Page(Sender),
}

impl By<'_> {
    /// The way they came, and who they are, for the log.
    fn told(&self, http: &Http) -> (&'static str, Who) {
        match self {
            Self::Api(sender, _) => ("api", http.access.who(*sender)),
            Self::Page(sender) => ("page", http.access.who(*sender)),
        }
    }
}

/// A program asks what is to be signed: it holds that from now on.
pub(super) fn ask(
    http: &Http,
    handle: &UserHandle,
    request: &Request,
    sender: Sender,
    holder: &Holder,
) -> Result<(), Refused> {
    let asked = http.passkeys.ask(&handle.user, holder, request, now_ms());
    let outcome = match asked {
        Ok(true) => "given",
        // It is asked for again and again.
        Ok(false) => return Ok(()),
        Err(Held) => "held",
    };
    let who = http.access.who(sender);
    tracing::info!(user = %handle.user, step = "challenge", by = "api", %who, outcome, "passkey");
    asked.map(drop).map_err(|Held| Refused::Held)
}

/// A program asks for the code.
pub(super) fn compare(http: &Http, handle: &UserHandle, holder: &Holder) -> Result<(), Refused> {
    http.passkeys.compare(&handle.user, holder, now_ms()).map_err(|Held| Refused::Held)
}

/// Does it, once. What comes of it at WhatsApp shows in the session's state.
pub(super) async fn take(http: &Http, handle: &UserHandle, step: Step, by: By<'_>) -> Result<(), Refused> {
    if http.config.passkey == Passkey::Off {
        return Err(Refused::Off);
    }
    let view = handle.view();
    let (pending, call) = match step {
        Step::Answer(assertion) => (view.passkey().is_some(), Call::PasskeyAnswer { assertion }),
        Step::Confirm => (view.passkey_code().is_some(), Call::PasskeyConfirm),
        Step::Cancel => (true, Call::PasskeyCancel),
    };
    let held = match (&by, &call, view.passkey()) {
        (By::Api(_, holder), Call::PasskeyAnswer { .. }, Some(request)) => {
            http.passkeys.ask(&handle.user, holder, request, now_ms()).is_err()
        }
        (By::Api(_, holder), Call::PasskeyConfirm, _) => {
            http.passkeys.compare(&handle.user, holder, now_ms()).is_err()
        }
        _ => false,
    };
    let ends = matches!((&by, &call), (By::Page(_), Call::PasskeyAnswer { .. } | Call::PasskeyCancel));
    let name = call.name();
    let outcome = if pending && held {
        Err(Refused::Held)
    } else if pending {
        let limit = http.request_deadline();
        calls::once(handle.clone(), call, None, limit).await.map(drop).map_err(|failure| read(&failure))
    } else {
        Err(Refused::NotPending)
    };
    if ends && outcome.is_ok() {
        http.passkeys.end(&handle.user);
    }
    let told = match &outcome {
        Ok(()) => "done",
        Err(Refused::Off) => "off",
        Err(Refused::NotPending) => "not_pending",
        Err(Refused::Held) => "held",
        Err(Refused::Field(..)) => "wrong_field",
        Err(Refused::Interrupted) => "interrupted",
    };
    let (by, who) = by.told(http);
    tracing::info!(user = %handle.user, step = name, by, %who, outcome = told, "passkey");
    outcome
}

fn read(failure: &CallFailure) -> Refused {
    match failure {
        CallFailure::Session(error) if error.kind == CallErrorKind::InvalidArgument => {
            let (field, rule) = error.message.split_once(' ').unwrap_or(("response", "is wrong"));
            Refused::Field(field.to_owned(), rule.to_owned())
        }
        CallFailure::Session(error) if error.kind == CallErrorKind::NotReady => Refused::NotPending,
        CallFailure::NotReady => Refused::NotPending,
        _ => Refused::Interrupted,
    }
}
