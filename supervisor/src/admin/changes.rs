//! What an operator changes about one user. Owns the route and its answers; what is done is [`colmeia_control::operators`]'s.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::admin::Changed;
use serde::Deserialize;

use super::socket::Peer;
use super::{Admin, Refusal, parse, refuse};
use colmeia_control::operators::{Asker, Word};

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangeQuery {
    /// `start` makes a user that is not known yet.
    new: bool,
}

/// `POST /v1/sessions/{user}/{operation}`.
pub(super) async fn change(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Path((user, operation)): Path<(String, String)>,
    Query(wishes): Query<ChangeQuery>,
) -> Result<Json<Changed>, Refusal> {
    let user = parse(&user)?;
    let word = Word::of(&operation).ok_or_else(|| refuse(StatusCode::NOT_FOUND, "no such operation"))?;
    let by = Asker::Process { uid: peer.uid, pid: peer.pid };
    Ok(Json(admin.app.operators.change(&user, word, wishes.new, by).await?))
}
