//! `POST /sessions/{user}/pairing-code`: the code that a phone's owner types instead of scanning.

use std::ops::RangeInclusive;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use colmeia::UserId;
use colmeia::protocol::{Call, CallErrorKind, Reply};

use super::told::{Outcome, Posted};
use colmeia_control::calls;
use colmeia_session::CallFailure;

/// How many digits an international number has.
const DIGITS: RangeInclusive<usize> = 8..=15;

pub(super) async fn code(Path(name): Path<String>, posted: Posted) -> Response {
    let told = ask(&posted, &name).await.unwrap_or_else(|told| told);
    let back = name.parse::<UserId>().map_or("/".into(), |user| format!("/sessions/{user}"));
    posted.answer(&told, &back)
}

async fn ask(posted: &Posted, name: &str) -> Result<Outcome, Outcome> {
    posted.ours()?;
    let Posted { http, language, fields, .. } = posted;
    let not_now = || {
        let message = language.pick(
            "Agora não: a sessão precisa estar aguardando o celular.",
            "Not now: the session has to be waiting for a phone.",
        );
        Outcome::with(StatusCode::CONFLICT, message)
    };
    let handle = name.parse::<UserId>().ok().and_then(|user| http.users.find(&user)).ok_or_else(not_now)?;
    let phone: String = fields.phone.chars().filter(char::is_ascii_digit).collect();
    if !DIGITS.contains(&phone.len()) {
        let message = language.pick(
            "Número inválido: escreva-o com o código do país, como 55 11 98888-7777.",
            "Invalid number: write it with its country code, such as 55 11 98888-7777.",
        );
        return Err(Outcome::with(StatusCode::BAD_REQUEST, message));
    }
    match calls::once(handle, Call::PairingCode { phone }, None, http.request_deadline()).await {
        Ok((Reply::PairingCode { code }, _)) => {
            let message = language.pick(
                "No celular: Dispositivos conectados, Conectar dispositivo, Conectar com número de telefone. Digite:",
                "On the phone: Linked devices, Link a device, Link with phone number. Type:",
            );
            Ok(Outcome { code: Some(code), ..Outcome::done(message) })
        }
        Err(CallFailure::NotReady) => Err(not_now()),
        Err(CallFailure::Session(error)) if error.kind == CallErrorKind::NotReady => Err(not_now()),
        Ok(_) | Err(_) => {
            let message = language.pick(
                "O WhatsApp não deu um código. Tente de novo, ou escaneie o QR Code.",
                "WhatsApp gave no code. Try again, or scan the QR code.",
            );
            Err(Outcome::with(StatusCode::BAD_GATEWAY, message))
        }
    }
}
