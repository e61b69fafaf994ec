//! The page with all users: where each one stands, and the way to its code.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use colmeia::UserId;

use super::super::Http;
use super::super::negotiate::Language;
use super::super::standing::{Standing, state_name};
use super::events::{Source, follow};
use super::html;
use super::shown::Shown;

/// How often the list is looked through for a page that is open.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "users.html")]
struct Page {
    language: Language,
    english: bool,
    rows: String,
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Rows {
    english: bool,
    rows: Vec<Row>,
}

struct Row {
    user: UserId,
    kind: &'static str,
    title: String,
    state: &'static str,
    name: String,
    restarts: u32,
    waiting: i64,
}

/// The page as it stands now.
pub(in super::super) async fn users(http: &Http, headers: &HeaderMap) -> Response {
    let language = Language::of(headers);
    html(&Page { language, english: language == Language::English, rows: rows(http, language).await })
}

/// `GET /users/events`: the rows whenever they change.
pub(super) async fn events(State(http): State<Http>, headers: HeaderMap) -> Response {
    let shutdown = http.shutdown.clone();
    follow(Following { http, language: Language::of(&headers) }, shutdown)
}

struct Following {
    http: Http,
    language: Language,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        rows(&self.http, self.language).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(LOOK).await;
        true
    }
}

async fn rows(http: &Http, language: Language) -> String {
    let waiting = http.journal.count_pending().await.unwrap_or_default();
    let rows = http.users.list().into_iter().map(|handle| {
        let view = handle.view();
        let standing = Standing::of(&view);
        let shown = Shown::of(standing, language);
        Row {
            kind: shown.kind,
            title: shown.title,
            state: state_name(&view),
            name: standing.me().map(|me| me.pushname.clone()).unwrap_or_default(),
            restarts: view.restarts,
            waiting: waiting.get(&handle.user).copied().unwrap_or_default(),
            user: handle.user,
        }
    });
    let rows = Rows { english: language == Language::English, rows: rows.collect() };
    rows.render().unwrap_or_default() // writing into a String does not fail
}
