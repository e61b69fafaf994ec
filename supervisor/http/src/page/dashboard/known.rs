//! The session that a page's address names: found by whoever runs the service, and what people call it.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use colmeia::UserId;

use super::super::super::negotiate::Language;
use super::told::Outcome;
use crate::state::Http;
use colmeia_session::UserHandle;

/// The session of the address, if it is known. Whoever names another is told that there is none, and no handler runs.
pub(super) struct Known(pub(super) UserHandle);

impl FromRequestParts<Http> for Known {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Response> {
        let named = Path::<Vec<(String, String)>>::from_request_parts(parts, http).await;
        let name = named.ok().and_then(|Path(named)| named.into_iter().find(|(name, _)| name == "user"));
        let user = name.and_then(|(_, user)| user.parse::<UserId>().ok());
        let handle = match &user {
            Some(user) => http.operators.known(user).await.ok(),
            None => None,
        };
        let none = || nobody(Language::of(&parts.headers)).answer(http, &parts.headers, "/");
        let handle = handle.ok_or_else(none)?;
        tracing::Span::current().record("user", handle.user.as_str());
        Ok(Self(handle))
    }
}

/// That there is none.
pub(super) fn nobody(language: Language) -> Outcome {
    Outcome::with(
        StatusCode::NOT_FOUND,
        language.pick("Esta sessão não existe.", "There is no such session."),
    )
}

/// What people call the session; its name where they do not.
pub(super) fn label(http: &Http, user: &UserId) -> String {
    let label = http.store.sessions().get(user).and_then(|settings| settings.label.clone());
    label.unwrap_or_else(|| user.as_str().to_owned())
}
