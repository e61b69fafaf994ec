//! `POST /bulk`: the same for many sessions at once, and what became of each.

use axum::http::StatusCode;
use axum::response::Response;
use colmeia::UserId;
use futures::StreamExt as _;
use futures::stream;

use super::super::super::negotiate::Language::{self, English, Portuguese};
use super::told::{Outcome, Posted, nothing};
use colmeia_control::operators::{Asker, Word};

/// How many sessions are told at once: each writes a mark to the disk.
const AT_ONCE: usize = 16;
/// How many of those that refused are named.
const NAMED: usize = 5;

pub(super) async fn change(posted: Posted<Vec<(String, String)>>) -> Response {
    let told = asked(&posted).await.unwrap_or_else(|told| told);
    posted.answer(&told, "/")
}

async fn asked(posted: &Posted<Vec<(String, String)>>) -> Result<Outcome, Outcome> {
    let (http, language) = (&posted.http, posted.language);
    let (mut token, mut word, mut users) = ("", None, Vec::new());
    for (name, value) in &posted.fields {
        match name.as_str() {
            "token" => token = value,
            "operation" => word = Word::of(value),
            "user" => users.push(value),
            _ => {}
        }
    }
    posted.ours_by(token)?;
    // What cannot be undone is asked for one by one.
    let word = word.filter(|word| matches!(word, Word::Start | Word::Stop | Word::Restart));
    let word = word.ok_or_else(|| nothing(language))?;
    let users: Result<Vec<UserId>, _> = users.iter().map(|name| name.parse()).collect();
    let users = users.map_err(|_| nothing(language))?;
    if users.is_empty() {
        let message = language.pick(
            "Nada foi feito: nenhuma sessão está selecionada.",
            "Nothing was done: no session is selected.",
        );
        return Err(Outcome::with(StatusCode::BAD_REQUEST, message));
    }
    let change = |user: UserId| async move {
        let changed = http.operators.change(&user, word, false, Asker::Dashboard).await;
        changed.map(drop).map_err(|error| (user, Outcome::failed(&error, language)))
    };
    let outcomes: Vec<_> = stream::iter(users).map(change).buffered(AT_ONCE).collect().await;
    Ok(summed(word, &outcomes, language))
}

/// What is said in the end. It failed where any of it did.
fn summed(word: Word, outcomes: &[Result<(), (UserId, Outcome)>], language: Language) -> Outcome {
    let failed: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let done = outcomes.len() - failed.len();
    let mut message = match (word, language) {
        (Word::Stop, Portuguese) => format!("Parada pedida. Sessões: {done}."),
        (Word::Stop, English) => format!("The stop was asked for. Sessions: {done}."),
        (Word::Restart, Portuguese) => format!("Reinício pedido. Sessões: {done}."),
        (Word::Restart, English) => format!("The restart was asked for. Sessions: {done}."),
        (_, Portuguese) => format!("Início pedido. Sessões: {done}."),
        (_, English) => format!("The start was asked for. Sessions: {done}."),
    };
    let Some((_, first)) = failed.first() else { return Outcome::done(message) };
    let named: Vec<_> =
        failed.iter().take(NAMED).map(|(user, why)| format!("{user}: {}", why.message)).collect();
    message += &match language {
        Portuguese => format!(" Não foi feito em {}: {}", failed.len(), named.join(" ")),
        English => format!(" Not done in {}: {}", failed.len(), named.join(" ")),
    };
    Outcome::with(first.status, message)
}
