//! `GET /status`: what is known of the session, from memory. It never starts anything and never waits.

use axum::extract::State;
use axum::response::Response;
use colmeia::{ExitReason, impossible};
use serde::Serialize;

use super::super::reply;
use super::super::user::RequestUser;
use crate::phone_number::phone_number;
use crate::state::Http;
use colmeia_control::summary::{SessionSummary, state_name};
use colmeia_session::UserView;

/// How often Flask thinks that we try; we do not give up by counting.
const MAX_ATTEMPTS: u32 = 10;

/// No session. The keys stand in the contract's order, here and below.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NoSession {
    ready: bool,
    has_qr: bool,
    actually_connected: bool,
    client_initialized: bool,
    is_authenticated: bool,
    state: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session<'a> {
    ready: bool,
    has_qr: bool,
    actually_connected: bool,
    client_initialized: bool,
    is_authenticated: bool,
    is_connecting: bool,
    #[serde(rename = "phone_number")]
    phone_number: Option<String>,
    client_info: Option<ClientInfo<'a>>,
    reconnect_info: ReconnectInfo,
    state: &'static str,
    /// Until when that lasts, in milliseconds since the epoch, where WhatsApp says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ms: Option<u64>,
    /// Members of the page that have changed; wa-js stands in for them where it can. Absent while there are none, as they should be.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    degraded: &'a [String],
    /// Operations that are not possible with what is missing; absent while all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    impossible: Vec<&'a str>,
    /// Why the worker before this one ended; absent while there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_exit: Option<String>,
}

#[derive(Debug, Serialize)]
struct ClientInfo<'a> {
    wid: &'a str,
    pushname: &'a str,
    platform: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReconnectInfo {
    attempts: u32,
    max_attempts: u32,
    is_reconnecting: bool,
    auto_reconnect_enabled: bool,
}

/// Either of the two.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer<'a> {
    None(NoSession),
    Some(Session<'a>),
}

pub(super) async fn status(State(http): State<Http>, RequestUser(user): RequestUser) -> Response {
    match http.users.find(&user) {
        Some(handle) => reply::ok(&answer(&handle.view())),
        None => reply::ok(&Answer::none()),
    }
}

/// The answer for a view.
pub(super) fn answer(view: &UserView) -> Answer<'_> {
    let summary = SessionSummary::of(view);
    if summary == SessionSummary::Absent {
        return Answer::none();
    }
    Answer::Some(Session {
        ready: summary.is_ready(),
        has_qr: matches!(summary, SessionSummary::Code { .. }),
        actually_connected: summary.is_connected(),
        client_initialized: true,
        is_authenticated: summary.is_connected(),
        is_connecting: summary.is_connecting(),
        phone_number: summary.me().and_then(phone_number),
        client_info: summary.connected_as().map(|me| ClientInfo {
            wid: &me.wid,
            pushname: &me.pushname,
            platform: &me.platform,
        }),
        reconnect_info: ReconnectInfo {
            attempts: view.attempts,
            max_attempts: MAX_ATTEMPTS,
            is_reconnecting: summary.is_reconnecting(),
            auto_reconnect_enabled: !matches!(summary, SessionSummary::Failed { .. }),
        },
        state: state_name(view),
        until_ms: view.report.as_ref().and_then(|report| report.until_ms),
        degraded: view.report.as_ref().map_or(&[], |report| &report.degraded),
        impossible: view.report.as_ref().map(|report| impossible(&report.lacks)).unwrap_or_default(),
        last_exit: view.last_exit.as_ref().map(ExitReason::label),
    })
}

impl Answer<'_> {
    fn none() -> Self {
        Self::None(NoSession {
            ready: false,
            has_qr: false,
            actually_connected: false,
            client_initialized: false,
            is_authenticated: false,
            state: "disconnected",
        })
    }
}
