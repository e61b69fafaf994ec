//! `POST /disconnect`: logs the phone out and forgets the user. Always 200: Flask shows an error page otherwise,
//! and in every case the session is gone.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::errors::Failure;
use super::super::standing::Standing;
use super::super::user::{Pairs, of_query_or_body};
use super::super::{Http, body, reply};
use crate::user::DisconnectOutcome;

/// Flask waits 5 s; the user's task answers well before.
const LONGEST: Duration = Duration::from_millis(4_800);

#[derive(Default, Deserialize)]
struct Request {
    user_id: Option<Value>,
}

#[derive(Serialize)]
struct Disconnected {
    success: bool,
    message: &'static str,
}

pub(super) async fn disconnect(
    State(http): State<Http>,
    pairs: Pairs,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: Request = body::json_object(&body)?.unwrap_or_default();
    let user = of_query_or_body(&pairs, request.user_id.as_ref(), &http)?;
    let whole = match http.users.find_or_restore(&user) {
        None => true,
        Some(handle) => {
            let view = handle.view();
            let standing = Standing::of(&view);
            // Also one that has just scanned the code.
            let linked = view.was_linked
                || standing.is_authenticated()
                || matches!(standing, Standing::Code { .. } | Standing::Pairing);
            let going = tokio::spawn(async move { handle.disconnect().await });
            let outcome = tokio::time::timeout(LONGEST, going).await;
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
