//! What a call into a session needs, and its failures in words.

use colmeia::UserId;
use colmeia::protocol::{Call, CallError, CallErrorKind};
use tracing::error;

use crate::errors::FlaskError;
use crate::state::Http;
use colmeia_control::calls;
use colmeia_control::summary::SessionSummary;
use colmeia_host::uploads::NotFetched;
use colmeia_session::{CallFailure, CallResult, UserHandle};

/// What Flask's pages know.
pub(super) const NOT_CONNECTED: &str = "Cliente não conectado. Escaneie o QR Code primeiro.";

/// The user's handle, if its session is ready now. Nothing is created and nobody is asked.
pub(super) fn ready(http: &Http, user: &UserId) -> Option<UserHandle> {
    http.users.find(user).filter(|handle| SessionSummary::of(&handle.view()).is_ready())
}

/// Makes the call once, within the deadline that Flask's own leaves.
pub(super) async fn once(http: &Http, handle: UserHandle, call: Call) -> CallResult {
    calls::once(handle, call, None, http.request_deadline()).await
}

/// A session gave an answer that belongs to another question.
pub(super) fn wrong_reply(outside: bool) -> FlaskError {
    error!("a session answered something else than it was asked");
    unknown(outside)
}

/// The failure of a call that changes something outside: it says whether it did.
pub(super) fn send_failure(failure: &CallFailure) -> FlaskError {
    explain(failure, true)
}

/// The failure of a call that only reads.
pub(super) fn read_failure(failure: &CallFailure) -> FlaskError {
    explain(failure, false)
}

fn explain(failure: &CallFailure, outside: bool) -> FlaskError {
    match failure {
        CallFailure::NotReady => FlaskError::bad_request(NOT_CONNECTED),
        CallFailure::DiskFull if !outside => FlaskError::internal(
            "O disco do servidor está cheio. Avise quem administra o servidor e tente novamente depois.",
        ),
        CallFailure::DiskFull => FlaskError::internal(
            "O disco do servidor está cheio: a mensagem não foi enviada. Avise quem administra o servidor e tente novamente depois.",
        ),
        CallFailure::NotTaken(NotFetched::NoRoom(_)) => {
            FlaskError::internal("Há arquivos demais a caminho agora. Tente novamente em alguns segundos.")
        }
        CallFailure::NotTaken(NotFetched::Disk(_)) => FlaskError::internal(
            "O disco do servidor não aceitou o arquivo. Tente novamente em alguns segundos.",
        ),
        CallFailure::TooLarge => FlaskError::bad_request("A mensagem é grande demais; nada foi enviado"),
        CallFailure::WorkerGone | CallFailure::Deadline | CallFailure::ShuttingDown => unknown(outside),
        CallFailure::Session(CallError {
            restriction: Some(restriction),
            kind: CallErrorKind::Refused,
            ..
        }) => FlaskError::restricted(*restriction),
        CallFailure::Session(error) => of_kind(error.kind, outside),
    }
}

fn of_kind(kind: CallErrorKind, outside: bool) -> FlaskError {
    match kind {
        CallErrorKind::NotReady => FlaskError::bad_request(NOT_CONNECTED),
        CallErrorKind::InvalidArgument if outside => {
            FlaskError::bad_request("phone inválido: o WhatsApp não reconhece este destino; nada foi enviado")
        }
        CallErrorKind::InvalidArgument => {
            FlaskError::bad_request("O WhatsApp não reconhece este identificador")
        }
        CallErrorKind::NotOnWhatsapp => {
            FlaskError::bad_request("phone inválido: este número não está no WhatsApp; nada foi enviado")
        }
        CallErrorKind::NotFound => FlaskError::not_found("Conversa não encontrada"),
        CallErrorKind::MediaUnavailable => FlaskError::not_found("Não foi possível baixar a mídia"),
        CallErrorKind::Refused | CallErrorKind::Forbidden => {
            FlaskError::internal("O WhatsApp recusou a mensagem; nada foi enviado")
        }
        CallErrorKind::Unsupported => {
            FlaskError::internal("A versão atual do WhatsApp Web não permite esta operação; nada foi feito")
        }
        CallErrorKind::TooLarge => {
            FlaskError::internal("A resposta é grande demais. Peça menos de uma vez (limit menor)")
        }
        CallErrorKind::OutcomeUnknown => unknown(outside),
    }
}

fn unknown(outside: bool) -> FlaskError {
    FlaskError::internal(if outside {
        "Não se sabe se a mensagem foi enviada: a sessão foi interrompida antes de confirmar. Ela não foi repetida; confira no celular antes de enviar de novo."
    } else {
        "A sessão não respondeu a tempo. Tente novamente."
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::{Restriction, RestrictionName};

    #[test]
    fn every_failure_of_a_send_says_whether_something_was_sent() {
        use CallErrorKind as Kind;
        let session = |kind| CallFailure::Session(CallError::new(kind, "in English"));
        for (failure, status, text) in [
            (CallFailure::NotReady, 400, NOT_CONNECTED),
            (session(Kind::NotReady), 400, NOT_CONNECTED),
            (session(Kind::NotOnWhatsapp), 400, "não está no WhatsApp; nada foi enviado"),
            (session(Kind::InvalidArgument), 400, "nada foi enviado"),
            (CallFailure::TooLarge, 400, "nada foi enviado"),
            (CallFailure::DiskFull, 500, "O disco do servidor está cheio: a mensagem não foi enviada."),
            (session(Kind::Refused), 500, "nada foi enviado"),
            (session(Kind::Unsupported), 500, "nada foi feito"),
            (session(Kind::OutcomeUnknown), 500, "Não se sabe se a mensagem foi enviada"),
            (CallFailure::WorkerGone, 500, "Não se sabe se a mensagem foi enviada"),
            (CallFailure::Deadline, 500, "Não se sabe se a mensagem foi enviada"),
            (CallFailure::ShuttingDown, 500, "Não se sabe se a mensagem foi enviada"),
        ] {
            let answer = explain(&failure, true);
            assert_eq!(answer.status, status, "{failure}");
            assert!(answer.text.contains(text), "{failure}: {}", answer.text);
        }
        let crowded = CallFailure::NotTaken(NotFetched::NoRoom(colmeia_host::uploads::NoRoom::Whole));
        assert!(explain(&crowded, false).text.starts_with("Há arquivos demais"));
        assert!(!explain(&CallFailure::DiskFull, false).text.contains("mensagem"), "nothing was to be sent");
        let full = CallError { disk_full: true, ..CallError::new(Kind::NotReady, "in English") };
        assert!(matches!(CallFailure::from(full), CallFailure::DiskFull));
        let restriction =
            Restriction { name: RestrictionName::MessageCapping, until_ms: Some(1_785_553_199_000) };
        let refused = CallError::new(Kind::Refused, "in English").for_restriction(Some(restriction));
        let answer = explain(&CallFailure::Session(refused), true);
        assert_eq!(answer.status, 429, "Flask tries again what is 5xx");
        assert!(answer.text.contains("até 01/08/2026 02:59 (UTC); nada foi enviado"), "{}", answer.text);
        assert_eq!(
            explain(&CallFailure::Deadline, false).text,
            "A sessão não respondeu a tempo. Tente novamente."
        );
    }
}
