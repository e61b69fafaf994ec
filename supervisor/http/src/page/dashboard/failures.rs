//! Why a session did not do what a page asked it, in both languages, and whether anything was done. Owns the words; what
//! they mean is the API's reading of the same failure. Pure.

use axum::http::StatusCode;
use colmeia::protocol::{CallError, CallErrorKind as Kind};
use colmeia_session::CallFailure;

use super::super::super::negotiate::Language::{self, English};
use super::told::Outcome;
use crate::errors::{ApiError, FlaskError};

/// What is told of a failed call; `outside` where others would see what it does.
pub(super) fn of_call(failure: &CallFailure, outside: bool, language: Language) -> Outcome {
    let api = ApiError::of_call(failure, outside);
    let message = match language {
        English => api.text,
        Language::Portuguese => portuguese(failure, outside),
    };
    Outcome::with(api.status, message)
}

/// Nothing was asked of a session that is not connected.
pub(super) fn not_connected(language: Language) -> Outcome {
    let message = language.pick(
        "Nada foi feito: a sessão precisa estar conectada.",
        "Nothing was done: the session has to be connected for this.",
    );
    Outcome::with(StatusCode::CONFLICT, message)
}

/// What was typed as a chat is none.
pub(super) fn no_chat(language: Language) -> Outcome {
    let message = language.pick(
        "Essa conversa não existe: escreva o número com o código do país.",
        "There is no such chat: write the number with its country code.",
    );
    Outcome::with(StatusCode::BAD_REQUEST, message)
}

fn portuguese(failure: &CallFailure, outside: bool) -> String {
    let text = match failure {
        CallFailure::Session(CallError { restriction: Some(restriction), kind: Kind::Refused, .. }) => {
            return FlaskError::restricted(*restriction).text;
        }
        CallFailure::NotReady => "Nada foi feito: a sessão precisa estar conectada.",
        CallFailure::DiskFull => "Nada foi feito: o disco do servidor está cheio.",
        CallFailure::NotTaken(_) => {
            "O arquivo não coube no servidor agora. Tente de novo em alguns segundos."
        }
        CallFailure::TooLarge => "Nada foi feito: é grande demais.",
        CallFailure::WorkerGone | CallFailure::Deadline | CallFailure::ShuttingDown => of_silence(outside),
        CallFailure::Session(error) => match error.kind {
            Kind::NotReady => "Nada foi feito: a sessão precisa estar conectada.",
            Kind::InvalidArgument => "O WhatsApp não reconhece este destino; nada foi feito.",
            Kind::NotOnWhatsapp => "Este número não está no WhatsApp; nada foi enviado.",
            Kind::NotFound => "O WhatsApp não conhece essa conversa ou mensagem.",
            Kind::MediaUnavailable => "O arquivo não está mais no WhatsApp.",
            Kind::Refused => "O WhatsApp recusou; nada foi feito.",
            Kind::Forbidden => "O WhatsApp não permite isso a esta conta; nada foi feito.",
            Kind::Unsupported => "A versão atual do WhatsApp Web não permite isso; nada foi feito.",
            Kind::TooLarge if outside => of_silence(outside),
            Kind::TooLarge => "A resposta é grande demais.",
            Kind::OutcomeUnknown => of_silence(true),
        },
    };
    text.into()
}

fn of_silence(outside: bool) -> &'static str {
    if outside {
        "Não se sabe se foi enviada: a sessão foi interrompida antes de confirmar. Não foi repetida; confira no celular antes de enviar de novo."
    } else {
        "A sessão não respondeu a tempo. Tente de novo."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_never_said_of_what_is_not_known_and_both_languages_say_the_same() {
        let session = |kind| CallFailure::Session(CallError::new(kind, "in English"));
        for (failure, status, portuguese, english) in [
            (CallFailure::Deadline, 500, "Não se sabe", "It is not known"),
            (session(Kind::OutcomeUnknown), 500, "Não se sabe", "It is not known"),
            (session(Kind::NotOnWhatsapp), 400, "nada foi enviado", "nothing was sent"),
            (CallFailure::NotReady, 422, "Nada foi feito", "nothing was done"),
            (CallFailure::DiskFull, 507, "Nada foi feito", "nothing was done"),
            (session(Kind::Refused), 422, "nada foi feito", "nothing was done"),
        ] {
            let told = [Language::Portuguese, English].map(|language| of_call(&failure, true, language));
            assert_eq!(told[0].status, status, "{failure}");
            assert!(told[0].message.contains(portuguese) && told[1].message.contains(english), "{told:?}");
        }
    }
}
