//! The page with all sessions, and the stream of its changes.

use std::time::{Duration, SystemTime};

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use colmeia::UserId;
use colmeia::text::plain;
use colmeia_base::tasks;
use futures::future::select_all;
use tokio::sync::watch;

use super::super::super::external;
use super::super::super::names;
use super::super::super::negotiate::Language;
use super::super::super::restricted::notices;
use super::super::super::visitors::Visit;
use super::super::events::{Source, follow};
use super::{Frame, html, words};
use crate::phone_number::phone_number;
use crate::state::Http;
use colmeia_control::operators::millis;
use colmeia_control::summary::{SessionSummary, state_name};
use colmeia_session::{UserHandle, UserView};

/// How often what nobody announces (memory, queues, who is new) is looked at for a page that is open.
const LOOK: Duration = Duration::from_secs(2);
/// How soon after a change the next one is told: many at once are told together.
const PACE: Duration = Duration::from_millis(400);

#[derive(Template)]
#[template(path = "dashboard/list.html")]
struct ListPage {
    frame: Frame,
    live: String,
}

#[derive(Template)]
#[template(path = "dashboard/list_live.html")]
struct Live<'a> {
    english: bool,
    base: &'a str,
    ready: usize,
    rows: Vec<SessionRow>,
}

struct SessionRow {
    user: UserId,
    kind: &'static str,
    title: &'static str,
    state: &'static str,
    since: String,
    number: Option<String>,
    name: String,
    memory: Option<Memory>,
    restarts: u32,
    last_exit: Option<&'static str>,
    waiting: u64,
    dead: u64,
    /// The first receiver that does not take its events, and how the last attempt ended.
    stuck: Option<(String, String)>,
    /// What WhatsApp restricts the account in, in a word or two.
    restricted: Vec<&'static str>,
}

/// In MiB.
pub(super) struct Memory {
    pub(super) used: u64,
    pub(super) cap: Option<u64>,
}

/// The page as it stands now.
pub(in super::super::super) async fn list(http: &Http, headers: &HeaderMap) -> Response {
    let (visit, cookie) = Visit::of_or_new(headers);
    let frame = Frame::new(http, headers, &visit, "/");
    let live = live(http, frame.language, &frame.base).await;
    super::begin(html(&ListPage { frame, live }), cookie)
}

/// `GET /sessions/events`: the live part of the page whenever it changes.
pub(super) async fn events(State(http): State<Http>, headers: HeaderMap) -> Response {
    let shutdown = http.shutdown.clone();
    let base = external::prefix(&headers).to_owned();
    follow(Following { language: Language::of(&headers), http, views: Vec::new(), base }, shutdown)
}

struct Following {
    http: Http,
    language: Language,
    /// Everyone's, as they were when the text was made.
    views: Vec<watch::Receiver<UserView>>,
    /// What stands before our paths.
    base: String,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        self.views = self.http.users.list().iter().map(UserHandle::watch).collect();
        self.views.iter_mut().for_each(watch::Receiver::mark_unchanged);
        live(&self.http, self.language, &self.base).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(PACE).await;
        // A task that ends is a change too.
        let changes = self.views.iter_mut().map(|view| Box::pin(async { view.changed().await.is_ok() }));
        let changes: Vec<_> = changes.collect();
        let any = async {
            if changes.is_empty() { std::future::pending().await } else { select_all(changes).await.0 }
        };
        let _ = tokio::time::timeout(LOOK, any).await;
        true
    }
}

async fn live(http: &Http, language: Language, base: &str) -> String {
    let (operators, now) = (http.operators.clone(), SystemTime::now());
    let queues = operators.event_queues().await.map(|told| told.queues).unwrap_or_default();
    let rows = tasks::blocking("dashboard", move || {
        // The page says it anew every few seconds: what cannot be read now is in it then.
        let everyone = operators.everyone_seen();
        let row = |(user, view): (UserId, Option<UserView>)| {
            let own = || queues.iter().filter(|queue| queue.user == user);
            let events = (own().map(|queue| queue.pending).sum(), own().map(|queue| queue.dead).sum());
            let stuck = own().find(|queue| queue.is_stuck()).and_then(|queue| {
                let error = queue.head.as_ref()?.error.as_deref()?;
                Some((queue.receiver.clone(), names::delivery(error, language)))
            });
            let cap = operators.cap(&user);
            SessionRow { stuck, ..row(user, view.as_ref(), cap, events, now, language) }
        };
        everyone.into_iter().map(row).collect()
    });
    let rows: Vec<SessionRow> = rows.await.unwrap_or_default();
    let ready = rows.iter().filter(|row| row.kind == "ready").count();
    let live = Live { english: language == Language::English, base, ready, rows };
    live.render().unwrap_or_default() // writing into a String does not fail
}

fn row(
    user: UserId,
    view: Option<&UserView>,
    cap: Option<u64>,
    (waiting, dead): (u64, u64),
    now: SystemTime,
    language: Language,
) -> SessionRow {
    let summary = view.map_or(SessionSummary::Absent, SessionSummary::of);
    let words::Words { kind, title, .. } = words::of(summary, language);
    SessionRow {
        kind,
        title,
        state: words::finer(title, view.map_or("disconnected", state_name), language),
        since: view.map(|view| words::ago(view.since, now, language)).unwrap_or_default(),
        number: summary.me().and_then(phone_number),
        name: summary.me().map(|me| plain(&me.pushname).into_owned()).unwrap_or_default(),
        memory: view.and_then(|view| Memory::of(view, cap)),
        restarts: view.map_or(0, |view| view.restarts),
        last_exit: view.and_then(|view| view.last_exit.as_ref()).map(|reason| words::exit(reason, language)),
        waiting,
        dead,
        stuck: None,
        restricted: view
            .filter(|_| summary.is_ready())
            .and_then(|view| view.report.as_ref())
            .map(|report| notices(&report.restrictions, millis(now), language))
            .unwrap_or_default()
            .into_iter()
            .map(|notice| notice.title)
            .collect(),
        user,
    }
}

impl Memory {
    /// Absent until it was measured.
    pub(super) fn of(view: &UserView, cap: Option<u64>) -> Option<Self> {
        const MIB: u64 = 1024 * 1024;
        let measured = view.memory?;
        Some(Self { used: measured.used / MIB, cap: cap.map(|_| measured.cap / MIB) })
    }

    /// Where a bar begins to look full.
    pub(super) fn high(cap: &u64) -> u64 {
        cap / 10 * 7
    }
}
