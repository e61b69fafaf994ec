//! The session that a page's address names: found by whoever runs the service, and what people call it.

use axum::http::StatusCode;
use colmeia::UserId;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::told::Outcome;
use crate::state::Http;
use colmeia_session::UserHandle;

/// The session of this name, if it is known.
pub(super) async fn found(http: &Http, name: &str) -> Option<UserHandle> {
    http.operators.known(&name.parse().ok()?).await.ok()
}

/// That there is none.
pub(super) fn nobody(language: Language) -> Outcome {
    Outcome::with(
        StatusCode::NOT_FOUND,
        match language {
            Portuguese => "Esta sessão não existe.",
            English => "There is no such session.",
        },
    )
}

/// What people call the session; its name where they do not.
pub(super) fn label(http: &Http, user: &UserId) -> String {
    let label = http.store.session(user).and_then(|settings| settings.label);
    label.unwrap_or_else(|| user.as_str().to_owned())
}
