//! Owns the simulated WhatsApp Web page: its HTML, its scripts, the picture of a QR code.
//! The scripts are plain modules in `page/`, embedded so that the binary needs no files.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{settings::PageSettings, world::Shared};

/// Embeds the named files of `page/`.
macro_rules! scripts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../page/", $name)))),*]
    };
}

const SCRIPTS: &[(&str, &str)] = scripts![
    "account.js",
    "bytes.js",
    "calls.js",
    "channel.js",
    "chatlist.js",
    "connection.js",
    "contacts.js",
    "database.js",
    "delivering.js",
    "events.js",
    "faults.js",
    "groups.js",
    "history.js",
    "ids.js",
    "incoming.js",
    "labels.js",
    "leaving.js",
    "lids.js",
    "limits.js",
    "linking.js",
    "listener.js",
    "main-screen.js",
    "main.js",
    "marks.js",
    "media.js",
    "membership.js",
    "models.js",
    "newsletters.js",
    "options.js",
    "passkey.js",
    "outgoing.js",
    "people.js",
    "people-store.js",
    "presence.js",
    "reach.js",
    "react.js",
    "receipts.js",
    "records.js",
    "registry.js",
    "requests.js",
    "screen.js",
    "session.js",
    "statuses.js",
    "stores.js",
    "telling.js",
    "table/connection.js",
    "table/contacts.js",
    "table/groups.js",
    "table/limits.js",
    "table/index.js",
    "table/media.js",
    "table/messages.js",
    "table/passkey.js",
    "table/people.js",
    "table/rest.js",
    "table/wide.js",
    "weight.js",
    "worker.js",
    "workers.js",
];

/// The page and everything it loads.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/", get(page)).route("/sim/page/{*name}", get(script)).route("/sim/qr.svg", get(qr))
}

async fn page(State(shared): State<Shared>) -> Response {
    let settings = PageSettings::from(&*shared.settings);
    let Ok(settings) = serde_json::to_string(&settings) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let html = include_str!("../page/page.html").replace("{{settings}}", &settings);
    ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response()
}

async fn script(Path(name): Path<String>) -> Response {
    match SCRIPTS.iter().find(|(known, _)| *known == name) {
        Some((_, source)) => {
            let headers = [
                (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, *source).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `?text=`.
#[derive(Debug, Deserialize)]
struct QrText {
    text: String,
}

async fn qr(Query(query): Query<QrText>) -> Response {
    match qrcode::QrCode::new(query.text) {
        Ok(code) => {
            let svg = code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build();
            ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
