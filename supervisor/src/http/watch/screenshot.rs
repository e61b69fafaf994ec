//! `GET /api/screenshot?session=`: the session's page as it is drawn now, as a PNG; with `Accept: application/json`
//! as base64. It shows whatever the page shows, messages too.

use axum::extract::State;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use colmeia::UserId;
use colmeia::protocol::{Call, CallErrorKind, Reply};
use serde::Serialize;

use super::super::errors::Failure;
use super::super::user::Pairs;
use super::super::{Http, flask, reply};
use crate::user::CallFailure;

#[derive(Serialize)]
struct Encoded {
    mimetype: &'static str,
    data: String,
}

pub(super) async fn screenshot(
    State(http): State<Http>,
    headers: HeaderMap,
    pairs: Pairs,
) -> Result<Response, Failure> {
    let name = pairs.get("session").unwrap_or_default();
    let user: UserId = name.parse().map_err(|error| {
        Failure::bad_request(format!(
            "session inválida: informe ?session= com o nome de uma sessão ({error})"
        ))
    })?;
    tracing::Span::current().record("user", user.as_str());
    let handle = http.users.find(&user).ok_or_else(|| Failure::not_found("session: não existe"))?;
    // A PNG and nothing else: what a worker says that it is does not count.
    let png = match flask::once(&http, handle, Call::Screenshot).await {
        Ok((Reply::Media { .. }, png)) => png,
        Ok(_) => return Err(Failure::bug()),
        Err(failure) => return Err(explain(&failure)),
    };
    let json = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    if json {
        return Ok(reply::ok(&Encoded { mimetype: "image/png", data: BASE64.encode(&png) }));
    }
    let headers = [
        (CONTENT_TYPE, "image/png"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "sandbox"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, png).into_response())
}

fn explain(failure: &CallFailure) -> Failure {
    match failure {
        CallFailure::NotReady => no_page(),
        CallFailure::Session(error) if error.kind == CallErrorKind::NotReady => no_page(),
        _ => Failure::internal("A página não pôde ser desenhada a tempo. Tente novamente."),
    }
}

fn no_page() -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "Esta sessão não tem uma página aberta agora")
}
