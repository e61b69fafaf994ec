//! The forms that change a session, and the page that asks again before what cannot be undone.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use colmeia::admin::Changed;

use super::super::super::negotiate::Language;
use super::told::{Outcome, Posted, nothing};
use super::{Frame, html, see_other};
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
pub(super) async fn create(posted: Posted) -> Response {
    let Posted { http, language, fields, .. } = &posted;
    let made = async {
        posted.ours()?;
        let user = fields.user_id.trim().parse::<UserId>().map_err(|_| no_name(*language))?;
        let started = http.operators.change(&user, Word::Start, true, Asker::Dashboard).await;
        started.map(|_| user).map_err(|error| Outcome::failed(&error, *language))
    };
    match made.await {
        Ok(user) => see_other(&format!("/sessions/{user}")),
        Err(told) => posted.answer(&told, "/"),
    }
}

/// `POST /sessions/{user}/{operation}`.
pub(super) async fn change(Path((name, operation)): Path<(String, String)>, posted: Posted) -> Response {
    let (told, back) = match (name.parse::<UserId>(), Word::of(&operation)) {
        (Ok(user), Some(word)) => {
            let gone = matches!(word, Word::Logout | Word::Reset | Word::Delete);
            let back = if gone { "/".into() } else { format!("/sessions/{user}") };
            (asked(&posted, &user, word).await.unwrap_or_else(|told| told), back)
        }
        _ => (nothing(posted.language), "/".into()),
    };
    posted.answer(&told, &back)
}

async fn asked(posted: &Posted, user: &UserId, word: Word) -> Result<Outcome, Outcome> {
    posted.ours()?;
    let changed = posted.http.operators.change(user, word, false, Asker::Dashboard).await;
    changed
        .map(|changed| Outcome::done(done(word, &changed, posted.language)))
        .map_err(|error| Outcome::failed(&error, posted.language))
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
    let (frame, cookie) = Frame::new(&http, &headers, format!("/sessions/{user}/confirm/{operation}"));
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
    language.pick(portuguese, english)
}

fn no_name(language: Language) -> Outcome {
    let message = language.pick(
        "Nome inválido: use de 1 a 64 letras sem acento, números, _ e -.",
        "Invalid name: use 1 to 64 letters, digits, _ and -.",
    );
    Outcome::with(StatusCode::BAD_REQUEST, message)
}
