//! `POST /sessions/{user}/label`: what people call a session, and find it by. It is kept with the session's configuration.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use colmeia::config::SessionSettings;
use colmeia::errors::chain;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::Fields;
use super::told::{self, Outcome};
use crate::state::Http;

pub(super) async fn label(
    State(http): State<Http>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    told::act(&http, &headers, &name, &fields, async |user| {
        set(&http, &user, &fields, Language::of(&headers)).await
    })
    .await
}

async fn set(http: &Http, user: &UserId, fields: &Fields, language: Language) -> Result<Outcome, Outcome> {
    http.operators.known(user).await.map_err(|error| Outcome::failed(&error, language))?;
    let named = named(&fields.label, &fields.tags);
    named.validate().map_err(|_| {
        let message = match language {
            Portuguese => "Nada foi feito: o nome pode ter até 100 caracteres, e há lugar para 10 etiquetas de até 32.",
            English => "Nothing was done: a name may have 100 characters, and there is room for 10 tags of 32 characters.",
        };
        Outcome::with(StatusCode::BAD_REQUEST, message)
    })?;
    let kept = http.store.change_session(user, move |settings| {
        settings.label = named.label;
        settings.tags = named.tags;
    });
    kept.await.map_err(|error| {
        tracing::error!(%user, error = chain(&error), "a session's name cannot be kept");
        let message = match language {
            Portuguese => "O nome não pôde ser gravado. Veja o log do serviço.",
            English => "The name could not be kept. See the service's log.",
        };
        Outcome::with(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    Ok(Outcome::done(match language {
        Portuguese => "Nome e etiquetas gravados.",
        English => "Name and tags are kept.",
    }))
}

/// What was typed: spaces at the ends mean nothing, and neither does a tag that stands twice.
fn named(label: &str, tags: &str) -> SessionSettings {
    let mut found: Vec<String> = Vec::new();
    for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !found.iter().any(|known| known == tag) {
            found.push(tag.to_owned());
        }
    }
    let label = Some(label.trim().to_owned()).filter(|label| !label.is_empty());
    SessionSettings { label, tags: found, ..SessionSettings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_read_as_it_was_meant() {
        let read = named("  Loja da Ana ", "vendas, SP ,, vendas,");
        assert_eq!(
            (read.label.as_deref(), read.tags.as_slice()),
            (Some("Loja da Ana"), &["vendas".into(), "SP".into()][..])
        );
        assert_eq!(named(" ", " , "), SessionSettings::default());
    }
}
