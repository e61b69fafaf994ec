//! The page of one session: where it stands, how it is, what can be done, and its last lines.

use std::time::{Duration, SystemTime};

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use colmeia::admin::DeadLetter;
use colmeia::moment::now_ms;
use colmeia::session::HealthLevel;
use colmeia::text::plain;
use colmeia::{ExitReason, UserId, impossible};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::super::super::names;
use super::super::super::negotiate::Language::{self, English};
use super::super::super::restricted::{Notice, notices};
use super::super::events::{Source, follow};
use super::super::svg;
use super::deliveries::Stuck;
use super::history::{Bar, Past};
use super::known::Known;
use super::log;
use super::log_lines::Filter;
use super::plot::Plot;
use super::rows::Memory;
use super::{Frame, html, words};
use crate::phone_number::phone_number;
use crate::state::Http;
use crate::watch::health::Health;
use colmeia_control::summary::{SessionSummary, state_name};
use colmeia_events::journal;
use colmeia_session::{Phase, UserHandle, UserView};

/// How often what nobody announces (the log, the queue) is looked at for a page that is open.
const LOOK: Duration = Duration::from_secs(2);
/// How soon after a change the next one is told.
const PACE: Duration = Duration::from_millis(150);
/// How often an open page says that someone waits for the phone.
const ATTENDED: Duration = Duration::from_secs(20);
/// How many log lines are shown.
const LINES: usize = 12;
/// How many dead letters are listed.
const LETTERS: u32 = 50;

#[derive(Template)]
#[template(path = "dashboard/session.html")]
struct SessionPage<'a> {
    frame: Frame,
    user: &'a UserId,
    label: String,
    /// Between commas.
    tags: String,
    live: String,
}

#[derive(Template)]
#[template(path = "dashboard/session_live.html")]
struct Live<'a> {
    english: bool,
    base: &'a str,
    token: &'a str,
    user: &'a UserId,
    words: words::Words,
    state: &'static str,
    since: String,
    /// Whether a person has to use a passkey, or compare a code.
    asks: bool,
    qr: Option<String>,
    percent: Option<u8>,
    number: Option<String>,
    name: String,
    memory: Option<Memory>,
    restarts: u32,
    last_exit: Option<(&'static str, String)>,
    waiting: u64,
    dead: u64,
    letters: Vec<Letter>,
    stuck: Vec<Stuck>,
    pid: Option<u32>,
    page_version: String,
    degraded: String,
    impossible: String,
    /// What WhatsApp restricts the account in.
    notices: Vec<Notice>,
    health: Vec<(&'static str, &'static str, &'static str, String)>,
    /// Which buttons make no sense now.
    runs: bool,
    has_page: bool,
    lines: String,
    /// How much of the last day and month it was connected.
    bars: [Bar; 2],
    /// Its memory over the last day, once there is something to draw.
    plot: Option<Plot>,
}

/// An event that was given up.
struct Letter {
    id: String,
    event: String,
    receiver: String,
    attempts: u32,
    error: String,
    since: String,
}

/// `GET /sessions/{user}`.
pub(super) async fn session(State(http): State<Http>, headers: HeaderMap, Known(handle): Known) -> Response {
    let user = handle.user.clone();
    let (frame, cookie) = Frame::new(&http, &headers, format!("/sessions/{user}"));
    let live = live(&http, &user, &handle.view(), &frame).await;
    let settings = http.store.session(&user).unwrap_or_default();
    let (label, tags) = (settings.label.unwrap_or_default(), settings.tags.join(", "));
    super::begin(html(&SessionPage { frame, user: &user, label, tags, live }), cookie)
}

/// `GET /sessions/{user}/events`: the live part of the page whenever it changes.
pub(super) async fn events(State(http): State<Http>, headers: HeaderMap, Known(handle): Known) -> Response {
    let (frame, _) = Frame::new(&http, &headers, String::new());
    let (shutdown, view) = (http.shutdown.clone(), handle.watch());
    follow(Following { http, handle, view, frame, attended: Instant::now() }, shutdown)
}

struct Following {
    http: Http,
    handle: UserHandle,
    view: watch::Receiver<UserView>,
    frame: Frame,
    attended: Instant,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        let view = self.view.borrow_and_update().clone();
        if awaits_a_phone(&view.phase, view.was_linked) && self.attended.elapsed() >= ATTENDED {
            self.attended = Instant::now();
            self.handle.wake();
        }
        live(&self.http, &self.handle.user, &view, &self.frame).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(PACE).await;
        if let Ok(Err(_)) = timeout(LOOK, self.view.changed()).await {
            // The user's task is over; another may come.
            tokio::time::sleep(LOOK).await;
            let Ok(handle) = self.http.operators.known(&self.handle.user).await else { return false };
            self.view = handle.watch();
            self.handle = handle;
        }
        true
    }
}

/// Whether who looks at the page is about to link a phone. A session that is stopped or parked waits for a word.
fn awaits_a_phone(phase: &Phase, was_linked: bool) -> bool {
    !was_linked && matches!(phase, Phase::Running | Phase::Starting | Phase::Queued { .. })
}

async fn live(http: &Http, user: &UserId, view: &UserView, frame: &Frame) -> String {
    let language = frame.language;
    let queues = http.operators.event_queues().await.map(|told| told.queues).unwrap_or_default();
    let own = || queues.iter().filter(|queue| queue.user == *user);
    let dead = own().map(|queue| queue.dead).sum();
    let letters = if dead > 0 { letters(http, user, language).await } else { Vec::new() };
    let lines = log::live(http.operators.tail(user), &Filter::default(), LINES, language).await;
    let at_ms = journal::now_ms();
    let points = http.journal.history(vec![user.clone()], at_ms - Past::Month.ms()).await;
    let points = points.ok().and_then(|mut points| points.remove(user)).unwrap_or_default();
    let cap = http.operators.cap(user);
    let summary = SessionSummary::of(view);
    let report = view.report.as_ref();
    let live = Live {
        english: language == English,
        base: &frame.base,
        token: &frame.token,
        user,
        words: words::after(view.passkey_over, summary, language),
        state: names::state(state_name(view), language),
        since: words::ago(view.since, SystemTime::now(), language),
        qr: match summary {
            SessionSummary::Code { qr } => svg::draw(qr),
            _ => None,
        },
        asks: matches!(summary, SessionSummary::Passkey { .. } | SessionSummary::PasskeyCode { .. }),
        percent: match summary {
            SessionSummary::Syncing { percent, .. } => percent,
            _ => None,
        },
        number: summary.me().and_then(phone_number),
        name: summary.me().map(|me| plain(&me.pushname).into_owned()).unwrap_or_default(),
        memory: Memory::of(view, cap),
        restarts: view.restarts,
        last_exit: view
            .last_exit
            .as_ref()
            .map(|reason: &ExitReason| (words::exit(reason, language), names::exit_detail(reason, language))),
        waiting: own().map(|queue| queue.pending).sum(),
        dead,
        letters,
        stuck: Stuck::of(own(), SystemTime::now(), language),
        pid: view.pid,
        page_version: report.and_then(|report| report.page_version.clone()).unwrap_or_default(),
        degraded: report.map(|report| report.degraded.join(", ")).unwrap_or_default(),
        impossible: report.map(|report| impossible(&report.lacks).join(", ")).unwrap_or_default(),
        notices: report
            .filter(|_| summary.is_ready())
            .map(|report| notices(&report.restrictions, now_ms(), language))
            .unwrap_or_default(),
        health: health(view, language),
        runs: !matches!(view.phase, Phase::Stopped | Phase::Held | Phase::Parked { .. }),
        has_page: report.is_some_and(|report| report.browser_pid.is_some()),
        lines,
        bars: [Past::Day, Past::Month].map(|past| Bar::of(&points, past, at_ms, language)),
        plot: Plot::of(&http.journal.samples(user), at_ms, cap.map(|bytes| bytes >> 20), language),
    };
    live.render().unwrap_or_default() // writing into a String does not fail
}

/// The newest of those that were given up.
async fn letters(http: &Http, user: &UserId, language: Language) -> Vec<Letter> {
    let told = http.operators.dead_letters(Some(user.clone()), LETTERS).await;
    let letters = told.map(|told| told.letters).unwrap_or_default().into_iter();
    let at = |ms: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    let letter = |letter: DeadLetter| Letter {
        since: words::ago(at(letter.created_ms), SystemTime::now(), language),
        id: letter.id,
        event: letter.event,
        receiver: letter.receiver,
        attempts: letter.attempts,
        error: names::delivery(&letter.error, language),
    };
    letters.map(letter).collect()
}

/// Each level with its name, what was found, in words, and how long its answer took.
fn health(view: &UserView, language: Language) -> Vec<(&'static str, &'static str, &'static str, String)> {
    let health = Health::of(view, SystemTime::now());
    [
        (HealthLevel::Ipc, health.worker),
        (HealthLevel::Browser, health.browser),
        (HealthLevel::Page, health.page),
    ]
    .into_iter()
    .map(|(level, found)| {
        let took = found.took_ms.map(|ms| format!("{ms} ms")).unwrap_or_default();
        (names::health_level(level, language), found.status, words::found(found.status, language), took)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_keeps_a_code_alive_and_wakes_nobody_else() {
        assert!(awaits_a_phone(&Phase::Running, false) && awaits_a_phone(&Phase::Starting, false));
        assert!(!awaits_a_phone(&Phase::Running, true), "a linked session needs nobody to wait for it");
        let stopping = Phase::Stopping { back: None };
        for phase in [Phase::Stopped, Phase::Held, stopping, Phase::Parked { reason: ExitReason::Oom }] {
            assert!(!awaits_a_phone(&phase, false), "{phase:?}");
        }
    }
}
