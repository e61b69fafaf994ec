//! `GET /qr`: the code to scan, or where the session is instead. It starts the user's worker and waits for
//! nothing: Flask makes an error page of anything but 200.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use serde::Serialize;

use super::super::access::AskFirst;
use super::super::negotiate::Language;
use super::super::user::{Pairs, RequestUser};
use super::super::{negotiate, page, reasons, reply};
use crate::errors::FlaskError;
use crate::state::Http;
use colmeia::errors::chain;
use colmeia_control::summary::SessionSummary;
use colmeia_session::UserView;
use colmeia_session::registry::RegistryError;

/// The keys stand in the contract's order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'a> {
    ready: bool,
    qr: Option<&'a str>,
    has_qr: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_connecting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_authenticated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// What Flask's pages show while a person has to act: they have no field for more. They put it into their HTML as it is.
fn passkey(user: &UserId, linked: bool) -> String {
    if linked {
        format!(
            "O WhatsApp pede que o dono da conta confirme com a sua chave de acesso (passkey). O celular continua vinculado. Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id={user}), em um computador, e siga os passos."
        )
    } else {
        format!(
            "Esta conta do WhatsApp pede uma chave de acesso (passkey); o celular diz \"Continue no WhatsApp Web\". Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id={user}), em um computador, e siga os passos em até 5 minutos."
        )
    }
}

fn passkey_code(user: &UserId) -> String {
    format!(
        "O celular mostra um código. Abra a página do QR Code deste usuário no endereço do Colmeia (/qr?user_id={user}), compare os dois códigos e confirme."
    )
}

/// A client that thinks of one server per user asked the wrong one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrongPort {
    error: String,
    hint: &'static str,
    current_port: String,
    requested_port: u64,
}

pub(super) async fn qr(
    State(http): State<Http>,
    headers: HeaderMap,
    pairs: Pairs,
    ask: Option<Extension<AskFirst>>,
    RequestUser(user): RequestUser,
) -> Result<Response, FlaskError> {
    if let Some(wrong) = wrong_port(&pairs, http.local.port())? {
        return Ok(reply::json(StatusCode::SERVICE_UNAVAILABLE, &wrong));
    }
    if negotiate::wants_html(&headers) {
        let asks = ask.is_some() || pairs.get(page::ASK).is_some();
        return Ok(if asks { page::ask(&headers, &user) } else { page::qr(&http, &headers, &user).await });
    }
    Ok(match wake(&http, &user).await {
        Ok((view, created)) => reply::ok(&answer(&user, &view, created)),
        Err(message) => {
            reply::ok(&Answer { status: Some("failed"), message: Some(message), ..Answer::waiting() })
        }
    })
}

/// Starts the user's worker, if need be, and returns the view from before and whether the user is new.
async fn wake(http: &Http, user: &UserId) -> Result<(UserView, bool), String> {
    let created = http.users.find(user).is_none();
    match http.users.find_or_create(user).await {
        Ok(handle) => {
            handle.settled().await;
            let view = handle.view();
            handle.wake();
            Ok((view, created))
        }
        Err(error) => {
            // Of those the registry speaks, and not of each.
            if !matches!(error, RegistryError::TooManyNewcomers(_)) {
                tracing::warn!(%user, error = chain(&error), "a user's task could not be made");
            }
            Err("O serviço não pode iniciar este WhatsApp agora. Tente novamente em instantes.".into())
        }
    }
}

/// The answer for a view.
pub(super) fn answer<'a>(user: &UserId, view: &'a UserView, created: bool) -> Answer<'a> {
    let saying = |message: &str| Some(message.to_owned());
    match SessionSummary::of(view) {
        SessionSummary::Absent => {
            Answer::generating("Inicializando cliente... Isso pode levar 10-30 segundos. Aguarde...")
        }
        SessionSummary::Underway { .. } if created => {
            Answer::generating("Inicializando cliente... Isso pode levar 10-30 segundos. Aguarde...")
        }
        SessionSummary::AtCapacity { memory: true, .. } => Answer {
            status: Some("capacity"),
            message: saying(
                "O servidor não tem memória livre para mais uma conexão agora. Este WhatsApp está na fila e será iniciado assim que houver memória. Aguarde...",
            ),
            ..Answer::waiting()
        },
        SessionSummary::AtCapacity { .. } => Answer {
            status: Some("capacity"),
            message: saying(
                "O serviço está na capacidade máxima de conexões. Este WhatsApp está na fila e será iniciado assim que houver lugar. Aguarde...",
            ),
            ..Answer::waiting()
        },
        SessionSummary::Held => Answer {
            status: Some("failed"),
            message: saying(reasons::held(Language::Portuguese)),
            ..Answer::waiting()
        },
        SessionSummary::Code { qr } => Answer { qr: Some(qr), has_qr: true, ..Answer::waiting() },
        SessionSummary::Passkey { me, .. } => Answer {
            status: Some("passkey"),
            is_connecting: Some(false),
            is_authenticated: Some(false),
            message: Some(passkey(user, me.is_some())),
            ..Answer::waiting()
        },
        SessionSummary::PasskeyOff { me } => Answer {
            status: Some("passkey_off"),
            is_connecting: Some(false),
            is_authenticated: Some(false),
            message: Some(page::switched_off(me.is_some(), Language::Portuguese).join(". ")),
            ..Answer::waiting()
        },
        SessionSummary::PasskeyCode { .. } => Answer {
            status: Some("passkey_confirm"),
            is_connecting: Some(false),
            is_authenticated: Some(false),
            message: Some(passkey_code(user)),
            ..Answer::waiting()
        },
        SessionSummary::Pairing => Answer {
            is_connecting: Some(true),
            is_authenticated: Some(false),
            message: saying("QR Code foi escaneado, conectando..."),
            ..Answer::waiting()
        },
        summary @ (SessionSummary::Reconnecting { .. } | SessionSummary::Underway { linked: true, .. }) => {
            let why = match summary {
                SessionSummary::Reconnecting { cause, .. } => {
                    reasons::disruption(cause, Language::Portuguese)
                }
                _ => None,
            };
            Answer {
                is_connecting: Some(true),
                is_authenticated: Some(false),
                message: saying(
                    why.unwrap_or("Reconectando ao WhatsApp. Não é preciso escanear de novo. Aguarde..."),
                ),
                ..Answer::waiting()
            }
        }
        SessionSummary::Syncing { .. } => Answer {
            is_connecting: Some(true),
            is_authenticated: Some(true),
            message: saying("Autenticado, aguardando inicialização..."),
            ..Answer::waiting()
        },
        SessionSummary::Underway { linked: false, .. } => {
            Answer::generating("Aguardando geração do QR Code... Isso pode levar 10-30 segundos.")
        }
        SessionSummary::Ready { .. } => Answer {
            ready: true,
            is_connecting: Some(false),
            is_authenticated: Some(true),
            ..Answer::waiting()
        },
        SessionSummary::Failed { reason } => Answer {
            status: Some("failed"),
            message: Some(reasons::sentence(reason, Language::Portuguese)),
            ..Answer::waiting()
        },
    }
}

impl Answer<'_> {
    fn waiting() -> Self {
        Self {
            ready: false,
            qr: None,
            has_qr: false,
            status: None,
            is_connecting: None,
            is_authenticated: None,
            message: None,
        }
    }

    fn generating(message: &str) -> Self {
        Self { status: Some("generating"), message: Some(message.into()), ..Self::waiting() }
    }
}

/// `?port=P` counts only where no user is named.
fn wrong_port(pairs: &Pairs, ours: u16) -> Result<Option<WrongPort>, FlaskError> {
    let Some(port) = pairs.get("port") else { return Ok(None) };
    if pairs.user()?.is_some() {
        return Ok(None);
    }
    let requested_port: u64 =
        port.parse().map_err(|_| FlaskError::bad_request("port inválido: deve ser um número"))?;
    Ok((requested_port != u64::from(ours)).then(|| WrongPort {
        error: format!("Servidor na porta {ours} não pode atender porta {requested_port}."),
        hint: "Em produção, use user_id. Exemplo: /qr?user_id=3",
        current_port: ours.to_string(),
        requested_port,
    }))
}
