//! API keys: which there are, one more, one less. A key is shown once, when it is made; the page has only its name.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use colmeia::UserId;
use colmeia::errors::chain;
use colmeia::text::plain;
use colmeia_store::{Actions, ApiKey, NewKey};
use serde::Deserialize;

use super::super::super::negotiate::Language;
use super::messages::Moment;
use super::told::{Outcome, Posted};
use super::{Frame, html};
use crate::state::Http;

/// The most characters of a key's name.
const LONGEST: usize = 100;

#[derive(Template)]
#[template(path = "dashboard/keys.html")]
struct KeysPage {
    frame: Frame,
    keys: Vec<KeyRow>,
    /// How many stand in the configuration's file.
    configured: usize,
}

struct KeyRow {
    id: String,
    name: String,
    sessions: String,
    may: String,
    made: Moment,
    active: bool,
}

/// What the forms carry.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyFields {
    token: String,
    id: String,
    name: String,
    sessions: String,
    admin: Option<String>,
    read: Option<String>,
    send: Option<String>,
    control: Option<String>,
    media: Option<String>,
}

/// `GET /keys`.
pub(super) async fn keys(State(http): State<Http>, headers: HeaderMap) -> Response {
    let (frame, cookie) = Frame::new(&http, &headers, "/keys");
    let keys = http.store.keys().iter().map(|key| KeyRow::of(key, frame.language)).collect();
    super::begin(html(&KeysPage { frame, keys, configured: http.config.api_keys.len() }), cookie)
}

impl KeyRow {
    fn of(key: &ApiKey, language: Language) -> Self {
        let NewKey { name, active, admin, sessions, actions } = &key.grants;
        let sessions: Vec<_> = sessions.iter().map(UserId::as_str).collect();
        let all = language.pick("todas", "all");
        Self {
            id: key.id.clone(),
            name: name.clone(),
            sessions: if sessions.is_empty() { all.to_owned() } else { sessions.join(", ") },
            may: may(*admin, *actions, language),
            made: Moment::of(key.created_ms, language),
            active: *active,
        }
    }
}

fn may(admin: bool, actions: Actions, language: Language) -> String {
    let words = |portuguese: &'static str, english: &'static str| language.pick(portuguese, english);
    if admin {
        return words("tudo", "everything").into();
    }
    let all = [
        (actions.read, words("ler", "read")),
        (actions.send, words("enviar", "send")),
        (actions.control, words("controlar", "control")),
        (actions.media && !actions.read, words("baixar arquivos", "get files")),
    ];
    let named: Vec<_> = all.into_iter().filter(|(may, _)| *may).map(|(_, word)| word).collect();
    if named.is_empty() { words("nada", "nothing").into() } else { named.join(", ") }
}

/// `POST /keys`: one more. It is shown here and never again.
pub(super) async fn add(posted: Posted<KeyFields>) -> Response {
    let Posted { http, language, fields, .. } = &posted;
    let done = async {
        posted.ours_by(&fields.token)?;
        let grants = grants(fields).map_err(|unclear| unclear.told(*language))?;
        let (key, secret) =
            http.store.add_key(None, grants).await.map_err(|error| not_kept(&error, *language))?;
        tracing::info!(key = key.id, "a key was made at the dashboard");
        let message = language.pick(
            "A chave foi criada. Copie-a agora: ela não é mostrada de novo.",
            "The key was made. Copy it now: it is never shown again.",
        );
        Ok(Outcome { code: Some(secret), ..Outcome::done(message) })
    };
    posted.answer(&done.await.unwrap_or_else(|told: Outcome| told), "/keys")
}

/// `POST /keys/remove`: one less. What was opened with it ends.
pub(super) async fn remove(posted: Posted<KeyFields>) -> Response {
    let Posted { http, language, fields, .. } = &posted;
    let done = async {
        posted.ours_by(&fields.token)?;
        let removed = http.store.remove_key(&fields.id).await.map_err(|error| not_kept(&error, *language))?;
        if !removed {
            let message = language.pick("Esta chave não existe mais.", "This key is not there any more.");
            return Err(Outcome::with(StatusCode::NOT_FOUND, message));
        }
        tracing::info!(key = fields.id, "a key was removed at the dashboard");
        Ok(Outcome::done(language.pick("A chave foi removida.", "The key was removed.")))
    };
    posted.answer(&done.await.unwrap_or_else(|told| told), "/keys")
}

/// What was typed that makes no key.
#[derive(Debug, PartialEq, Eq)]
enum Unclear {
    Name,
    Session(String),
    Nothing,
}

impl Unclear {
    fn told(&self, language: Language) -> Outcome {
        let (portuguese, english) = match self {
            Self::Name => (
                "Nada foi feito: a descrição pode ter até 100 caracteres, sem caracteres invisíveis.".into(),
                "Nothing was done: what it is for may have 100 characters, none of them invisible.".into(),
            ),
            Self::Session(name) => (
                format!(
                    "Nada foi feito: nenhuma sessão pode se chamar \"{name}\". Um nome tem letras sem acento, números, _ e -; entre nomes vai uma vírgula."
                ),
                format!(
                    "Nothing was done: no session can be called \"{name}\". A name has letters without accents, digits, _ and -; there is a comma between names."
                ),
            ),
            Self::Nothing => (
                String::from("Nada foi feito: marque o que a chave pode."),
                String::from("Nothing was done: check what the key may do."),
            ),
        };
        Outcome::with(StatusCode::BAD_REQUEST, language.pick(portuguese, english))
    }
}

/// What was asked for; nothing where it is not clear, or would be a key for nothing.
fn grants(fields: &KeyFields) -> Result<NewKey, Unclear> {
    let name = fields.name.trim();
    let sessions = fields.sessions.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty());
    let known = |name: &str| name.parse().map_err(|_| Unclear::Session(plain(name).into_owned()));
    let sessions = sessions.map(known).collect::<Result<_, _>>()?;
    let actions = Actions {
        read: fields.read.is_some(),
        send: fields.send.is_some(),
        control: fields.control.is_some(),
        media: fields.media.is_some() || fields.read.is_some(),
    };
    let admin = fields.admin.is_some();
    let fits = name.chars().count() <= LONGEST && !name.contains(colmeia::text::is_unseen);
    if !fits {
        return Err(Unclear::Name);
    }
    if !admin && actions == Actions::default() {
        return Err(Unclear::Nothing);
    }
    Ok(NewKey { name: name.to_owned(), active: true, admin, sessions, actions })
}

fn not_kept(error: &colmeia_store::StoreError, language: Language) -> Outcome {
    tracing::error!(error = chain(error), "a key cannot be kept");
    let message = language.pick(
        "As chaves não puderam ser salvas. Veja o log do serviço.",
        "The keys could not be saved. See the service's log.",
    );
    Outcome::with(StatusCode::INTERNAL_SERVER_ERROR, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(name: &str, sessions: &str, read: bool) -> KeyFields {
        let read = read.then(|| "yes".to_owned());
        KeyFields { name: name.into(), sessions: sessions.into(), read, ..KeyFields::default() }
    }

    #[test]
    fn what_makes_no_key_is_told_with_the_reason() {
        let long = "x".repeat(101);
        for (fields, unclear, words) in [
            (typed("n8n", "1", false), Unclear::Nothing, "marque"),
            (typed("n8n", "1, joão", true), Unclear::Session("joão".into()), "\"joão\""),
            (typed(&long, "", true), Unclear::Name, "100 caracteres"),
        ] {
            let found = grants(&fields).expect_err("no key");
            assert_eq!(found, unclear);
            assert!(
                found.told(Language::Portuguese).message.contains(words),
                "{}",
                found.told(Language::Portuguese).message
            );
        }
        let sessions = grants(&typed("n8n", "1, 2", true)).expect("a key").sessions;
        assert_eq!(sessions.iter().map(UserId::as_str).collect::<Vec<_>>(), ["1", "2"]);
    }
}
