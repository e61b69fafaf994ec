//! What operators see: the service, the list, one session. Owns the reading of a view for them; changes nothing.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{Path, Query, State};
use colmeia::admin::{Service, Session, SessionDetail, Sessions};
use colmeia::config::MemoryMode;
use colmeia::{Me, SessionState, UserId};
use serde::Deserialize;

use super::sentences::explain;
use super::tail::Tail;
use super::usage::Machine;
use super::{Admin, App, Refusal, broken, millis, parse, unknown};
use crate::http::state_name;
use crate::memory::Limits;
use crate::user::{Phase, UserView, folders};

/// How many of its lines are shown with a session.
const LAST_LINES: usize = 10;

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wishes {
    qr: bool,
    number: bool,
}

/// `GET /v1/service`.
pub(super) async fn service(State(admin): State<Admin>) -> Json<Service> {
    let host = &admin.app.host;
    Json(Service {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        started_ms: millis(admin.started),
        listen: admin.app.listen.to_string(),
        state_dir: host.state.root().display().to_string(),
        runtime_dir: host.run.root().display().to_string(),
        draining: admin.drain.is_on(),
        memory_mode: Some(host.memory.mode().name().into()),
    })
}

/// `GET /v1/sessions`.
pub(super) async fn list(State(admin): State<Admin>) -> Result<Json<Sessions>, Refusal> {
    let queues = admin.app.journal.count_pending().await.map_err(|error| broken(&error))?;
    let draining = admin.drain.is_on();
    let look = move || {
        let machine = Machine::look();
        let everyone = everyone(&admin.app);
        everyone.iter().map(|(user, view)| line(&admin.app, user, view.as_ref(), &machine, &queues)).collect()
    };
    let sessions = tokio::task::spawn_blocking(look).await.map_err(|error| broken(&error))?;
    Ok(Json(Sessions { draining, sessions }))
}

/// `GET /v1/sessions/{user}`.
pub(super) async fn show(
    State(admin): State<Admin>,
    Path(user): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Result<Json<SessionDetail>, Refusal> {
    let user = parse(&user)?;
    let queues = admin.app.journal.count_pending().await.map_err(|error| broken(&error))?;
    let look = move || {
        let view = everyone(&admin.app).remove(&user).ok_or_else(|| unknown(&user))?;
        let session = line(&admin.app, &user, view.as_ref(), &Machine::look(), &queues);
        Ok(detail(&admin.app, session, view.as_ref(), &wishes))
    };
    tokio::task::spawn_blocking(look).await.map_err(|error| broken(&error))?.map(Json)
}

/// Who has a task, and who has only a folder or a hold.
fn everyone(app: &App) -> BTreeMap<UserId, Option<UserView>> {
    let layout = &app.host.state;
    let on_disk = folders::users_on_disk(layout).unwrap_or_default();
    let mut all: BTreeMap<_, _> =
        on_disk.into_iter().chain(folders::users_held(layout)).map(|user| (user, None)).collect();
    all.extend(app.registry.list().into_iter().map(|handle| (handle.user.clone(), Some(handle.view()))));
    all
}

fn line(
    app: &App,
    user: &UserId,
    view: Option<&UserView>,
    machine: &Machine,
    queues: &HashMap<UserId, i64>,
) -> Session {
    let pid = view.and_then(|view| view.pid);
    let measured = view.and_then(|view| view.memory);
    let state = view.and_then(UserView::state);
    Session {
        user: user.clone(),
        phase: view.map_or("stopped", |view| phase_name(&view.phase)).into(),
        state: view.map_or("disconnected", state_name).into(),
        ready: state.is_some_and(SessionState::is_ready),
        since_ms: view.map(|view| millis(view.since)),
        pid,
        browser_pid: view.and_then(|view| view.report.as_ref()?.browser_pid),
        // A worker that has just started, or that nobody measures, is looked at now.
        memory: measured.map(|memory| memory.used).or_else(|| machine.memory(pid?)),
        memory_cap: measured.map(|memory| memory.cap).or_else(|| cap(app, user)),
        cpu_seconds: pid.and_then(|pid| machine.cpu_seconds(pid)),
        restarts: view.map_or(0, |view| view.restarts),
        attempts: view.map_or(0, |view| view.attempts),
        last_exit: view.and_then(|view| view.last_exit.as_ref()).map(explain),
        queue: queues.get(user).copied().and_then(|count| count.try_into().ok()).unwrap_or_default(),
    }
}

/// What the configuration allows this user, where somebody sees to it.
fn cap(app: &App, user: &UserId) -> Option<u64> {
    let config = &app.host.config;
    (config.memory.mode != MemoryMode::Off).then(|| Limits::of(&config.memory_of(user)).max)
}

fn detail(app: &App, session: Session, view: Option<&UserView>, wishes: &Wishes) -> SessionDetail {
    let layout = &app.host.state;
    let auth_dir = layout.auth_dir(&session.user);
    let state = view.and_then(UserView::state);
    let report = view.and_then(|view| view.report.as_ref());
    let me = state.and_then(SessionState::me);
    SessionDetail {
        on_disk: auth_dir.is_dir(),
        auth_dir: auth_dir.display().to_string(),
        was_linked: view.is_some_and(|view| view.was_linked),
        number: me.map(|me| if wishes.number { digits(me).to_owned() } else { masked(me) }),
        name: me.map(|me| me.pushname.clone()),
        next_start_ms: match view.map(|view| &view.phase) {
            Some(Phase::BackingOff { until }) => Some(millis(*until)),
            _ => None,
        },
        memory_mode: Some(app.host.memory.mode().name().into()),
        degraded: report.map(|report| report.degraded.clone()).unwrap_or_default(),
        page_version: report.and_then(|report| report.page_version.clone()),
        parked: match view.map(|view| &view.phase) {
            Some(Phase::Parked { reason }) => Some(explain(reason)),
            _ => None,
        },
        last_lines: Tail::of(layout, &session.user).last(LAST_LINES).0,
        qr: match state {
            Some(SessionState::AwaitingScan { qr }) if wishes.qr => qr.clone(),
            _ => None,
        },
        session,
    }
}

fn digits(me: &Me) -> &str {
    me.wid.split(['@', ':']).next().unwrap_or_default()
}

/// Enough to recognise one's own number by, and no other.
fn masked(me: &Me) -> String {
    let digits: Vec<char> = digits(me).chars().collect();
    let hidden = digits.len().saturating_sub(4);
    digits.iter().enumerate().map(|(at, digit)| if at < hidden { '*' } else { *digit }).collect()
}

/// The phase's name on the wire.
pub(super) fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Stopped => "stopped",
        Phase::Held => "held",
        Phase::Queued { .. } => "queued",
        Phase::Starting => "starting",
        Phase::Running => "running",
        Phase::BackingOff { .. } => "backing_off",
        Phase::Stopping => "stopping",
        Phase::Parked { .. } => "parked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_number_keeps_its_last_four_digits() {
        let me = Me { wid: "5511999998888:12@c.us".into(), pushname: String::new(), platform: String::new() };
        assert_eq!((masked(&me).as_str(), digits(&me)), ("*********8888", "5511999998888"));
    }
}
