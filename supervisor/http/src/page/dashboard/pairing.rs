//! `POST /sessions/{user}/pairing-code`: the code that a phone's owner types instead of scanning.

use std::ops::RangeInclusive;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use colmeia::protocol::{Call, CallErrorKind, Reply};

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::Fields;
use super::told::{Outcome, ours};
use crate::state::Http;
use colmeia_control::calls;
use colmeia_session::CallFailure;

/// How many digits an international number has.
const DIGITS: RangeInclusive<usize> = 8..=15;

pub(super) async fn code(
    State(http): State<Http>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let told = ask(&http, &headers, &name, &fields).await.unwrap_or_else(|told| told);
    let back = name.parse::<UserId>().map_or("/".into(), |user| format!("/sessions/{user}"));
    told.answer(&http, &headers, &back)
}

async fn ask(http: &Http, headers: &HeaderMap, name: &str, fields: &Fields) -> Result<Outcome, Outcome> {
    ours(http, headers, fields)?;
    let language = Language::of(headers);
    let not_now = || {
        let message = match language {
            Portuguese => "Agora não: a sessão precisa estar aguardando o celular.",
            English => "Not now: the session has to be waiting for a phone.",
        };
        Outcome::with(StatusCode::CONFLICT, message)
    };
    let handle = name.parse::<UserId>().ok().and_then(|user| http.users.find(&user)).ok_or_else(not_now)?;
    let phone: String = fields.phone.chars().filter(char::is_ascii_digit).collect();
    if !DIGITS.contains(&phone.len()) {
        let message = match language {
            Portuguese => "Número inválido: escreva-o com o código do país, como 55 11 98888-7777.",
            English => "Invalid number: write it with its country code, such as 55 11 98888-7777.",
        };
        return Err(Outcome::with(StatusCode::BAD_REQUEST, message));
    }
    match calls::once(handle, Call::PairingCode { phone }, None, http.request_deadline()).await {
        Ok((Reply::PairingCode { code }, _)) => {
            let message = match language {
                Portuguese => {
                    "No celular: Dispositivos conectados, Conectar dispositivo, Conectar com número de telefone. Digite:"
                }
                English => "On the phone: Linked devices, Link a device, Link with phone number. Type:",
            };
            Ok(Outcome { code: Some(code), ..Outcome::done(message) })
        }
        Err(CallFailure::NotReady) => Err(not_now()),
        Err(CallFailure::Session(error)) if error.kind == CallErrorKind::NotReady => Err(not_now()),
        Ok(_) | Err(_) => {
            let message = match language {
                Portuguese => "O WhatsApp não deu um código. Tente de novo, ou escaneie o QR Code.",
                English => "WhatsApp gave no code. Try again, or scan the QR code.",
            };
            Err(Outcome::with(StatusCode::BAD_GATEWAY, message))
        }
    }
}
