//! Owns linking a browser by QR or pairing code, and logging it out from the phone.

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    error::Refusal,
    wire::PageState,
    world::{Page, Shared, World},
};

/// `POST /phone/scan`.
pub(crate) async fn scan(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let qr = fields.text("qr")?.to_owned();
    let shown = |page: &Page| page.qr.as_deref().is_some_and(|full| shows(full, &qr));
    link(&shared, &fields, shown, "no page shows this QR code (any more)")
}

/// `POST /phone/pair`.
pub(crate) async fn pair(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let code = fields.text("code")?.replace('-', "").to_uppercase();
    let shown = |page: &Page| page.code.as_deref() == Some(&code);
    link(&shared, &fields, shown, "no page shows this pairing code (any more)")
}

/// `POST /phone/logout`.
pub(crate) async fn log_out(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let number = Fields::read(&body)?.number("number")?;
    if shared.change(|world| world.log_out(&number)) {
        Ok(Json(json!({ "logged_out": true })))
    } else {
        Err(Refusal::Unknown("this number has no linked device"))
    }
}

/// Whether a phone that reads `scanned` means the page that shows `full`: the whole or the first field.
pub(crate) fn shows(full: &str, scanned: &str) -> bool {
    full == scanned || full.split(',').next() == Some(scanned)
}

fn link(
    shared: &Shared,
    fields: &Fields,
    shown: impl Fn(&Page) -> bool,
    unknown: &'static str,
) -> Result<Json<Value>, Refusal> {
    let (number, contacts) = (fields.number("number")?, fields.contacts()?);
    let name = fields.optional_text("name")?.filter(|name| !name.is_empty()).unwrap_or(&number).to_owned();
    let scanned = shared.change(|world: &mut World| {
        let waiting = |page: &Page| page.identity.is_none() && page.state == PageState::Qr && shown(page);
        let page = world.pages.iter().find(|(_, page)| waiting(page)).map(|(name, _)| name.clone());
        page.and_then(|page| world.scanned(&page, &number, &name, contacts))
    });
    match scanned {
        Some(true) => Ok(Json(json!({ "linked": true }))),
        Some(false) => Ok(Json(json!({ "linked": false, "passkey": true }))),
        None => Err(Refusal::Unknown(unknown)),
    }
}
