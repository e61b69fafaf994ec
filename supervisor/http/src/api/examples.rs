//! Values that work as they stand, for the document: whoever presses "execute" at `/docs` sends no `string` to nobody.
//!
//! Owns which value stands for which field. Only what an operation needs is in an example, so that nothing in it has to be
//! taken out first.

use serde_json::{Map, Value, json};

use super::route::Row;

/// A picture of one pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// What stands for a field of this name, whatever the operation.
pub(super) fn of(field: &str) -> Option<Value> {
    Some(match field {
        "session" => json!("default"),
        "name" => json!("default"),
        "chatId" | "contactId" | "phone" | "phoneNumber" => json!("5511988887777"),
        "id" => json!("120363021234567890@g.us"),
        "messageId" => json!("true_5511988887777@c.us_3EB0C767D097B7C7"),
        "text" | "caption" => json!("Olá!"),
        "title" => json!("Colmeia"),
        "url" => json!("https://example.com/"),
        "reaction" => json!("🐝"),
        "presence" => json!("online"),
        "latitude" => json!(-23.5505),
        "longitude" => json!(-46.6333),
        "participants" => json!([{"id": "5511988887777"}]),
        "body" => json!("Vamos?"),
        "buttons" => json!([{"text": "Sim"}, {"text": "Não"}]),
        "message" => {
            json!({"title": "Horários", "button": "Escolher", "sections": [{"title": "Sábado", "rows": [{"title": "9 h", "rowId": "9"}]}]})
        }
        "preview" => json!({"url": "https://example.com/", "title": "Colmeia"}),
        "event" => json!({"name": "Sábado", "startTime": 1_893_456_000}),
        "votes" => json!(["Sim"]),
        "pollMessageId" => json!("true_5511988887777@c.us_3EB0C767D097B7C7"),
        "poll" => json!({"name": "Sábado?", "options": ["Sim", "Não"], "multipleAnswers": false}),
        "contacts" => {
            json!([{"fullName": "Ana", "phoneNumber": "+55 11 98888-7777", "whatsappId": "5511988887777"}])
        }
        _ => return None,
    })
}

/// The body of an operation: what it needs, and whose session it is.
pub(super) fn body(row: &Row, fields: &Map<String, Value>, required: &[String]) -> Value {
    let mut body = Map::new();
    for (name, schema) in fields {
        if !required.contains(name) && name != "session" {
            continue;
        }
        let value = if name == "file" { Some(file(row)) } else { of(name) };
        body.insert(name.clone(), value.unwrap_or_else(|| of_type(schema)));
    }
    if fields.contains_key("preview") {
        body.insert("text".into(), json!("Olá! https://example.com/"));
    }
    // A session that is made is named; else it is known by its name already.
    if row.operation == "sessions.create" {
        body.insert("name".into(), json!("default"));
    }
    body.into()
}

fn file(row: &Row) -> Value {
    match row.path {
        "/api/sendVoice" => {
            json!({"mimetype": "audio/ogg; codecs=opus", "url": "https://example.com/voice.ogg"})
        }
        "/api/sendVideo" => json!({"mimetype": "video/mp4", "url": "https://example.com/video.mp4"}),
        _ => json!({"mimetype": "image/png", "filename": "colmeia.png", "data": PNG}),
    }
}

fn of_type(schema: &Value) -> Value {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => json!("Colmeia"),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        Some("array") => json!([]),
        _ => json!({}),
    }
}
