//! The forms that change a session, and the page that asks again before what cannot be undone.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use colmeia::admin::Changed;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::super::super::visitors::Visit;
use super::told::{Outcome, nothing, ours};
use super::{Fields, Frame, html, see_other};
use crate::state::Http;
use colmeia_control::operators::{Asker, Word};

#[derive(Template)]
#[template(path = "dashboard/confirm.html")]
struct Confirm<'a> {
    frame: Frame,
    user: &'a UserId,
    reset: bool,
}

/// `POST /sessions`: a session that may be new.
pub(super) async fn create(
    State(http): State<Http>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let language = Language::of(&headers);
    let user = ours(&http, &headers, &fields)
        .and_then(|()| fields.user_id.trim().parse::<UserId>().map_err(|_| no_name(language)));
    let user = match user {
        Ok(user) => user,
        Err(told) => return told.answer(&http, &headers, "/"),
    };
    match http.operators.change(&user, Word::Start, true, Asker::Dashboard).await {
        Ok(_) => see_other(&format!("/sessions/{user}")),
        Err(error) => Outcome::failed(&error, language).answer(&http, &headers, "/"),
    }
}

/// `POST /sessions/{user}/{operation}`.
pub(super) async fn change(
    State(http): State<Http>,
    headers: HeaderMap,
    Path((name, operation)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    let language = Language::of(&headers);
    let (told, back) = match (name.parse::<UserId>(), Word::of(&operation)) {
        (Ok(user), Some(word)) => {
            let gone = matches!(word, Word::Logout | Word::Reset | Word::Delete);
            let back = if gone { "/".into() } else { format!("/sessions/{user}") };
            (asked(&http, &headers, &fields, &user, word).await.unwrap_or_else(|told| told), back)
        }
        _ => (nothing(language), "/".into()),
    };
    told.answer(&http, &headers, &back)
}

async fn asked(
    http: &Http,
    headers: &HeaderMap,
    fields: &Fields,
    user: &UserId,
    word: Word,
) -> Result<Outcome, Outcome> {
    ours(http, headers, fields)?;
    let language = Language::of(headers);
    let changed = http.operators.change(user, word, false, Asker::Dashboard).await;
    changed
        .map(|changed| Outcome::done(done(word, &changed, language)))
        .map_err(|error| Outcome::failed(&error, language))
}

/// `GET /sessions/{user}/confirm/{operation}`.
pub(super) async fn confirm(
    State(http): State<Http>,
    headers: HeaderMap,
    Path((name, operation)): Path<(String, String)>,
) -> Response {
    let word = Word::of(&operation).filter(|word| matches!(word, Word::Logout | Word::Reset));
    let (Ok(user), Some(word)) = (name.parse::<UserId>(), word) else {
        return nothing(Language::of(&headers)).answer(&http, &headers, "/");
    };
    let (visit, cookie) = Visit::of_or_new(&headers);
    let frame = Frame::new(&http, &headers, &visit, format!("/sessions/{user}/confirm/{operation}"));
    super::begin(html(&Confirm { frame, user: &user, reset: word == Word::Reset }), cookie)
}

fn done(word: Word, changed: &Changed, language: Language) -> &'static str {
    let (portuguese, english) = match word {
        Word::Start | Word::Resume => ("Início pedido.", "The start was asked for."),
        Word::Stop => ("Parada pedida.", "The stop was asked for."),
        Word::Restart => ("Reinício pedido.", "The restart was asked for."),
        Word::Logout | Word::Delete if changed.phone_told == Some(false) => (
            "A sessão foi apagada, mas o celular não pôde ser avisado: remova o aparelho nele também.",
            "The session was deleted, but the phone could not be told: remove the device there too.",
        ),
        Word::Logout => (
            "O celular foi desconectado e a sessão, apagada.",
            "The phone was logged out and the session deleted.",
        ),
        Word::Reset | Word::Delete => ("A sessão foi apagada.", "The session was deleted."),
    };
    if language == Portuguese { portuguese } else { english }
}

fn no_name(language: Language) -> Outcome {
    let message = match language {
        Portuguese => "Nome inválido: use de 1 a 64 letras sem acento, números, _ e -.",
        English => "Invalid name: use 1 to 64 letters, digits, _ and -.",
    };
    Outcome::with(StatusCode::BAD_REQUEST, message)
}
