//! Owns the questions: what was sent, which pages are open, what the phone's screen shows.
//! Never changes anything.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{account::Sent, files, media, world::Shared};

/// `?number=`.
#[derive(Debug, Deserialize)]
pub(crate) struct OfNumber {
    number: Option<String>,
}

impl OfNumber {
    /// The number, digits only.
    pub(crate) fn number(&self) -> Option<&str> {
        self.number.as_deref().map(|number| number.trim_start_matches('+'))
    }
}

/// `GET /phone/sent?number=`: what pages sent, in order.
pub(crate) async fn sent(State(shared): State<Shared>, Query(query): Query<OfNumber>) -> Json<Value> {
    let world = shared.lock();
    let wanted = query.number.as_deref().map(|number| number.trim_start_matches('+'));
    let mut rows: Vec<&Sent> = world
        .lasting
        .accounts
        .iter()
        .filter(|(number, _)| wanted.is_none_or(|wanted| wanted == *number))
        .flat_map(|(_, account)| &account.sent)
        .collect();
    rows.sort_by_key(|sent| sent.timestamp);
    Json(json!({ "sent": rows }))
}

/// `GET /phone/media/{id}`: the bytes of a sent message.
pub(crate) async fn media(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let world = shared.lock();
    let sent =
        world.lasting.accounts.values().flat_map(|account| &account.sent).find(|sent| sent.message.id == id);
    let path = sent.and_then(|sent| sent.message.details.get("media")?.as_str());
    let found = path.and_then(media::key_of).and_then(|key| world.lasting.media.get(key)).cloned();
    drop(world);
    files::respond(found)
}

/// `GET /phone/pages`: open pages.
pub(crate) async fn pages(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.lock();
    let pages: Vec<Value> = world
        .pages
        .iter()
        .map(|(name, page)| {
            let identity = page.identity.as_ref();
            json!({
                "page": name, "state": page.state, "qr": page.qr, "code": page.code,
                "number": identity.map(|identity| &identity.number),
                "device": identity.map(|identity| identity.device),
                "since": page.since, "user_agent": page.user_agent, "receiving": page.receiving,
                "sending": page.sending,
                "passkey": page.ceremony.as_ref().map(|ceremony| ceremony.look()),
            })
        })
        .collect();
    Json(json!({ "pages": pages }))
}

/// `GET /phone/numbers`: numbers with an account, their devices and address books.
pub(crate) async fn numbers(State(shared): State<Shared>) -> Json<Value> {
    let world = shared.lock();
    let numbers: Vec<Value> = world
        .lasting
        .accounts
        .iter()
        .map(|(number, account)| {
            let devices: Vec<Value> = account
                .devices
                .iter()
                .map(|(device, state)| {
                    let mut identities = world.pages.values().filter_map(|page| page.identity.as_ref());
                    let online = identities.any(|who| who.number == *number && who.device == *device);
                    json!({
                        "device": device, "logged_out": state.logged_out, "queued": state.queue.len(),
                        "online": online,
                    })
                })
                .collect();
            json!({ "number": number, "name": account.name, "contacts": account.contacts, "devices": devices })
        })
        .collect();
    Json(json!({ "numbers": numbers }))
}

/// `GET /phone/chats?number=`: both directions of every chat.
pub(crate) async fn chats(State(shared): State<Shared>, Query(query): Query<OfNumber>) -> Json<Value> {
    let world = shared.lock();
    let account = query.number.and_then(|number| world.lasting.accounts.get(number.trim_start_matches('+')));
    let chats: Vec<Value> = account
        .iter()
        .flat_map(|account| &account.chats)
        .map(|(id, chat)| {
            json!({
                "id": id, "name": chat.name, "typing": chat.typing, "seen_at": chat.seen_at,
                "messages": chat.lines,
            })
        })
        .collect();
    Json(json!({ "chats": chats }))
}
