//! `POST /sessions/{user}/label`: what people call a session, and find it by. It is kept with the session's configuration.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use colmeia::UserId;
use colmeia::config::SessionSettings;
use colmeia::errors::chain;

use super::told::{Outcome, Posted};

pub(super) async fn label(Path(name): Path<String>, posted: Posted) -> Response {
    posted.act(&name, async |user| set(&posted, &user).await).await
}

async fn set(posted: &Posted, user: &UserId) -> Result<Outcome, Outcome> {
    let Posted { http, language, fields, .. } = posted;
    http.operators.known(user).await.map_err(|error| Outcome::failed(&error, *language))?;
    let named = named(&fields.label, &fields.tags);
    named.validate().map_err(|_| {
        let message = language.pick(
            "Nada foi feito: o nome pode ter até 100 caracteres, e há lugar para 10 etiquetas de até 32.",
            "Nothing was done: a name may have 100 characters, and there is room for 10 tags of 32 characters.",
        );
        Outcome::with(StatusCode::BAD_REQUEST, message)
    })?;
    let kept = http.store.change_session(user, move |settings| {
        settings.label = named.label;
        settings.tags = named.tags;
    });
    kept.await.map_err(|error| {
        tracing::error!(%user, error = chain(&error), "a session's name cannot be kept");
        let message = language.pick(
            "O nome não pôde ser gravado. Veja o log do serviço.",
            "The name could not be kept. See the service's log.",
        );
        Outcome::with(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    Ok(Outcome::done(language.pick("Nome e etiquetas gravados.", "Name and tags are kept.")))
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
