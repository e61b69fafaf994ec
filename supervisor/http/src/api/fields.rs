//! [`Fields`]: what an operation's schema says of its arguments, and how lenient that is with what clients write. Pure.
//!
//! | what a client sends | is |
//! | --- | --- |
//! | `null`, anywhere | a field that was not filled |
//! | `""` in a field that may be absent | the same |
//! | `""` in a field that has to be there | empty: a text that is refused, a reaction or a description taken away |
//! | `limit` 0 | no limit given |
//! | `true`, `True`, `1`, `"1"` where a truth value is wanted | true; likewise false |
//! | `"10"` where a number is wanted, `10` where a text is | the number, its digits |
//!
//! What the schema leaves open, such as `metadata`, stays as it was sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::Shape;

/// What a field of an operation's arguments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Truth,
    List,
    Other,
}

/// A field, as the schema has it.
#[derive(Debug)]
struct Field {
    kind: Kind,
    required: bool,
    /// The fields of the object that it is, or of each object in it.
    inside: Fields,
}

/// The fields of an object, by name.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<Box<str>, Field>);

impl Fields {
    /// The fields of a type.
    pub(super) fn of(shape: &Shape) -> Self {
        Self::read(&shape.schema, &shape.named)
    }

    /// With a text of this name that may be absent, if there is none yet.
    pub(super) fn and_text(mut self, name: &str) -> Self {
        let field = Field { kind: Kind::Text, required: false, inside: Self::default() };
        self.0.entry(name.into()).or_insert(field);
        self
    }

    fn read(schema: &Value, named: &[(String, Value)]) -> Self {
        let mut fields = Self::default();
        let schema = resolved(schema, named);
        // A flattened type is described as one of several that hold together.
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            fields.0.extend(Self::read(part, named).0);
        }
        let required = schema.get("required").and_then(Value::as_array);
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let required = required.is_some_and(|names| names.iter().any(|one| one == name));
            let schema = resolved(schema, named);
            let inside = Self::read(schema.get("items").unwrap_or(schema), named);
            fields.0.insert(name.as_str().into(), Field { kind: kind(schema), required, inside });
        }
        fields
    }

    /// Reads what was given as these fields mean it, and leaves out what was not filled.
    pub(super) fn tidy(&self, given: &mut Map<String, Value>) {
        given.retain(|name, value| {
            let Some(field) = self.0.get(name.as_str()) else { return true };
            field.tidy(value);
            let nothing = is_unfilled(value) || (name == "limit" && value.as_f64() == Some(0.0));
            !(value.is_null() || (nothing && !field.required))
        });
    }

    /// What the field of this name is.
    pub(super) fn kind(&self, name: &str) -> Kind {
        self.0.get(name).map_or(Kind::Other, |field| field.kind)
    }

    /// Whether there is a field of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl Field {
    fn tidy(&self, value: &mut Value) {
        let read = match (self.kind, &*value) {
            (Kind::Number, Value::String(text)) => {
                serde_json::from_str(text.trim()).ok().filter(Value::is_number)
            }
            (Kind::Text, Value::Number(number)) if !number.is_f64() => {
                Some(Value::String(number.to_string()))
            }
            (Kind::Truth, value) => truth(value).map(Value::Bool),
            _ => None,
        };
        if let Some(read) = read {
            *value = read;
        }
        match value {
            Value::Object(fields) => self.inside.tidy(fields),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| self.inside.tidy(item));
            }
            _ => {}
        }
    }
}

/// Whether a client filled nothing in.
pub(super) fn is_unfilled(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// The truth value that is meant, where one is.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The schema behind a reference, and of what may also be `null` the other one.
fn resolved<'a>(schema: &'a Value, named: &'a [(String, Value)]) -> &'a Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
        return named.iter().find(|(known, _)| known == name).map_or(schema, |(_, schema)| schema);
    }
    let mut choices = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let mut real = choices.by_ref().filter(|choice| choice.get("type") != Some(&Value::from("null")));
    match (real.next(), real.next()) {
        (Some(only), None) => resolved(only, named),
        _ => schema,
    }
}

fn kind(schema: &Value) -> Kind {
    let named = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        Some(name) => name.as_str(),
        None => None,
    };
    match named {
        Some("string") => Kind::Text,
        Some("integer" | "number") => Kind::Number,
        Some("boolean") => Kind::Truth,
        Some("array") => Kind::List,
        _ => Kind::Other,
    }
}
