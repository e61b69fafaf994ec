//! A session's log: its last lines, filtered by level and text, and the stream of those to come.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use colmeia::UserId;
use colmeia_base::tasks;

use super::super::super::names::{self, LogLevel};
use super::super::super::negotiate::Language::{self, English};
use super::super::super::user::Pairs;
use super::super::events::{Source, follow};
use super::known::{Known, label};
use super::log_lines::{Filter, LogLine};
use super::{Frame, html};
use crate::state::Http;
use colmeia_control::operators::LogTail;

/// How often the file is looked at for a page that is open.
const LOOK: Duration = Duration::from_secs(2);
/// How many lines are read, and how many of those that a filter leaves are shown.
const READ: usize = 2_000;
const SHOWN: usize = 300;

#[derive(Template)]
#[template(path = "dashboard/log.html")]
struct LogPage<'a> {
    frame: Frame,
    user: &'a UserId,
    label: String,
    filter: &'a Filter,
    levels: Vec<(&'static str, &'static str, bool)>,
    query: String,
    live: String,
}

#[derive(Template)]
#[template(path = "dashboard/log_live.html")]
struct Live {
    english: bool,
    lines: Vec<Shown>,
}

struct Shown {
    line: LogLine,
    /// `error`, `warn`, …, and what it is called.
    kind: &'static str,
    level: &'static str,
}

/// `GET /sessions/{user}/log`.
pub(super) async fn log(
    State(http): State<Http>,
    headers: HeaderMap,
    Known(handle): Known,
    pairs: Pairs,
) -> Response {
    let language = Language::of(&headers);
    let (user, filter) = (handle.user.clone(), filter(&pairs));
    let query = address(&filter);
    let (frame, cookie) = Frame::new(&http, &headers, format!("/sessions/{user}/log{query}"));
    let live = live(http.operators.tail(&user), &filter, SHOWN, language).await;
    let levels =
        LogLevel::ALL.map(|level| (level.name(), names::level(level, language), filter.level == Some(level)));
    let (label, levels) = (label(&http, &user), levels.into());
    super::begin(html(&LogPage { frame, user: &user, label, filter: &filter, levels, query, live }), cookie)
}

/// `GET /sessions/{user}/log/events`: the lines whenever there are others.
pub(super) async fn events(
    State(http): State<Http>,
    headers: HeaderMap,
    Known(handle): Known,
    pairs: Pairs,
) -> Response {
    let language = Language::of(&headers);
    let tail = http.operators.tail(&handle.user);
    follow(Following { tail, filter: filter(&pairs), language }, http.shutdown.clone())
}

struct Following {
    tail: LogTail,
    filter: Filter,
    language: Language,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        live(self.tail.clone(), &self.filter, SHOWN, self.language).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(LOOK).await;
        true
    }
}

fn filter(pairs: &Pairs) -> Filter {
    let text = pairs.get("q").unwrap_or_default().trim().to_owned();
    Filter { level: pairs.get("level").and_then(LogLevel::of), text }
}

fn address(filter: &Filter) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    if let Some(level) = filter.level {
        pairs.append_pair("level", level.name());
    }
    if !filter.text.is_empty() {
        pairs.append_pair("q", &filter.text);
    }
    let text = pairs.finish();
    if text.is_empty() { text } else { format!("?{text}") }
}

/// The newest lines that a filter leaves, at most so many.
pub(super) async fn live(tail: LogTail, filter: &Filter, most: usize, language: Language) -> String {
    let filter = filter.clone();
    // Where every line is shown, no more than those are read.
    let read_at_most = if filter == Filter::default() { most } else { READ };
    let read = move || {
        let lines = tail.last(read_at_most).0;
        let mut shown: Vec<_> = lines
            .iter()
            .rev()
            .map(|line| LogLine::of(line))
            .filter(|line| filter.shows(line))
            .take(most)
            .collect();
        shown.reverse();
        shown
    };
    let lines = tasks::blocking("log", read).await.unwrap_or_default().into_iter().map(|mut line| {
        // States have words here, too.
        for (_, value) in
            line.fields.iter_mut().filter(|(name, _)| matches!(name.as_str(), "from" | "to" | "state"))
        {
            if let Some(words) = names::known_state(value, language) {
                *value = words.to_owned();
            }
        }
        Shown {
            kind: line.level.map(LogLevel::name).unwrap_or_default(),
            level: line.level.map(|level| names::level(level, language)).unwrap_or_default(),
            line,
        }
    });
    let live = Live { english: language == English, lines: lines.collect() };
    live.render().unwrap_or_default() // writing into a String does not fail
}
