//! Owns what happens around the messages: groups that change, who is there, calls, votes, and what the server knows.
//! Passes it on to the pages; the rules of WhatsApp's server are not its business.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde_json::{Map, Value, json};

use super::{
    fields::Fields,
    look::OfNumber,
    message::{linked, new_id, pass_on},
};
use crate::{
    clock::{now_ms, now_s},
    error::Refusal,
    world::{Shared, World},
};

/// `GET /phone/actions?number=`: what pages did that leaves no record, in order.
pub(crate) async fn actions(State(shared): State<Shared>, Query(query): Query<OfNumber>) -> Json<Value> {
    let world = shared.lock();
    let account = query.number().and_then(|number| world.lasting.accounts.get(number));
    Json(json!({ "actions": account.map(|account| &account.actions) }))
}

/// `GET /phone/records/{kind}?number=`: records by id; with a number only its own, without the number in the id.
pub(crate) async fn records(
    State(shared): State<Shared>,
    Path(kind): Path<String>,
    Query(query): Query<OfNumber>,
) -> Json<Value> {
    let world = shared.lock();
    let all = world.lasting.records.all(&kind);
    let own = query.number().map(|number| format!("{number}/"));
    let records: Map<String, Value> = all
        .into_iter()
        .flatten()
        .filter_map(|(id, value)| {
            let id = own.as_ref().map_or(Some(id.as_str()), |own| id.strip_prefix(own.as_str()))?;
            Some((id.to_owned(), value.clone()))
        })
        .collect();
    Json(json!({ "records": records }))
}

/// `POST /phone/records/{kind} {"id","value"}`: what the server knows from now on; null: nothing.
pub(crate) async fn set(
    State(shared): State<Shared>,
    Path(kind): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let id = fields.text("id")?.to_owned();
    let value = fields.raw("value").cloned().ok_or_else(|| Refusal::field("value", "is missing"))?;
    shared.change(|world| world.lasting.records.set(&kind, &id, value));
    Ok(Json(json!({ "set": true })))
}

/// `POST /phone/group {"id","by"?,"change"?,"set":{…}}`: somebody makes or changes a group; its members learn it.
pub(crate) async fn group(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let id = fields.chat("id")?;
    if !id.ends_with("@g.us") {
        return Err(Refusal::field("id", "must be a group, …@g.us"));
    }
    let by = fields.get("by").map(|_| fields.chat("by")).transpose()?;
    let Some(Value::Object(set)) = fields.get("set") else {
        return Err(Refusal::field("set", "must be an object with what changes"));
    };
    let change = json!({ "by": by, "what": fields.get("change") });
    let told = shared.change(|world| {
        let mut concerned = members(world.lasting.records.get("group", &id));
        let mut fields = set.clone();
        fields.insert("id".to_owned(), json!(id));
        fields.entry("creation").or_insert(
            world.lasting.records.get("group", &id).map_or(json!(now_s()), |group| group["creation"].clone()),
        );
        let group = world.lasting.records.merge("group", &id, &fields);
        concerned.extend(members(Some(&group)));
        let event =
            json!({ "kind": "record", "record": "group", "id": id, "value": group, "change": change });
        tell(world, &concerned, &event)
    });
    Ok(Json(json!({ "told": told })))
}

/// The numbers of a group's members.
fn members(group: Option<&Value>) -> BTreeSet<String> {
    let participants = group.and_then(|group| group["participants"].as_array()).into_iter().flatten();
    participants
        .filter_map(|member| member["id"].as_str()?.strip_suffix("@c.us").map(str::to_owned))
        .collect()
}

fn tell(world: &mut World, numbers: &BTreeSet<String>, event: &Value) -> Vec<String> {
    let told: Vec<String> = numbers.iter().filter(|number| linked(world, number)).cloned().collect();
    for number in &told {
        world.queue(number, event);
    }
    told
}

/// `POST /phone/presence {"number","chat","from"?,"state","last_seen"?}`: somebody is there, writes, is gone.
pub(crate) async fn presence(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let state = fields.text("state")?;
    if !["available", "unavailable", "typing", "recording_audio"].contains(&state) {
        return Err(Refusal::field("state", "must be available, unavailable, typing or recording_audio"));
    }
    let chat = fields.chat("chat")?;
    let from = if fields.get("from").is_some() { fields.chat("from")? } else { chat.clone() };
    let event = json!({
        "kind": "presence", "chat": chat, "from": from, "state": state, "last_seen": fields.get("last_seen"),
    });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/call {"number","from","id"?,"video"?,"group"?,"state"?,"age"?}`: it rings, is only announced
/// (`announced`; so many seconds ago), was taken here (`active`) or on another device (`elsewhere`), or is over (`ended`).
pub(crate) async fn call(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let number = fields.number("number")?;
    let id = fields.optional_text("id")?.map_or_else(new_id, str::to_owned);
    let is = |field| fields.get(field) == Some(&Value::Bool(true));
    let state = fields.optional_text("state")?.unwrap_or("ringing");
    if !["ringing", "announced", "active", "elsewhere", "ended"].contains(&state) {
        return Err(Refusal::field("state", "must be ringing, announced, active, elsewhere or ended"));
    }
    let age = fields.get("age").and_then(Value::as_u64).unwrap_or_default();
    let event = json!({
        "kind": "call", "id": id, "from": fields.chat("from")?, "video": is("video"), "group": is("group"),
        "state": state, "timestamp": now_s() - age,
    });
    let Json(_) = pass_on(&shared, &number, &event)?;
    Ok(Json(json!({ "id": id })))
}

/// `POST /phone/chat {"number","chat","archived"?,"labels"?}`: the phone's owner archives a chat, or labels it.
pub(crate) async fn chat(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let event = json!({
        "kind": "chat", "chat": fields.chat("chat")?, "archived": fields.get("archived"), "labels": fields.get("labels"),
    });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/label {"number","id","name"?,"color"?,"deleted"?}`: the phone's owner makes, changes or deletes a label.
pub(crate) async fn label(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let event = json!({
        "kind": "label", "id": fields.text("id")?, "name": fields.optional_text("name")?, "color": fields.get("color"),
        "deleted": fields.get("deleted") == Some(&Value::Bool(true)),
    });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/history {"number","chat","messages":[{"id","body","timestamp","from_me"?}],"archived"?,"more"?}`: what a
/// phone tells a newly linked device of a chat; with `more` it is not the last of it.
pub(crate) async fn history(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let Some(messages) = fields.get("messages").filter(|messages| messages.is_array()) else {
        return Err(Refusal::field("messages", "must be a list"));
    };
    let event = json!({
        "kind": "history", "chat": fields.chat("chat")?, "messages": messages, "archived": fields.get("archived"),
        "more": fields.get("more") == Some(&Value::Bool(true)),
    });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/vote {"number","id","from","choices"}`: the other side votes in a poll.
pub(crate) async fn vote(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let number = fields.number("number")?;
    let Some(choices) = fields.get("choices").filter(|choices| choices.is_array()) else {
        return Err(Refusal::field("choices", "must be a list"));
    };
    let event = json!({
        "kind": "vote", "id": fields.text("id")?, "from": fields.chat("from")?, "choices": choices,
        "key": new_id(), "timestamp_ms": now_ms(),
    });
    pass_on(&shared, &number, &event)
}
