//! Owns what the other side of a chat does: writing, editing, revoking, reacting, reading.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{Json, body::Bytes, extract::State};
use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    account::Line,
    clock::{now_ms, now_s},
    error::Refusal,
    media,
    world::{Shared, World},
};

const NO_DEVICE: Refusal = Refusal::Unknown("this number has no linked device");

/// `POST /phone/message`.
pub(crate) async fn receive(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let (to, from) = (fields.number("to")?, fields.chat("from")?);
    let author = match fields.get("author") {
        Some(_) => Some(fields.chat("author")?),
        None if from.ends_with("@g.us") => {
            return Err(Refusal::field("author", "is missing: a group has no voice"));
        }
        None => None,
    };
    let name = fields.optional_text("name")?.unwrap_or_default().to_owned();
    let attachment = Attachment::read(&fields)?;
    let text = fields.optional_text("body")?;
    let content = match fields.get("content") {
        None => None,
        Some(Value::Object(content)) if content.get("type").is_some_and(Value::is_string) => {
            Some(content.clone())
        }
        Some(_) => return Err(Refusal::field("content", "must be an object with a type")),
    };
    if text.is_none() && attachment.is_none() && content.is_none() {
        return Err(Refusal::field("body", "is missing"));
    }
    let id = fields.optional_text("id")?.map_or_else(new_id, str::to_owned);
    let mut event = json!({
        "kind": "message", "id": id, "from": from, "author": author, "name": name,
        "body": text.unwrap_or_default(), "timestamp": now_s(),
        "group_name": fields.optional_text("group_name")?, "number": fields.optional_text("pn")?,
        "quoted": fields.optional_text("quoted")?, "mentions": fields.get("mentions"),
        "from_me": fields.get("from_me") == Some(&Value::Bool(true)),
    });
    shared.change(|world| {
        let mut kind = content.as_ref().and_then(|content| content["type"].as_str()).unwrap_or("chat");
        let mut caption = None;
        if !linked(world, &to) {
            return Err(NO_DEVICE);
        }
        if let Some(attachment) = attachment {
            kind = attachment.kind();
            caption.clone_from(&attachment.caption);
            event["media"] = attachment.keep(world);
        }
        event["content"] = json!(content);
        Ok(deliver(world, &to, &mut event, kind, caption.as_deref()))
    })
}

/// Hands one message to the devices of a number and answers as the API does.
fn deliver(world: &mut World, to: &str, event: &mut Value, kind: &str, caption: Option<&str>) -> Json<Value> {
    let field = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let (from, name, body) = (field("from"), field("name"), field("body"));
    let from_me = event["from_me"] == true;
    let mut id = format!("{from_me}_{from}_{}", field("id"));
    if let Some(author) = event["author"].as_str() {
        id = format!("{id}_{author}");
    }
    event["type"] = json!(kind);
    let text = caption.map_or(body, str::to_owned);
    let line = Line { id: id.clone(), from_me, text, kind: kind.to_owned(), timestamp: now_s() };
    let queued = !world.pages_of(to).any(|page| page.receiving);
    world.deliver_message(to, &from, &name, line, event);
    Json(json!({ "id": id, "queued": queued }))
}

/// The fault `burst`: many senders, each with one message. False when the number has no device.
pub(crate) fn burst(world: &mut World, to: &str, count: u64) -> bool {
    if !linked(world, to) {
        return false;
    }
    for index in 0..count {
        let mut event = json!({
            "kind": "message", "id": new_id(), "from": format!("{}@c.us", 5_511_900_000_001_u64 + index),
            "name": format!("Sender {index}"), "body": format!("burst {index}"), "timestamp": now_s(),
        });
        let _ = deliver(world, to, &mut event, "chat", None);
    }
    true
}

/// `POST /phone/edit {"number","id","body"}`: the other side edits a message.
pub(crate) async fn edit(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let event = json!({ "kind": "edit", "id": fields.text("id")?, "body": fields.text("body")?, "timestamp": now_s() });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/revoke {"number","id"}`: the other side deletes a message for everyone.
pub(crate) async fn revoke(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let event = json!({ "kind": "revoke", "id": fields.text("id")?, "timestamp": now_s() });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/react {"number","id","from","reaction"}`: the other side reacts; "" takes it back.
pub(crate) async fn react(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let reaction =
        fields.optional_text("reaction")?.ok_or_else(|| Refusal::field("reaction", "is missing"))?;
    let event = json!({
        "kind": "reaction", "id": fields.text("id")?, "from": fields.chat("from")?, "reaction": reaction,
        "key": new_id(), "timestamp_ms": now_ms(),
    });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/readable {"number","id","body"}`: a message that could not be decrypted comes again, and can be read.
pub(crate) async fn readable(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let event =
        json!({ "kind": "readable", "id": fields.text("id")?, "type": "chat", "body": fields.text("body")? });
    pass_on(&shared, &fields.number("number")?, &event)
}

/// `POST /phone/read {"number","chat","by"?}`: the other side, or that member of a group, reads what was sent there.
pub(crate) async fn read(State(shared): State<Shared>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let fields = Fields::read(&body)?;
    let (number, chat) = (fields.number("number")?, fields.chat("chat")?);
    let by = fields.get("by").map(|_| fields.chat("by")).transpose()?;
    let ids: Vec<String> = {
        let world = shared.lock();
        let account = world.lasting.accounts.get(&number).ok_or(NO_DEVICE)?;
        account
            .sent
            .iter()
            .filter(|sent| sent.message.to == chat)
            .map(|sent| sent.message.id.clone())
            .collect()
    };
    let read = ids.len();
    shared.change(|world| {
        for id in ids {
            world.queue(&number, &json!({ "kind": "ack", "id": id, "ack": 3, "by": by }));
        }
    });
    Ok(Json(json!({ "read": read })))
}

pub(super) fn pass_on(shared: &Shared, number: &str, event: &Value) -> Result<Json<Value>, Refusal> {
    shared.change(|world| {
        if !linked(world, number) {
            return Err(NO_DEVICE);
        }
        world.queue(number, event);
        Ok(Json(json!({ "queued": !world.pages_of(number).any(|page| page.receiving) })))
    })
}

pub(super) fn linked(world: &World, number: &str) -> bool {
    world.lasting.accounts.get(number).is_some_and(crate::account::Account::has_devices)
}

/// An id as a phone makes it: `3A` and 18 hex digits, never the same twice.
pub(super) fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) & 0xFF_FFFF;
    format!("3A{:012X}{count:06X}", now_ms())
}

/// A file that the other side sends.
struct Attachment {
    mimetype: String,
    filename: Option<String>,
    caption: Option<String>,
    bytes: Bytes,
}

impl Attachment {
    fn read(fields: &Fields) -> Result<Option<Self>, Refusal> {
        let Some(media) = fields.get("media") else { return Ok(None) };
        let text = |key: &str| media.get(key).and_then(Value::as_str);
        let need = |key: &'static str, name: &'static str| {
            text(key).ok_or_else(|| Refusal::field(name, "is missing"))
        };
        let data = need("data", "media.data")?;
        let bytes = media::decode(data).map_err(|error| Refusal::field("media.data", error.to_string()))?;
        Ok(Some(Self {
            mimetype: need("mimetype", "media.mimetype")?.to_owned(),
            filename: text("filename").map(str::to_owned),
            caption: text("caption").or(fields.optional_text("body")?).map(str::to_owned),
            bytes,
        }))
    }

    fn kind(&self) -> &'static str {
        match self.mimetype.split('/').next() {
            Some("image") if self.mimetype == "image/webp" => "sticker",
            Some("image") => "image",
            Some("video") => "video",
            Some("audio") if self.mimetype.contains("ogg") => "ptt",
            Some("audio") => "audio",
            _ => "document",
        }
    }

    fn keep(self, world: &mut World) -> Value {
        let size = self.bytes.len();
        let key = media::keep(&mut world.lasting.media, &self.mimetype, self.bytes);
        json!({
            "path": media::path_of(&key), "mimetype": self.mimetype, "filename": self.filename,
            "caption": self.caption, "size": size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::fields;

    #[test]
    fn ids_are_never_the_same_twice() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 20 && id.starts_with("3A")));
    }

    #[test]
    fn chats_are_numbers_or_known_ids() {
        assert_eq!(fields::chat("to", "+5511912345678").as_deref(), Ok("5511912345678@c.us"));
        assert_eq!(fields::chat("to", "12-34@g.us").as_deref(), Ok("12-34@g.us"));
        assert!(fields::chat("to", "ana@c.us").is_err());
        assert!(fields::chat("to", "123456@example").is_err());
    }
}
