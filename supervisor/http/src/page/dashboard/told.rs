//! [`Outcome`]: what became of a wish. A page for who came by a form, JSON for our script.

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use colmeia::UserId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::super::negotiate::Language;
use super::super::super::{negotiate, reply};
use super::{Fields, Frame, html};
use crate::state::Http;
use colmeia_control::operators::OperationError;

/// A sentence, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// A pairing code; shown and never logged.
    pub(super) code: Option<colmeia::Secret>,
    /// The field of the form that is wrong, by its name there.
    pub(super) field: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "dashboard/told.html")]
struct OutcomePage<'a> {
    frame: Frame,
    failed: bool,
    /// It was looked for and is not there.
    missing: bool,
    message: &'a str,
    code: Option<&'a str>,
    back: &'a str,
}

impl Outcome {
    /// It was done.
    pub(super) fn done(message: impl Into<String>) -> Self {
        Self::with(StatusCode::OK, message)
    }

    /// It was not.
    pub(super) fn with(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: None, field: None }
    }

    /// Why an operation was not done.
    pub(super) fn failed(error: &OperationError, language: Language) -> Self {
        let (status, portuguese, english) = match error {
            OperationError::Unknown(_) => {
                (StatusCode::NOT_FOUND, "Esta sessão não existe mais.", "This session is not there any more.")
            }
            OperationError::WaitsForNobody { .. } => (
                StatusCode::CONFLICT,
                "Esta sessão não espera por ninguém.",
                "This session does not wait for anybody.",
            ),
            OperationError::NotItsTurn => (
                StatusCode::CONFLICT,
                "Nada foi feito: este evento não é mais o primeiro da fila.",
                "Nothing was done: this event is not the first in the queue any more.",
            ),
            OperationError::Busy | OperationError::NoTask(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "O serviço está ocupado. Tente de novo em instantes.",
                "The service is busy. Try again in a moment.",
            ),
            OperationError::NotKept(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Foi feito, mas não pôde ser salvo no disco: um reinício do serviço desfaz. Veja o log.",
                "It was done, but cannot be written to the disk: a restart of the service undoes it. See the log.",
            ),
            OperationError::StillGoing => (
                StatusCode::ACCEPTED,
                "Ainda em andamento. Veja de novo em instantes.",
                "Still going on. Look again in a moment.",
            ),
            OperationError::NotDeleted | OperationError::Deletion(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "A sessão não pôde ser apagada por completo. Veja o log e tente de novo.",
                "The session could not be deleted as a whole. See the log and try again.",
            ),
            OperationError::Journal(_) | OperationError::Look(_) | OperationError::Unread(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Erro interno do serviço. Veja o log.",
                "Internal error of the service. See its log.",
            ),
        };
        Self::with(status, language.pick(portuguese, english))
    }

    /// The answer.
    pub(super) fn answer(&self, http: &Http, headers: &HeaderMap, back: &str) -> Response {
        let code = self.code.as_ref().map(|code| code.expose());
        if !negotiate::wants_html(headers) {
            return reply::json(self.status, &Body { message: &self.message, code, field: self.field });
        }
        let (frame, cookie) = Frame::new(http, headers, back);
        let failed = !self.status.is_success();
        let missing = matches!(self.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        let page = html(&OutcomePage { frame, failed, missing, message: &self.message, code, back });
        super::begin((self.status, page).into_response(), cookie)
    }
}

/// The page for an address at which there is none.
pub(in super::super::super) fn nowhere(http: &Http, headers: &HeaderMap, status: StatusCode) -> Response {
    let message =
        Language::of(headers).pick("Não há página neste endereço.", "There is no page at this address.");
    Outcome::with(status, message).answer(http, headers, "/")
}

/// That there is no such operation.
pub(super) fn nothing(language: Language) -> Outcome {
    let message = language.pick("Esta operação não existe.", "There is no such operation.");
    Outcome::with(StatusCode::NOT_FOUND, message)
}

/// A form that was posted, and by whom.
pub(super) struct Posted<F = Fields> {
    pub(super) http: Http,
    pub(super) headers: HeaderMap,
    pub(super) language: Language,
    pub(super) fields: F,
}

impl<F: DeserializeOwned> FromRequest<Http> for Posted<F> {
    type Rejection = FormRejection;

    async fn from_request(request: Request, http: &Http) -> Result<Self, FormRejection> {
        let headers = request.headers().clone();
        let Form(fields) = Form::from_request(request, http).await?;
        Ok(Self { http: http.clone(), language: Language::of(&headers), headers, fields })
    }
}

impl<F> Posted<F> {
    /// Whether it came from one of our pages, by the token in it; what is told where it did not.
    pub(super) fn ours_by(&self, token: &str) -> Result<(), Outcome> {
        if self.http.access.visitors.is_ours(&self.headers, token) {
            return Ok(());
        }
        tracing::warn!("a form without a valid token was refused");
        let message = self.language.pick(
            "Nada foi feito: o formulário não veio desta página, ou ela é antiga. Recarregue a página e tente de novo.",
            "Nothing was done: the form did not come from this page, or the page is old. Reload it and try again.",
        );
        Err(Outcome::with(StatusCode::FORBIDDEN, message))
    }

    /// The answer to it.
    pub(super) fn answer(&self, told: &Outcome, back: &str) -> Response {
        told.answer(&self.http, &self.headers, back)
    }
}

impl Posted {
    /// Whether it came from one of our pages; what is told where it did not.
    pub(super) fn ours(&self) -> Result<(), Outcome> {
        self.ours_by(&self.fields.token)
    }

    /// Does this for the session of this name if the form is ours, and answers with what became of it.
    pub(super) async fn act(
        &self,
        name: &str,
        what: impl AsyncFnOnce(UserId) -> Result<Outcome, Outcome>,
    ) -> Response {
        let Ok(user) = name.parse::<UserId>() else { return self.answer(&nothing(self.language), "/") };
        let back = format!("/sessions/{user}");
        let done = async {
            self.ours()?;
            what(user).await
        };
        self.answer(&done.await.unwrap_or_else(|told| told), &back)
    }
}
