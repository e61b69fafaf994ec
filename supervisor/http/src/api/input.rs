//! The arguments of an operation: path, query and body together make one object, which is read as the operation's
//! type. Owns which place counts. Pure; what is wrong is named in `wording`.
//!
//! A name that stands in more than one place counts where it is hardest to forge: the path before the query before
//! the body. What each value means is the business of `fields`.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{Fields, Kind, is_unfilled};
use super::unique::{self, Unread};
use super::wording;
use crate::errors::ApiError;

/// Everything that was given, by name.
pub(super) fn gather(
    fields: &Fields,
    path: impl IntoIterator<Item = (String, String)>,
    query: impl IntoIterator<Item = (String, String)>,
    body: Map<String, Value>,
) -> Map<String, Value> {
    let mut all = body;
    let mut given = Map::new();
    for (name, text) in query {
        match (fields.kind(&name), given.get_mut(&name)) {
            (Kind::List, _) if text.is_empty() => {}
            (Kind::List, Some(Value::Array(items))) => items.push(Value::String(text)),
            (Kind::List, None) => drop(given.insert(name, Value::Array(vec![Value::String(text)]))),
            _ => drop(given.insert(name, Value::String(text))),
        }
    }
    // What was not filled in the query takes nothing away from the body.
    for some in [&mut given, &mut all] {
        fields.tidy(some);
        // Of other names there may be a second one for a field.
        some.retain(|name, value| fields.knows(name) || !is_unfilled(value));
    }
    all.extend(given);
    all.extend(path.into_iter().map(|(name, text)| (name, Value::String(text))));
    all
}

/// The body, whatever its content type says; an empty one has no fields.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Ok(Map::new());
    }
    match unique::read(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(ApiError::bad_request("The body has to be a JSON object")),
        Err(Unread::Twice(field)) => Err(unique::twice(&field)),
        // The error's own text may repeat what was sent; the place tells enough.
        Err(Unread::NoJson(error)) => Err(ApiError::bad_request(format!(
            "The body is no JSON (line {}, column {})",
            error.line(),
            error.column()
        ))),
    }
}

/// The operation's arguments.
pub(super) fn read<A: DeserializeOwned>(fields: Map<String, Value>) -> Result<A, ApiError> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let (field, rule) = wording::explain(&error.into_inner().to_string());
        let field = match (path.as_str(), field) {
            (".", Some(field)) => field,
            (".", None) => return ApiError::bad_request(format!("The arguments are wrong: {rule}")),
            (path, Some(field)) => format!("{path}.{field}"),
            (path, None) => path.to_owned(),
        };
        ApiError::field(field, rule)
    })
}

#[cfg(test)]
mod tests {
    use super::super::answer::Shape;
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::json;
    use utoipa::ToSchema;

    #[derive(Debug, Deserialize, PartialEq, ToSchema)]
    #[serde(rename_all = "camelCase")]
    struct Args {
        #[schema(value_type = String)]
        chat_id: colmeia::ChatId,
        limit: Option<u32>,
        merge: Option<bool>,
        #[serde(default)]
        ids: Vec<String>,
        file: Option<File>,
        #[serde(default)]
        #[schema(value_type = Object)]
        open: Value,
        #[serde(default)]
        files: Vec<File>,
    }

    #[derive(Debug, Deserialize, PartialEq, ToSchema)]
    struct File {
        url: String,
        name: Option<String>,
        limit: Option<u32>,
    }

    fn fields() -> Fields {
        Fields::of(&Shape::of::<Args>()).and_text("session")
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn gathered(query: &[(&str, &str)], body: Value) -> Value {
        let Value::Object(body) = body else { panic!("an object") };
        Value::Object(gather(&fields(), [], pairs(query), body))
    }

    fn args(query: &[(&str, &str)], body: &str) -> Result<Args, ApiError> {
        read(gather(&fields(), [], pairs(query), object(body.as_bytes())?))
    }

    #[test]
    fn the_path_counts_before_the_query_and_that_before_the_body() {
        let pair = |value: &str| [("id".to_owned(), value.to_owned())];
        let body = object(br#"{"id":"body","x":null}"#).expect("fine");
        let all = gather(&fields(), pair("path"), pair("query"), body);
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
    fn what_was_not_filled_is_absent_where_it_may_be() {
        let file = json!({"url": "", "name": "", "limit": 0});
        let body = json!({
            "chatId": "", "limit": 0, "merge": null, "ids": "", "file": file, "session": "", "phone": "",
            "files": [file, {"url": "u", "name": null}], "open": {"a": null, "b": "", "limit": 0},
        });
        let expected = json!({
            "chatId": "", "file": {"url": ""}, "files": [{"url": ""}, {"url": "u"}],
            "open": {"a": null, "b": "", "limit": 0},
        });
        assert_eq!(
            gathered(&[], body),
            expected,
            "what has to be there stays, and so does what is left open"
        );
        let query = [("limit", "0"), ("merge", ""), ("ids", ""), ("session", ""), ("chatId", "")];
        assert_eq!(gathered(&query, json!({"limit": 7})), json!({"chatId": "", "limit": 7}));
    }

    #[test]
    fn values_are_read_as_clients_write_them() {
        for (text, truth) in [
            ("true", true),
            ("True", true),
            ("TRUE", true),
            ("1", true),
            ("false", false),
            ("False", false),
            ("0", false),
        ] {
            assert_eq!(gathered(&[("merge", text)], json!({})), json!({"merge": truth}), "{text}");
            assert_eq!(gathered(&[], json!({"merge": text})), json!({"merge": truth}), "{text}");
        }
        assert_eq!(gathered(&[], json!({"merge": 1})), json!({"merge": true}));
        let read = args(&[], r#"{"chatId": 5511988887777, "limit": "10"}"#).expect("fine");
        assert_eq!((read.chat_id.as_str(), read.limit), ("5511988887777@c.us", Some(10)));
        for body in [r#"{"chatId":"55119","merge":2}"#, r#"{"chatId":"55119","merge":"yes"}"#] {
            let error = format!("{:?}", args(&[], body).expect_err(body));
            assert!(error.contains("merge has to be true or false"), "{error}");
        }
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

    #[test]
    fn a_field_that_stands_there_twice_is_named() {
        let error = format!("{:?}", args(&[], r#"{"chatId":"55119","chatId":"55118"}"#).expect_err("twice"));
        assert!(error.contains("field: Some(\"chatId\")") && error.contains("more than once"), "{error}");
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
