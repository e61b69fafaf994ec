//! Owns which accounts have a passkey, and asking a linked session for it.

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    error::Refusal,
    passkey::{Ceremony, Passkey},
    wire::ToPage,
    world::Shared,
};

/// `POST /phone/passkey {"number","id","public_key","rp_id"?,"origin"?,"refusal"?,"compare"?}`; without an `id` it has none.
pub(crate) async fn set(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let number = fields.number("number")?;
    let passkey = if fields.get("id").is_some() {
        let (id, public_key) = (fields.text("id")?.to_owned(), fields.text("public_key")?.to_owned());
        let rp_id = fields.optional_text("rp_id")?.unwrap_or("whatsapp.com").to_owned();
        let origin = fields.optional_text("origin")?.unwrap_or("https://web.whatsapp.com").to_owned();
        let tells_refusals = match fields.optional_text("refusal")? {
            None | Some("silent") => false,
            Some("told") => true,
            Some(_) => return Err(Refusal::field("refusal", "is silent or told")),
        };
        let compare = fields.get("compare").and_then(Value::as_bool).unwrap_or_default();
        Some(Passkey { id, public_key, rp_id, origin, tells_refusals, compare })
    } else {
        None
    };
    shared.change(|world| world.lasting.accounts.entry(number).or_default().passkey = passkey);
    Ok(Json(json!({ "set": true })))
}

/// `POST /phone/passkey/checkpoint {"number"}`.
pub(crate) async fn checkpoint(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let number = Fields::read(&body)?.number("number")?;
    let asked = shared.change(|world| {
        let passkey = world.lasting.accounts.get(&number).and_then(|account| account.passkey.clone())?;
        let of_number = |page: &&mut crate::world::Page| {
            page.identity.as_ref().is_some_and(|identity| identity.number == number)
        };
        let page = world.pages.values_mut().find(of_number)?;
        let ceremony = Ceremony::of(&number, &passkey, None);
        page.tell(ToPage::Passkey { options: ceremony.options(), checkpoint: true });
        page.ceremony = Some(ceremony);
        Some(())
    });
    asked.ok_or(Refusal::Unknown("this number has no passkey, or no open page"))?;
    Ok(Json(json!({ "asked": true })))
}
