//! `GET /health`: whether we are there. It must answer at once whatever the workers do: Flask kills what does
//! not.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::state::Http;

use super::super::reply;
use colmeia_session::Phase;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: &'static str,
    active_clients: usize,
}

pub(super) async fn health(State(http): State<Http>) -> Response {
    let active =
        |user: &colmeia_session::UserHandle| !matches!(user.view().phase, Phase::Stopped | Phase::Held);
    let active_clients = http.users.list().iter().filter(|user| active(user)).count();
    reply::ok(&Health { status: "ok", active_clients })
}
