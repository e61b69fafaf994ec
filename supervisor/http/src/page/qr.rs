//! The page that shows one user's code, follows it, and says when the phone is linked.

use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::UserId;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::super::access::Sender;
use super::super::negotiate::Language;
use super::super::passkey::{By, Refused, Step, take};
use super::super::places::during;
use super::super::user::RequestUser;
use super::super::{external, negotiate, reply};
use super::dashboard::see_other;
use super::events::{Source, follow};
use super::html;
use super::shown::Shown;
use super::theme::Theme;
use crate::errors::FlaskError;
use crate::state::Http;
use colmeia_control::summary::SessionSummary;
use colmeia_events::journal::now_ms;
use colmeia_session::{Phase, UserHandle, UserView};

/// How often an open page says that someone is there.
const ATTENDED: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "qr.html")]
struct QrPage<'a> {
    language: Language,
    english: bool,
    theme: Theme,
    user: &'a UserId,
    base: &'a str,
    shown: Shown,
    /// The service's clock, in milliseconds since the epoch: browsers' clocks may be wrong.
    now_ms: i64,
}

/// Whoever comes from another site's page sees this first: opening an address starts nothing in its name.
#[derive(Template)]
#[template(path = "ask.html")]
struct Ask<'a> {
    language: Language,
    english: bool,
    theme: Theme,
    user: &'a UserId,
    base: &'a str,
}

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
    let shown = Shown::after(view.passkey_over, SessionSummary::of(&view), language);
    let base = external::prefix(headers);
    let (english, theme) = (language == Language::English, Theme::of(headers));
    html(&QrPage { language, english, theme, user, base, shown, now_ms: now_ms() })
}

/// The page that starts nothing until a button is pressed.
pub(in super::super) fn ask(headers: &HeaderMap, user: &UserId) -> Response {
    let (language, base) = (Language::of(headers), external::prefix(headers));
    let (english, theme) = (language == Language::English, Theme::of(headers));
    html(&Ask { language, english, theme, user, base })
}

/// `GET /qr/events`: the page's changes.
pub(super) async fn events(
    State(http): State<Http>,
    headers: HeaderMap,
    RequestUser(user): RequestUser,
) -> Result<Response, FlaskError> {
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
) -> Result<Response, FlaskError> {
    http.users.find_or_create(&user).await.map_err(|_| no_task())?.wake();
    if negotiate::wants_html(&headers) {
        return Ok(see_other(&format!("/qr?user_id={user}")));
    }
    Ok(reply::ok(&Accepted { success: true }))
}

/// `POST /qr/passkey`: the account's owner has signed in their own browser.
pub(super) async fn passkey(
    State(http): State<Http>,
    headers: HeaderMap,
    sender: Sender,
    RequestUser(user): RequestUser,
    body: Bytes,
) -> Result<Response, FlaskError> {
    let language = Language::of(&headers);
    let Ok(assertion) = serde_json::from_slice(&body) else {
        let text = language.pick(
            "O texto colado não é a resposta inteira do script. Copie e cole de novo.",
            "The pasted text is not the script's whole answer. Copy and paste it again.",
        );
        return Err(FlaskError::new(StatusCode::BAD_REQUEST, text));
    };
    step(&http, &user, Step::Answer(assertion), sender, language).await
}

/// `POST /qr/passkey/confirm`: both codes are the same.
pub(super) async fn passkey_confirm(
    State(http): State<Http>,
    headers: HeaderMap,
    sender: Sender,
    RequestUser(user): RequestUser,
) -> Result<Response, FlaskError> {
    step(&http, &user, Step::Confirm, sender, Language::of(&headers)).await
}

/// `POST /qr/passkey/cancel`: a code to scan instead.
pub(super) async fn passkey_cancel(
    State(http): State<Http>,
    headers: HeaderMap,
    sender: Sender,
    RequestUser(user): RequestUser,
) -> Result<Response, FlaskError> {
    step(&http, &user, Step::Cancel, sender, Language::of(&headers)).await
}

async fn step(
    http: &Http,
    user: &UserId,
    step: Step,
    sender: Sender,
    language: Language,
) -> Result<Response, FlaskError> {
    let handle = http.users.find(user);
    let outcome = match &handle {
        Some(handle) => take(http, handle, step, By::Page(sender)).await,
        None => Err(Refused::NotPending),
    };
    let refused = match outcome {
        Ok(()) => return Ok(reply::ok(&Accepted { success: true })),
        Err(refused) => refused,
    };
    let english = language == Language::English;
    let (status, text) = match refused {
        Refused::Off if english => {
            (StatusCode::FORBIDDEN, "This service does not link accounts that ask for a passkey.".into())
        }
        Refused::Off => {
            (StatusCode::FORBIDDEN, "Este serviço não conecta contas que pedem chave de acesso.".into())
        }
        // Nobody is locked out of the page: what was not pending is the nearest.
        Refused::NotPending | Refused::Held if english => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "WhatsApp does not wait for this any more. Go on with what the page shows now.".into(),
        ),
        Refused::NotPending | Refused::Held => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "O WhatsApp não espera mais por isto. Continue com o que a página mostra agora.".into(),
        ),
        Refused::Field(field, rule) if english => (
            StatusCode::BAD_REQUEST,
            format!("The answer does not fit what WhatsApp asked for: {field} {rule}."),
        ),
        Refused::Field(field, _) => (
            StatusCode::BAD_REQUEST,
            format!(
                "A resposta não corresponde ao pedido do WhatsApp (campo {field}). Copie o pedido de novo e assine em web.whatsapp.com."
            ),
        ),
        Refused::Interrupted if english => (
            StatusCode::GATEWAY_TIMEOUT,
            "The session did not take it in time. The page shows whether it counts.".into(),
        ),
        Refused::Interrupted => (
            StatusCode::GATEWAY_TIMEOUT,
            "A sessão não recebeu a resposta a tempo. A página mostra se ela valeu.".into(),
        ),
    };
    Err(FlaskError::new(status, text))
}

fn no_task() -> FlaskError {
    FlaskError::internal("O serviço não pode iniciar este WhatsApp agora. Tente novamente em instantes.")
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
        let shown = Shown::after(view.passkey_over, SessionSummary::of(&view), self.language);
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
