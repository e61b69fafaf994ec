//! The page that shows one user's code, follows it, and says when the phone is linked.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use colmeia::UserId;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::super::errors::Failure;
use super::super::negotiate::Language;
use super::super::places::during;
use super::super::standing::Standing;
use super::super::user::RequestUser;
use super::super::{Http, external, negotiate, reply};
use super::dashboard::see_other;
use super::events::{Source, follow};
use super::html;
use super::shown::Shown;
use crate::user::{Phase, UserHandle, UserView};

/// How often an open page says that someone is there.
const ATTENDED: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "qr.html")]
struct Page<'a> {
    language: Language,
    english: bool,
    user: &'a UserId,
    base: &'a str,
    shown: Shown,
}

/// Whoever comes from another site's page sees this first: opening an address starts nothing in its name.
#[derive(Template)]
#[template(path = "ask.html")]
struct Ask<'a> {
    language: Language,
    english: bool,
    user: &'a UserId,
    base: &'a str,
}

/// In the query of `/qr`: the page asks first.
pub(in super::super) const ASK: &str = "ask";

#[derive(Serialize)]
struct Accepted {
    success: bool,
}

/// The page as it stands now. It starts the user's worker, as the JSON answer does.
pub(in super::super) async fn qr(http: &Http, headers: &HeaderMap, user: &UserId) -> Response {
    let language = Language::of(headers);
    let Ok(handle) = http.users.find_or_create(user).await else { return no_task().into_response() };
    handle.settled().await;
    let view = handle.view();
    handle.wake();
    let shown = Shown::of(Standing::of(&view), language);
    let base = external::prefix(headers);
    html(&Page { language, english: language == Language::English, user, base, shown })
}

/// The page that starts nothing until a button is pressed.
pub(in super::super) fn ask(headers: &HeaderMap, user: &UserId) -> Response {
    let (language, base) = (Language::of(headers), external::prefix(headers));
    html(&Ask { language, english: language == Language::English, user, base })
}

/// `GET /qr/events`: the page's changes.
pub(super) async fn events(
    State(http): State<Http>,
    headers: HeaderMap,
    RequestUser(user): RequestUser,
) -> Result<Response, Failure> {
    let page = http.places.page(&user)?;
    let handle = http.users.find_or_create(&user).await.map_err(|_| no_task())?;
    handle.wake();
    let mut beat = tokio::time::interval_at(Instant::now() + ATTENDED, ATTENDED);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let view = handle.watch();
    let following = Following { handle, view, beat, language: Language::of(&headers) };
    Ok(during(page, follow(following, http.shutdown.clone())))
}

/// `POST /qr/retry`: someone says "again", or at all.
pub(super) async fn retry(
    State(http): State<Http>,
    headers: HeaderMap,
    RequestUser(user): RequestUser,
) -> Result<Response, Failure> {
    http.users.find_or_create(&user).await.map_err(|_| no_task())?.wake();
    if negotiate::wants_html(&headers) {
        return Ok(see_other(&format!("/qr?user_id={user}")));
    }
    Ok(reply::ok(&Accepted { success: true }))
}

fn no_task() -> Failure {
    Failure::internal("O serviço não pode iniciar este WhatsApp agora. Tente novamente em instantes.")
}

struct Following {
    handle: UserHandle,
    view: watch::Receiver<UserView>,
    beat: Interval,
    language: Language,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        let view = self.view.borrow_and_update();
        let shown = Shown::of(Standing::of(&view), self.language);
        serde_json::to_string(&shown).unwrap_or_default() // plain data always has a JSON form
    }

    async fn changed(&mut self) -> bool {
        loop {
            tokio::select! {
                changed = self.view.changed() => return changed.is_ok(),
                _ = self.beat.tick() => {
                    // A session that was given up waits for a person, and an open page is none.
                    let parked = matches!(self.view.borrow().phase, Phase::Parked { .. });
                    if !parked {
                        self.handle.wake();
                    }
                }
            }
        }
    }
}
