//! Why a session's configuration was not kept, in both languages, and at which field of the page's forms. Owns the words; what
//! is refused is the API's to say. Pure.

use axum::http::StatusCode;
use colmeia::config::Limit;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::told::Outcome;
use crate::errors::ApiError;

/// The field of the form that this limit is typed into.
pub(super) fn form_field(limit: Limit) -> &'static str {
    match limit {
        Limit::MemoryHigh => "memory_high",
        Limit::MemoryMax => "memory_max",
        Limit::SendsPerMinute => "per_minute",
        Limit::SendBurst => "burst",
    }
}

fn rule(limit: Limit, language: Language) -> String {
    let (least, most) = limit.range().into_inner();
    let (portuguese, english) = match limit {
        Limit::MemoryHigh => (
            format!(
                "o limite suave vai de {least} a {most} MiB e não pode ser maior que o limite máximo em vigor"
            ),
            format!("the soft limit is {least} to {most} MiB, and not more than the hard limit that holds"),
        ),
        Limit::MemoryMax => (
            format!(
                "o limite máximo vai de {least} a {most} MiB e não pode ser menor que o limite suave em vigor"
            ),
            format!("the hard limit is {least} to {most} MiB, and not less than the soft limit that holds"),
        ),
        Limit::SendsPerMinute => (
            format!("por minuto são de {least} (sem limite) a {most} mensagens"),
            format!("it is {least} (no limit) to {most} messages in a minute"),
        ),
        Limit::SendBurst => (
            format!("de uma só vez são de {least} a {most} mensagens"),
            format!("it is {least} to {most} messages at once"),
        ),
    };
    language.pick(portuguese, english)
}

/// What stands in this field is no number.
pub(super) fn not_a_number(limit: Limit, language: Language) -> Outcome {
    let message = language
        .pick("Nada foi gravado: escreva um número inteiro.", "Nothing was kept: write a whole number.");
    Outcome { field: Some(form_field(limit)), ..Outcome::with(StatusCode::BAD_REQUEST, message) }
}

/// What the API refused, at its field.
pub(super) fn refused(error: &ApiError, language: Language) -> Outcome {
    let limit = Limit::ALL.into_iter().find(|limit| error.field_name() == Some(limit.field()));
    let rule = limit.map(|limit| rule(limit, language));
    let message = match (rule, language) {
        (Some(rule), English) => format!("Nothing was kept: {rule}."),
        (None, English) => format!("Nothing was kept: {}.", error.text),
        (rule, Portuguese) => match rule.or_else(|| portuguese(error).map(str::to_owned)) {
            Some(rule) => format!("Nada foi gravado: {rule}."),
            None => "Nada foi gravado. Veja o log do serviço.".into(),
        },
    };
    let field = limit.map(form_field).or_else(|| error.field_name().and_then(at_field));
    Outcome { field, ..Outcome::with(error.status, message) }
}

/// The field of a form that the API's field is typed into.
fn at_field(field: &str) -> Option<&'static str> {
    match field {
        "config.proxy.server" => Some("server"),
        "config.proxy.username" => Some("username"),
        _ if field.ends_with(".url") => Some("url"),
        _ if field.contains(".events") => Some("events"),
        "config.webhooks" => Some("url"),
        _ => None,
    }
}

/// The rules of the API are in English; here each field has its own.
fn portuguese(error: &ApiError) -> Option<&'static str> {
    match error.field_name()? {
        field if field.ends_with(".url") => Some(
            "o endereço do webhook tem de começar com http:// ou https:// e não pode ser o deste serviço",
        ),
        field if field.contains(".events") => Some("há um evento com nome desconhecido"),
        "config.webhooks" => Some("são no máximo 20 webhooks"),
        "config.proxy.server" => Some(
            "escreva o proxy como servidor:porta, ou com http://, https:// ou socks5:// antes; a porta não pode ser a deste serviço",
        ),
        field if field.starts_with("config.proxy") => {
            Some("usuário e senha do proxy vão juntos, e não servem com socks5")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_at_its_field_in_the_readers_language() {
        for (field, at, portuguese, english) in [
            ("config.limits.memoryMaxMb", Some("memory_max"), "limite máximo", "hard limit"),
            ("config.limits.memoryHighMb", Some("memory_high"), "limite suave", "soft limit"),
            ("config.limits.sendsPerMinute", Some("per_minute"), "por minuto", "in a minute"),
            ("config.limits.sendBurst", Some("burst"), "de uma só vez", "at once"),
            ("config.webhooks[2].url", Some("url"), "endereço do webhook", "config.webhooks[2].url"),
            ("config.webhooks[0].events[1]", Some("events"), "nome desconhecido", "must"),
            ("config.proxy.server", Some("server"), "servidor:porta", "config.proxy.server"),
            ("config.proxy.username", Some("username"), "vão juntos", "config.proxy.username"),
            ("config", None, "Veja o log", "config must"),
        ] {
            let error = ApiError::field(field, "must be otherwise");
            for (language, words) in [(Portuguese, portuguese), (English, english)] {
                let told = refused(&error, language);
                assert_eq!((told.field, told.status), (at, StatusCode::BAD_REQUEST), "{field}");
                assert!(told.message.contains(words), "{field}: {}", told.message);
            }
        }
    }
}
