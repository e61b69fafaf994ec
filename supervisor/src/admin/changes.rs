//! What an operator changes about one user. Owns which word means which command; every change is logged with
//! who asked for it.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::Changed;
use serde::Deserialize;

use super::sessions::phase_name;
use super::socket::Peer;
use super::{Admin, Refusal, known, parse, refuse};
use crate::logging::chain;
use crate::user::{DisconnectOutcome, Operation, Phase, UserHandle};

/// More than the user's task gives itself.
const LONGEST: Duration = Duration::from_secs(30);

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wishes {
    /// `start` makes a user that is not known yet.
    new: bool,
}

pub(super) async fn change(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Path((user, operation)): Path<(String, String)>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<Changed>, Refusal> {
    let user = parse(&user)?;
    let word = Word::of(&operation).ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no such operation"))?;
    let handle = match known(&admin.app, &user) {
        Err(_) if wishes.new && word == Word::Do(Operation::Start) => create(&admin, &user)?,
        found => found?,
    };
    tracing::info!(%user, operation, uid = peer.uid, pid = peer.pid, "asked by an operator");
    let phase = handle.view().phase;
    if operation == "resume"
        && !matches!(phase, Phase::Parked { .. } | Phase::Held | Phase::BackingOff { .. })
    {
        let error = format!("user {user} is {} and waits for nobody", phase_name(&phase));
        return Err(refuse(StatusCode::CONFLICT, error));
    }
    let phone_told = match word {
        Word::Do(operation) => {
            if !handle.operate(operation) {
                return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, "the user's task is busy; try again"));
            }
            None
        }
        Word::Logout => Some(bounded(&admin, handle, false).await? == DisconnectOutcome::LoggedOut),
        Word::Reset => bounded(&admin, handle, true).await.map(|_| None)?,
    };
    Ok(Json(Changed { user, operation, phase: phase_name(&phase).into(), phone_told }))
}

/// The words that operators have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Do(Operation),
    Logout,
    Reset,
}

impl Word {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "start" | "resume" => Self::Do(Operation::Start),
            "stop" => Self::Do(Operation::Stop),
            "restart" => Self::Do(Operation::Restart),
            "logout" => Self::Logout,
            "reset" => Self::Reset,
            _ => return None,
        })
    }
}

fn create(admin: &Admin, user: &UserId) -> Result<UserHandle, Refusal> {
    admin
        .app
        .registry
        .find_or_create(user)
        .map_err(|error| refuse(StatusCode::SERVICE_UNAVAILABLE, chain(&error)))
}

/// It goes on when the operator hangs up: half a deletion would be worse.
async fn bounded(admin: &Admin, handle: UserHandle, reset: bool) -> Result<DisconnectOutcome, Refusal> {
    let busy = admin.app.control.busy();
    let going = tokio::spawn(async move {
        let _busy = busy;
        if reset { handle.reset().await } else { handle.disconnect().await }
    });
    match tokio::time::timeout(LONGEST, going).await {
        Ok(Ok(outcome)) => Ok(outcome),
        _ => Err(refuse(StatusCode::GATEWAY_TIMEOUT, "it is still going on; look again in a moment")),
    }
}
