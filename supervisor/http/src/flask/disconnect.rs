//! `POST /disconnect`: logs the phone out and deletes its profile. 200 also where the phone could not be told: Flask
//! shows an error page otherwise, and the session is gone all the same. Only one that is still there is an error.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use colmeia_base::tasks;
use serde::Serialize;

use super::super::user::{Pairs, of_query_or_body};
use super::super::{body, reply};
use crate::errors::FlaskError;
use crate::state::Http;
use colmeia_control::summary::SessionSummary;
use colmeia_session::DisconnectOutcome;

/// Flask waits 5 s; the user's task answers well before.
const LONGEST: Duration = Duration::from_millis(4_800);

#[derive(Serialize)]
struct Disconnected {
    success: bool,
    message: &'static str,
}

pub(super) async fn disconnect(
    State(http): State<Http>,
    pairs: Pairs,
    body: Bytes,
) -> Result<Response, FlaskError> {
    let named = body::json_object(&body)?.unwrap_or_default();
    let user = of_query_or_body(&pairs, &named, &http)?;
    let whole = match http.users.find_or_restore(&user).await {
        None => true,
        Some(handle) => {
            let view = handle.view();
            let summary = SessionSummary::of(&view);
            // Also one that has just scanned the code.
            let linked = view.was_linked
                || summary.is_linked()
                || matches!(
                    summary,
                    SessionSummary::Code { .. }
                        | SessionSummary::Passkey { .. }
                        | SessionSummary::PasskeyCode { .. }
                        | SessionSummary::Pairing
                );
            let going = tasks::passing("disconnect", async move { handle.disconnect().await });
            let outcome = tokio::time::timeout(LONGEST, going).await;
            if let Ok(Ok(DisconnectOutcome::NotDeleted)) = outcome {
                let error = "Não foi possível apagar os dados deste WhatsApp no servidor. Avise quem administra o servidor e tente novamente depois.";
                return Err(FlaskError::internal(error));
            }
            // Where no phone was linked there was none to tell.
            !linked
                || matches!(outcome, Ok(Ok(DisconnectOutcome::LoggedOut | DisconnectOutcome::NobodyLinked)))
        }
    };
    let message = if whole {
        "WhatsApp desconectado com sucesso"
    } else {
        "WhatsApp desconectado (pode ter havido um erro, mas foi desconectado)"
    };
    Ok(reply::ok(&Disconnected { success: true, message }))
}
