//! `POST /sessions/{user}/label`: what people call a session, and find it by. It is kept with the session's configuration.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use colmeia::UserId;
use colmeia::config::{InvalidSettings, SessionSettings};
use colmeia::errors::chain;

use super::super::super::negotiate::Language;
use super::told::{Outcome, Posted};

pub(super) async fn label(Path(name): Path<String>, posted: Posted) -> Response {
    posted.act(&name, async |user| set(&posted, &user).await).await
}

async fn set(posted: &Posted, user: &UserId) -> Result<Outcome, Outcome> {
    let Posted { http, language, fields, .. } = posted;
    http.operators.known(user).await.map_err(|error| Outcome::failed(&error, *language))?;
    let named = named(&fields.label, &fields.tags);
    named.validate().map_err(|wrong| refused(&wrong, *language))?;
    let kept = http.store.change_session(user, move |settings| {
        settings.label = named.label;
        settings.tags = named.tags;
    });
    kept.await.map_err(|error| {
        tracing::error!(%user, error = chain(&error), "a session's name cannot be kept");
        let message = language.pick(
            "O nome não pôde ser salvo. Veja o log do serviço.",
            "The name could not be saved. See the service's log.",
        );
        Outcome::with(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    Ok(Outcome::done(language.pick("Nome e etiquetas salvos.", "Name and tags are saved.")))
}

/// At its field of the form.
fn refused(wrong: &InvalidSettings, language: Language) -> Outcome {
    let (field, portuguese, english) = if wrong.field == "config.label" {
        (
            "label",
            "Nada foi salvo: o nome pode ter até 100 caracteres, sem caracteres invisíveis.",
            "Nothing was saved: a name may have 100 characters, none of them invisible.",
        )
    } else {
        (
            "tags",
            "Nada foi salvo: são no máximo 10 etiquetas, cada uma com até 32 caracteres, sem caracteres invisíveis.",
            "Nothing was saved: there may be 10 tags, each of 32 characters, none of them invisible.",
        )
    };
    let message = language.pick(portuguese, english);
    Outcome { field: Some(field), ..Outcome::with(StatusCode::BAD_REQUEST, message) }
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
    fn what_is_wrong_is_told_at_its_field() {
        let long = "x".repeat(101);
        for (label, tags, field, words) in [
            (long.as_str(), "", "label", "100"),
            ("gpj.\u{202e}exe", "", "label", "invisíveis"),
            ("Loja", "a,b,c,d,e,f,g,h,i,j,k", "tags", "10 etiquetas"),
            ("Loja", long.as_str(), "tags", "32"),
        ] {
            let wrong = named(label, tags).validate().expect_err("wrong");
            let told = refused(&wrong, Language::Portuguese);
            assert_eq!(told.field, Some(field), "{label} {tags}");
            assert!(told.message.contains(words), "{}", told.message);
        }
    }

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
