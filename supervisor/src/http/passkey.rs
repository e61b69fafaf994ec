//! Answering a passkey's request, for the API and for the page alike: what is asked of the session, and what a failure
//! means. Owns the words in the log: who, and what came of it.

use std::time::Duration;

use colmeia::config::Passkey;
use colmeia::passkey::Assertion;
use colmeia::protocol::{Call, CallErrorKind};

use super::{Http, calls};
use crate::user::{CallFailure, UserHandle};

/// Why a step was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// This service passes no passkeys on.
    Off,
    /// Nothing of the kind is pending (any more).
    NotPending,
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

/// Does it, once, for whoever came this way (`api` or `page`). What comes of it at WhatsApp shows in the session's state.
pub(super) async fn take(http: &Http, handle: &UserHandle, step: Step, by: &str) -> Result<(), Refused> {
    if http.config.passkey == Passkey::Off {
        return Err(Refused::Off);
    }
    let view = handle.view();
    let (pending, call) = match step {
        Step::Answer(assertion) => (view.passkey().is_some(), Call::PasskeyAnswer { assertion }),
        Step::Confirm => (view.passkey_code().is_some(), Call::PasskeyConfirm),
        Step::Cancel => (true, Call::PasskeyCancel),
    };
    let name = call.name();
    let outcome = if pending {
        let limit = Duration::from_millis(http.config.request_deadline_ms);
        calls::once(handle.clone(), call, None, limit).await.map(drop).map_err(|failure| read(&failure))
    } else {
        Err(Refused::NotPending)
    };
    let told = match &outcome {
        Ok(()) => "done",
        Err(Refused::Off) => "off",
        Err(Refused::NotPending) => "not_pending",
        Err(Refused::Field(..)) => "wrong_field",
        Err(Refused::Interrupted) => "interrupted",
    };
    tracing::info!(user = %handle.user, step = name, by, outcome = told, "passkey");
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
