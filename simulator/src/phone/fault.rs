//! Owns `POST /phone/fault`: finds the page or number meant and says whether the fault is possible.

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Value, json};

use super::{fields::Fields, link::shows, message};
use crate::{
    error::Refusal,
    wire::ToPage,
    world::{Shared, World},
};

/// Faults that the page plays itself.
const OF_THE_PAGE: [&str; 17] = [
    "hang",
    "leak",
    "ballast",
    "crash",
    "conflict",
    "flip",
    "offline",
    "ban",
    "refuse",
    "relogin",
    "expire_qr",
    "reupload",
    "reupload_fails",
    "screen_lock",
    "other_tab",
    "forced_logout",
    "none",
];
/// Faults that the server plays, now or when the number's next page comes.
const OF_THE_SERVER: [&str; 6] =
    ["slow_sync", "send_failure", "ack_delay", "send_delay", "logout_delay", "temporary_ban"];

/// `POST /phone/fault {"number"|"qr"|"page","fault","value"}`.
pub(crate) async fn set(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let fault = fields.text("fault")?;
    // Absent means the fault's own default; null and 0 both clear.
    let value = match fields.raw("value") {
        None => None,
        Some(Value::Null) => Some(0.0),
        Some(value) => {
            let number = value.as_f64().filter(|number| *number >= 0.0);
            Some(number.ok_or_else(|| Refusal::field("value", "must be a number that is not negative"))?)
        }
    };
    shared.change(|world| {
        let target = Target::find(world, &fields)?;
        apply(world, &target, fault, value)
    })?;
    Ok(Json(json!({ "applied": true })))
}

/// Whom a fault is for.
struct Target {
    pages: Vec<String>,
    number: Option<String>,
}

impl Target {
    fn find(world: &World, fields: &Fields) -> Result<Self, Refusal> {
        if fields.get("number").is_some() {
            let number = fields.number("number")?;
            let is_of = |identity: &crate::wire::Identity| identity.number == number;
            let pages = world.pages.iter().filter(|(_, page)| page.identity.as_ref().is_some_and(is_of));
            return Ok(Self { pages: pages.map(|(name, _)| name.clone()).collect(), number: Some(number) });
        }
        let found = if fields.get("qr").is_some() {
            let qr = fields.text("qr")?;
            world.pages.iter().find(|(_, page)| page.qr.as_deref().is_some_and(|full| shows(full, qr)))
        } else if fields.get("page").is_some() {
            world.pages.get_key_value(fields.text("page")?)
        } else {
            return Err(Refusal::field("number", "is missing: a number, a qr or a page"));
        };
        let (name, page) = found.ok_or(Refusal::Unknown("no such page"))?;
        let number = page.identity.as_ref().map(|identity| identity.number.clone());
        Ok(Self { pages: vec![name.clone()], number })
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative; a fraction of a ms is nothing"
)]
fn apply(world: &mut World, target: &Target, fault: &str, value: Option<f64>) -> Result<(), Refusal> {
    let whole = value.unwrap_or(0.0) as u64;
    match (fault, &target.number) {
        ("logout", Some(number)) if world.log_out(number) => return Ok(()),
        ("burst", Some(number)) if message::burst(world, number, whole) => return Ok(()),
        ("logout" | "burst", _) => return Err(Refusal::Unknown("this number has no linked device")),
        _ => {}
    }
    if OF_THE_SERVER.contains(&fault) {
        if let Some(number) = &target.number {
            world.waiting.entry(number.clone()).or_default().set(fault, whole);
        } else {
            for name in &target.pages {
                world.pages.entry(name.clone()).and_modify(|page| page.waiting.set(fault, whole));
            }
        }
        if fault == "temporary_ban" && whole > 0 {
            // Who is connected is put out, and learns it at the next login.
            for page in target.pages.iter().filter_map(|name| world.pages.get(name)) {
                page.tell(ToPage::Fault { fault: "relogin".to_owned(), value: None });
            }
        }
        return Ok(());
    }
    if !OF_THE_PAGE.contains(&fault) {
        return Err(Refusal::field("fault", "is not known"));
    }
    if fault == "none"
        && let Some(number) = &target.number
    {
        world.waiting.remove(number);
    }
    if target.pages.is_empty() && fault != "none" {
        return Err(Refusal::Unknown("this number has no open page"));
    }
    for page in target.pages.iter().filter_map(|name| world.pages.get(name)) {
        page.tell(ToPage::Fault { fault: fault.to_owned(), value });
    }
    Ok(())
}
