//! Linking accounts that ask for a passkey: what has to be signed, the answer, the code to compare and the word that it
//! was. Owns the form of the answers; what is done is in [`super::super::passkey`].

use axum::http::StatusCode;
use colmeia::config::Passkey;
use colmeia::passkey::{Assertion, Outcome, Signed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::passkey::{By, Refused, Step, ask, compare, take};
use super::answer::{Answered, Json};
use super::models::NoArgs;
use super::session::Session;
use crate::errors::ApiError;
use colmeia_session::{Challenge, SWITCHED_OFF, SessionStatus as Status};

/// What the user's browser signed, as `PublicKeyCredential.toJSON()` writes it. Other fields are left out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PasskeyArgs {
    /// The credential's id in base64url.
    id: String,
    /// The same.
    raw_id: String,
    /// `public-key`.
    r#type: String,
    response: ResponseArgs,
    /// What the extensions gave.
    #[schema(value_type = Option<Object>)]
    client_extension_results: Option<Value>,
}

/// The parts of an assertion, in base64url.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResponseArgs {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    user_handle: Option<String>,
}

/// The code that phone and page show.
#[derive(Serialize, ToSchema)]
pub(super) struct Code {
    /// `ABCD-EFGH`.
    code: String,
}

impl From<PasskeyArgs> for Assertion {
    fn from(args: PasskeyArgs) -> Self {
        Self {
            id: colmeia::Secret::new(args.id),
            raw_id: colmeia::Secret::new(args.raw_id),
            kind: args.r#type,
            response: Signed {
                client_data: colmeia::Secret::new(args.response.client_data),
                authenticator_data: colmeia::Secret::new(args.response.authenticator_data),
                signature: colmeia::Secret::new(args.response.signature),
                user_handle: args.response.user_handle.map(colmeia::Secret::new),
            },
            client_extension_results: args.client_extension_results.map(Outcome),
        }
    }
}

pub(super) async fn challenge(session: Session, _: NoArgs) -> Answered<Value> {
    on(&session)?;
    let view = session.handle.view();
    session.handle.wake();
    let request = view.passkey().ok_or_else(|| not_pending(&session, Status::PasskeyRequired))?;
    ask(&session.http, &session.handle, request, session.sender, &session.holder)
        .map_err(|e| refused(&session, e, Status::PasskeyRequired))?;
    Ok(Json(serde_json::to_value(Challenge::from(request)).map_err(|_| ApiError::bug())?))
}

pub(super) async fn submit(session: Session, args: PasskeyArgs) -> Result<(), ApiError> {
    let step = Step::Answer(Box::new(args.into()));
    take(&session.http, &session.handle, step, by(&session))
        .await
        .map_err(|e| refused(&session, e, Status::PasskeyRequired))
}

pub(super) async fn confirmation(session: Session, _: NoArgs) -> Answered<Code> {
    on(&session)?;
    let view = session.handle.view();
    session.handle.wake();
    let code = view.passkey_code();
    let code = code.ok_or_else(|| not_pending(&session, Status::PasskeyConfirmationRequired))?;
    compare(&session.http, &session.handle, &session.holder)
        .map_err(|e| refused(&session, e, Status::PasskeyConfirmationRequired))?;
    Ok(Json(Code { code: code.to_owned() }))
}

pub(super) async fn confirm(session: Session, _: NoArgs) -> Result<(), ApiError> {
    let wanted = Status::PasskeyConfirmationRequired;
    take(&session.http, &session.handle, Step::Confirm, by(&session))
        .await
        .map_err(|e| refused(&session, e, wanted))
}

fn by(session: &Session) -> By<'_> {
    By::Api(session.sender, &session.holder)
}

fn on(session: &Session) -> Result<(), ApiError> {
    if session.http.config.passkey == Passkey::Off { Err(off(session)) } else { Ok(()) }
}

fn off(session: &Session) -> ApiError {
    let asks = Status::of(&session.handle.view()) == Status::PasskeyRequired;
    let nobody = "This service links no accounts that ask for a passkey: its key passkey is \"off\"";
    ApiError::forbidden(if asks { SWITCHED_OFF } else { nobody })
}

fn not_pending(session: &Session, wanted: Status) -> ApiError {
    ApiError::not_working(Status::of(&session.handle.view()).name(), wanted.name())
}

fn refused(session: &Session, refused: Refused, wanted: Status) -> ApiError {
    match refused {
        Refused::Off => off(session),
        Refused::NotPending => not_pending(session, wanted),
        Refused::Held => {
            let error =
                "passkey_held: another caller has asked for this request, and may answer it until it ends";
            ApiError::new(StatusCode::CONFLICT, error).before_anything()
        }
        Refused::Field(field, rule) => ApiError::field(field, rule),
        Refused::Interrupted => {
            let error = "The session did not take it in time or has ended; its status says whether it counts";
            ApiError::new(StatusCode::GATEWAY_TIMEOUT, error)
        }
    }
}
