//! The arguments of an operation: path, query and body together make one object, which is read as the operation's
//! type. Owns the naming of what is wrong. Pure.
//!
//! A name that stands in more than one place counts where it is hardest to forge: the path before the query before
//! the body. `null` is a field that a client did not fill. What a query says is a text; it is read as the number,
//! truth value or list that the operation's type wants.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::ApiError;

/// What a field of an operation's arguments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Truth,
    List,
    Other,
}

/// The kinds of an operation's fields, read from its schema.
pub(super) fn kinds(schema: &Value) -> BTreeMap<String, Kind> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (name.clone(), kind(schema))).collect()
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

/// Everything that was given, by name.
pub(super) fn gather(
    kinds: &BTreeMap<String, Kind>,
    path: impl IntoIterator<Item = (String, String)>,
    query: impl IntoIterator<Item = (String, String)>,
    body: Map<String, Value>,
) -> Map<String, Value> {
    let mut all = body;
    without_null(&mut all);
    let mut given = Map::new();
    for (name, text) in query {
        let kind = kinds.get(&name).copied().unwrap_or(Kind::Other);
        match (kind, given.get_mut(&name)) {
            (Kind::List, Some(Value::Array(items))) => items.push(Value::String(text)),
            (Kind::List, None) => drop(given.insert(name, Value::Array(vec![Value::String(text)]))),
            (kind, _) => drop(given.insert(name, of_text(kind, text))),
        }
    }
    all.extend(given);
    all.extend(path.into_iter().map(|(name, text)| (name, Value::String(text))));
    all
}

fn of_text(kind: Kind, text: String) -> Value {
    let read = match kind {
        Kind::Number => serde_json::from_str(&text).ok().filter(Value::is_number),
        Kind::Truth => match text.as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        Kind::Text | Kind::List | Kind::Other => None,
    };
    read.unwrap_or(Value::String(text))
}

/// The body, whatever its content type says; an empty one has no fields.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(ApiError::bad_request("The body has to be a JSON object")),
        // The error's own text may repeat what was sent; the place tells enough.
        Err(error) => Err(ApiError::bad_request(format!(
            "The body is no JSON (line {}, column {})",
            error.line(),
            error.column()
        ))),
    }
}

fn without_null(fields: &mut Map<String, Value>) {
    fn inside(value: &mut Value) {
        match value {
            Value::Object(fields) => without_null(fields),
            Value::Array(items) => items.iter_mut().for_each(inside),
            _ => {}
        }
    }
    fields.retain(|_, value| !value.is_null());
    fields.values_mut().for_each(inside);
}

/// The operation's arguments.
pub(super) fn read<A: DeserializeOwned>(fields: Map<String, Value>) -> Result<A, ApiError> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let (field, rule) = explain(&error.into_inner().to_string());
        let field = match (path.as_str(), field) {
            (".", Some(field)) => field,
            (".", None) => return ApiError::bad_request(format!("The arguments are wrong: {rule}")),
            (path, Some(field)) => format!("{path}.{field}"),
            (path, None) => path.to_owned(),
        };
        ApiError::field(field, rule)
    })
}

/// serde's words without the value that they may repeat: the field they name, if they do, and the rule.
fn explain(text: &str) -> (Option<String>, String) {
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    if text.starts_with("missing field") {
        return (quoted(text), "is missing".into());
    }
    if text.starts_with("unknown field") {
        return (quoted(text), "is not known here".into());
    }
    if text.starts_with("data did not match any variant") {
        return (None, "has none of the forms that are possible here".into());
    }
    let of_serde = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    if of_serde.iter().any(|start| text.starts_with(start)) {
        let wanted = text.rsplit_once(", expected ").map_or("something else", |(_, wanted)| wanted);
        return (None, format!("has to be {wanted}"));
    }
    // The words of our own types, which repeat nothing.
    (None, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Args {
        chat_id: colmeia::ChatId,
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        ids: Vec<String>,
        #[serde(default)]
        file: Option<File>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct File {
        url: String,
    }

    fn schema() -> BTreeMap<String, Kind> {
        kinds(&json!({"properties": {
            "chatId": {"type": "string"}, "limit": {"type": ["integer", "null"]}, "ids": {"type": "array"},
            "merge": {"type": "boolean"},
        }}))
    }

    fn args(query: &[(&str, &str)], body: &str) -> Result<Args, ApiError> {
        let query = query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        read(gather(&schema(), [], query, object(body.as_bytes())?))
    }

    #[test]
    fn the_path_counts_before_the_query_and_that_before_the_body() {
        let pair = |value: &str| [("id".to_owned(), value.to_owned())];
        let body = object(br#"{"id":"body","x":null}"#).expect("fine");
        let all = gather(&schema(), pair("path"), pair("query"), body);
        assert_eq!(Value::Object(all), json!({"id": "path"}));
    }

    #[test]
    fn a_query_is_read_as_the_type_wants_it() {
        let read = args(&[("chatId", "+55 11 98888-7777"), ("limit", "10"), ("ids", "a"), ("ids", "b")], "");
        let read = read.expect("fine");
        assert_eq!((read.chat_id.as_str(), read.limit), ("5511988887777@c.us", Some(10)));
        assert_eq!(read.ids, ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        for (query, body, field) in [
            (vec![], "{}", "chatId"),
            (vec![("chatId", "secret-name@evil")], "", "chatId"),
            (vec![("chatId", "55119")], r#"{"limit":"secret"}"#, "limit"),
            (vec![("chatId", "55119"), ("limit", "secret")], "", "limit"),
            (vec![("chatId", "55119")], r#"{"file":{"url":["secret"]}}"#, "file.url"),
            (vec![("chatId", "55119")], r#"{"file":{}}"#, "file.url"),
            (vec![("chatId", "55119")], r#"{"ids":[1]}"#, "ids[0]"),
        ] {
            let error = format!("{:?}", args(&query, body).expect_err(field));
            assert!(error.contains(&format!("field: Some(\"{field}\")")), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_without_its_content() {
        for body in ["[]", "\"secret\"", "{\"secret\":", "secret"] {
            let error = format!("{:?}", args(&[], body).expect_err(body));
            assert!(error.contains("body") && !error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_comes_back(text in "[a-z]{12,20}") {
            let body = format!(r#"{{"chatId":"{text}@x","limit":"{text}","file":"{text}"}}"#);
            let error = format!("{:?}", args(&[], &body).expect_err("wrong"));
            prop_assert!(!error.contains(&text), "{}", error);
        }
    }
}
