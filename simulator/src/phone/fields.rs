//! Owns how the phone's API reads a JSON body: each field checked, each refusal naming the field.
//! Knows nothing of what the fields are for.

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::{error::Refusal, wire::Contact};

/// The body of one call.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body.
    pub(crate) fn read(body: &Bytes) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Refusal::NotAnObject),
        }
    }

    /// A field as it was given, null included.
    pub(crate) fn raw(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A field that may be absent (or null).
    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.raw(field).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub(crate) fn optional_text(&self, field: &'static str) -> Result<Option<&str>, Refusal> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| Refusal::field(field, "must be a text")),
        }
    }

    /// A text that must be there and not be empty.
    pub(crate) fn text(&self, field: &'static str) -> Result<&str, Refusal> {
        let text = self.optional_text(field)?.ok_or_else(|| Refusal::field(field, "is missing"))?;
        if text.is_empty() { Err(Refusal::field(field, "is empty")) } else { Ok(text) }
    }

    /// A phone number: digits, with or without a leading plus.
    pub(crate) fn number(&self, field: &'static str) -> Result<String, Refusal> {
        number(field, self.text(field)?)
    }

    /// A chat: a phone number, or an id such as `…@c.us`, `…@lid`, `…@g.us`.
    pub(crate) fn chat(&self, field: &'static str) -> Result<String, Refusal> {
        chat(field, self.text(field)?)
    }

    /// The address book, if any.
    pub(crate) fn contacts(&self) -> Result<Vec<Contact>, Refusal> {
        let Some(value) = self.get("contacts") else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| Refusal::field("contacts", "must be a list"))?;
        list.iter()
            .map(|entry| {
                let text = |key| entry.get(key).and_then(Value::as_str);
                let (Some(digits), Some(name)) = (text("number"), text("name")) else {
                    return Err(Refusal::field("contacts", "each needs a number and a name"));
                };
                Ok(Contact { number: number("contacts", digits)?, name: name.to_owned() })
            })
            .collect()
    }
}

fn number(field: &'static str, text: &str) -> Result<String, Refusal> {
    let digits = text.strip_prefix('+').unwrap_or(text).trim_end_matches("@c.us");
    let plausible = (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plausible { Ok(digits.to_owned()) } else { Err(Refusal::field(field, "must be 5 to 20 digits")) }
}

/// Completes a bare number to a chat id.
pub(crate) fn chat(field: &'static str, text: &str) -> Result<String, Refusal> {
    let Some((user, server)) = text.split_once('@') else {
        return Ok(format!("{}@c.us", number(field, text)?));
    };
    let user_fits = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if user_fits && matches!(server, "c.us" | "lid" | "g.us") {
        Ok(text.to_owned())
    } else {
        Err(Refusal::field(field, "must be a number, …@c.us, …@lid or …@g.us"))
    }
}
