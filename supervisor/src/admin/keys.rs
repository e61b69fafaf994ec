//! API keys, for operators. Owns the mapping to the words on the wire; every change is logged with who asked for it.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use colmeia::UserId;
use colmeia::admin::{Key, Keys};
use colmeia::text::is_unseen;
use serde::Deserialize;

use super::socket::Peer;
use super::{Admin, Refusal, broken, refuse};
use colmeia_store::{Actions, ApiKey, NewKey};

/// The longest name of a key.
const LONGEST_NAME: usize = 100;

/// What a new key is to allow.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewKeyBody {
    name: String,
    admin: bool,
    /// Separated by commas; none means all.
    sessions: String,
    /// Separated by commas: `read`, `send`, `control`, `media`.
    actions: String,
}

/// `GET /v1/keys`.
pub(super) async fn list(State(admin): State<Admin>) -> Json<Keys> {
    Json(Keys { keys: admin.app.store.keys().iter().map(shown).collect() })
}

/// `POST /v1/keys`.
pub(super) async fn add(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Query(wishes): Query<NewKeyBody>,
) -> Result<Json<Key>, Refusal> {
    let sessions = names(&wishes.sessions).map(str::parse::<UserId>).collect::<Result<_, _>>();
    let sessions = sessions.map_err(|error| refuse(StatusCode::BAD_REQUEST, format!("sessions: {error}")))?;
    let actions = actions(&wishes)?;
    if wishes.name.chars().count() > LONGEST_NAME || wishes.name.contains(is_unseen) {
        let rule =
            format!("name: at most {LONGEST_NAME} characters, none of which controls how others are shown");
        return Err(refuse(StatusCode::BAD_REQUEST, rule));
    }
    let grants = NewKey { name: wishes.name, active: true, admin: wishes.admin, sessions, actions };
    let (key, secret) = admin.app.store.add_key(None, grants).await.map_err(|error| broken(&error))?;
    tracing::info!(key = key.id, uid = peer.uid, pid = peer.pid, "a key was made by an operator");
    Ok(Json(Key { key: Some(secret), ..shown(&key) }))
}

/// `DELETE /v1/keys/{id}`.
pub(super) async fn remove(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
) -> Result<Json<Keys>, Refusal> {
    if !admin.app.store.remove_key(&id).await.map_err(|error| broken(&error))? {
        return Err(refuse(StatusCode::NOT_FOUND, "there is no key with this id"));
    }
    tracing::info!(key = id, uid = peer.uid, pid = peer.pid, "a key was removed by an operator");
    Ok(list(State(admin)).await)
}

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn actions(wishes: &NewKeyBody) -> Result<Actions, Refusal> {
    if wishes.admin {
        return Ok(Actions::ALL);
    }
    let mut actions = Actions::default();
    for name in names(&wishes.actions) {
        match name {
            "read" => actions.read = true,
            "send" => actions.send = true,
            "control" => actions.control = true,
            "media" => actions.media = true,
            _ => return Err(refuse(StatusCode::BAD_REQUEST, "actions: read, send, control or media")),
        }
    }
    if actions == Actions::default() {
        return Err(refuse(StatusCode::BAD_REQUEST, "actions: at least one of read, send, control or media"));
    }
    Ok(actions)
}

fn shown(key: &ApiKey) -> Key {
    let NewKey { name, active, admin, sessions, actions } = &key.grants;
    let actions = [
        ("read", actions.read),
        ("send", actions.send),
        ("control", actions.control),
        ("media", actions.media),
    ];
    Key {
        id: key.id.clone(),
        name: name.clone(),
        active: *active,
        admin: *admin,
        sessions: sessions.iter().cloned().collect(),
        actions: actions.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect(),
        created_ms: key.created_ms,
        key: None,
    }
}
