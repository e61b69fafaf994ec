//! Owns what an account is restricted in, as a test sets it; and that its devices are told, or not.

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    clock::now_s,
    error::Refusal,
    limits::{Capping, Limits, Timelock},
    world::Shared,
};

/// How long a lock lasts, in seconds, and a cycle.
const DAY: u64 = 86_400;

fn whole(fields: &Fields, field: &'static str) -> Result<Option<i64>, Refusal> {
    match fields.get(field) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refusal::field(field, "must be a whole number")),
    }
}

/// Whether the devices are told: yes, unless the test says `"told": false`.
fn change(
    shared: &Shared,
    fields: &Fields,
    kind: &str,
    set: impl FnOnce(&mut Limits),
    told: impl FnOnce(&Limits) -> Value,
) -> Result<Json<Value>, Refusal> {
    let number = fields.number("number")?;
    let silent = fields.get("told") == Some(&Value::Bool(false));
    shared.change(|world| {
        let account = world.lasting.accounts.entry(number.clone()).or_default();
        set(&mut account.limits);
        let event = json!({ "kind": kind, "value": told(&account.limits) });
        if !silent {
            world.queue(&number, &event);
        }
    });
    Ok(Json(json!({ "set": true })))
}

/// `POST /phone/timelock {"number","active","seconds"?,"enforcement"?,"told"?}`: so many seconds, a day without a word;
/// null: the server does not say when it ends.
pub(crate) async fn timelock(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let Some(active) = fields.get("active").and_then(Value::as_bool) else {
        return Err(Refusal::field("active", "must be true or false"));
    };
    let seconds = whole(&fields, "seconds")?.map(|seconds| u64::try_from(seconds).unwrap_or_default());
    let ends = match (fields.raw("seconds"), seconds) {
        (Some(Value::Null), _) => None,
        (_, seconds) => Some(now_s() + seconds.unwrap_or(DAY)),
    };
    let enforcement = fields.optional_text("enforcement")?.unwrap_or("DEFAULT").to_owned();
    let lock = active.then_some(Timelock { ends, enforcement });
    change(&shared, &fields, "timelock", |limits| limits.timelock = lock, Limits::timelock_told)
}

/// `POST /phone/capping {"number","status","total"?,"used"?,"seconds"?,"told"?}`: the cycle began a day ago and ends in so
/// many seconds.
pub(crate) async fn capping(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let status = fields.text("status")?.to_owned();
    if !["NONE", "FIRST_WARNING", "SECOND_WARNING", "CAPPED"].contains(&status.as_str()) {
        return Err(Refusal::field("status", "must be NONE, FIRST_WARNING, SECOND_WARNING or CAPPED"));
    }
    let seconds =
        whole(&fields, "seconds")?.map_or(DAY, |seconds| u64::try_from(seconds).unwrap_or_default());
    let cycle = (now_s() - DAY, now_s() + seconds);
    let (total, used) = (whole(&fields, "total")?.unwrap_or(100), whole(&fields, "used")?.unwrap_or(0));
    let capping = Some(Capping { status, total, used, cycle });
    change(&shared, &fields, "capping", |limits| limits.capping = capping, Limits::capping_told)
}
