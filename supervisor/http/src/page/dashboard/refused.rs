//! Why a session's configuration was not kept, in both languages, and at which field of the page's forms. Owns the words; what
//! is refused is the API's to say. Pure.

use axum::http::StatusCode;
use colmeia::config::{EVENT_NAMES, Limit};

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

/// What stands in this field is no number that a limit can be.
pub(super) fn not_a_number(limit: Limit, language: Language) -> Outcome {
    let rule = rule(limit, language);
    let message = language.pick(
        format!("Nada foi salvo: escreva um número inteiro; {rule}."),
        format!("Nothing was saved: write a whole number; {rule}."),
    );
    Outcome { field: Some(form_field(limit)), ..Outcome::with(StatusCode::BAD_REQUEST, message) }
}

/// What the API refused, at its field.
pub(super) fn refused(error: &ApiError, language: Language) -> Outcome {
    let limit = Limit::ALL.into_iter().find(|limit| error.field_name() == Some(limit.field()));
    let rule = limit.map(|limit| rule(limit, language)).or_else(|| rule_of(error, language));
    let message = match (rule, language) {
        (Some(rule), English) => format!("Nothing was saved: {rule}."),
        (Some(rule), Portuguese) => format!("Nada foi salvo: {rule}."),
        (None, English) => format!("Nothing was saved: {}.", error.text),
        (None, Portuguese) if error.status.is_server_error() => {
            "Nada foi salvo. Veja o log do serviço.".into()
        }
        // Nothing is in the log of what the API refuses, so its own words are better than none.
        (None, Portuguese) => format!("Nada foi salvo. Detalhe técnico: {}.", error.text),
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

/// The API's rules name fields of JSON, in English. The page's fields have rules in words.
fn rule_of(error: &ApiError, language: Language) -> Option<String> {
    let (portuguese, english) = match error.field_name()? {
        field if field.ends_with(".url") => (
            "o endereço do webhook tem de começar com http:// ou https://, sem usuário e senha, e não pode ser o deste serviço",
            "the webhook's address has to begin with http:// or https://, without user name and password, and cannot lead to this service itself",
        ),
        field if field.contains(".events") => {
            let names = EVENT_NAMES.join(", ");
            return Some(language.pick(
                format!("há um evento com nome desconhecido; os nomes são {names}"),
                format!("there is an event of an unknown name; the names are {names}"),
            ));
        }
        "config.webhooks" => ("são no máximo 20 webhooks", "there may be 20 webhooks at most"),
        "config" => (
            "a configuração da sessão passaria de 64 KiB",
            "the session's configuration would be larger than 64 KiB",
        ),
        "config.proxy.server" => (
            "escreva o proxy como servidor:porta, ou com http://, https:// ou socks5:// antes; a porta não pode ser a deste serviço",
            "write the proxy as host:port, or with http://, https:// or socks5:// before it; it cannot be the port of this service",
        ),
        field if field.starts_with("config.proxy") => (
            "uma senha de proxy precisa de um usuário, e nenhum dos dois serve com socks5",
            "a proxy's password takes a user name, and neither works with socks5",
        ),
        _ => return None,
    };
    Some(language.pick(portuguese, english).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_a_limit_cannot_be_is_told_with_what_it_can_be() {
        let told = [Portuguese, English].map(|language| not_a_number(Limit::SendsPerMinute, language));
        assert_eq!(told[0].field, Some("per_minute"));
        assert!(told[0].message.contains("de 0 (sem limite) a 10000"), "{}", told[0].message);
        assert!(told[1].message.contains("0 (no limit) to 10000"), "{}", told[1].message);
    }

    #[test]
    fn what_is_refused_is_told_at_its_field_in_the_readers_language() {
        for (field, at, portuguese, english) in [
            ("config.limits.memoryMaxMb", Some("memory_max"), "limite máximo", "hard limit"),
            ("config.limits.memoryHighMb", Some("memory_high"), "limite suave", "soft limit"),
            ("config.limits.sendsPerMinute", Some("per_minute"), "por minuto", "in a minute"),
            ("config.limits.sendBurst", Some("burst"), "de uma só vez", "at once"),
            ("config.webhooks[2].url", Some("url"), "sem usuário e senha", "without user name"),
            ("config.webhooks[0].events[1]", Some("events"), "message, message.any", "message, message.any"),
            ("config.proxy.server", Some("server"), "servidor:porta", "host:port"),
            ("config.proxy.username", Some("username"), "precisa de um usuário", "takes a user name"),
            ("config", None, "64 KiB", "64 KiB"),
            ("config.of.a.later.release", None, "Detalhe técnico: config.of", "must"),
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
