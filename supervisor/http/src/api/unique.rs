//! JSON in which no object has a name twice: of two values for one field nobody could say which is meant. Owns the
//! reading; what is found twice is named by its place, such as `file.url`. Pure.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::errors::ApiError;

/// The longest name of a field that is repeated in an error.
const LONGEST: usize = 64;

/// Why a text could not be read.
pub(super) enum Unread {
    /// It is no JSON.
    NoJson(serde_json::Error),
    /// This field stands there twice.
    Twice(String),
}

/// The value of a text.
pub(super) fn read(text: &[u8]) -> Result<Value, Unread> {
    let twice = RefCell::new(None);
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Reading { twice: &twice, at: "" }.deserialize(&mut json).and_then(|value| {
        json.end()?;
        Ok(value)
    });
    value.map_err(|error| twice.take().map_or(Unread::NoJson(error), Unread::Twice))
}

/// The error for a field that stands there twice. A name that no field has is not repeated.
pub(super) fn twice(field: &str) -> ApiError {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    match field.len() <= LONGEST && field.chars().all(plain) {
        true => ApiError::field(field, "stands there more than once"),
        false => ApiError::bad_request("A field of the body stands there more than once"),
    }
}

/// A field's place, below this one.
pub(super) fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

#[derive(Clone, Copy)]
struct Reading<'a> {
    /// What was found twice.
    twice: &'a RefCell<Option<String>>,
    at: &'a str,
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let at = format!("{}[{}]", self.at, all.len());
            match items.next_element_seed(Reading { at: &at, ..self })? {
                Some(item) => all.push(item),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let at = below(self.at, &name);
            if all.contains_key(&name) {
                self.twice.replace(Some(at));
                return Err(A::Error::custom("a name stands there twice"));
            }
            let value = fields.next_value_seed(Reading { at: &at, ..self })?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Option<String> {
        match read(text.as_bytes()) {
            Err(Unread::Twice(field)) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn what_stands_there_twice_is_named_by_its_place() {
        for (text, field) in [
            (r#"{"a":1,"a":1}"#, Some("a")),
            (r#"{"a":1,"\u0061":2}"#, Some("a")),
            (r#"{"file":{"url":"x","name":1,"url":"y"}}"#, Some("file.url")),
            (r#"{"webhooks":[{"url":1},{"url":1,"url":2}]}"#, Some("webhooks[1].url")),
            (r#"{"a":{"b":1},"b":{"a":1}}"#, None),
            (r#"{"a":1,"a":"#, Some("a")),
        ] {
            assert_eq!(found(text).as_deref(), field, "{text}");
        }
        assert!(format!("{:?}", twice("file.url")).contains("field: Some(\"file.url\")"));
        assert!(!format!("{:?}", twice("hunter2 <script>")).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn everything_else_is_read_as_ever(text in r#"[\[\]{}",:0-9a-c.e\-tru nl]{0,40}"#) {
            match (read(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(value), Ok(expected)) => prop_assert_eq!(value, expected),
                (Err(Unread::NoJson(error)), Err(expected)) => {
                    prop_assert_eq!((error.line(), error.column()), (expected.line(), expected.column()));
                }
                (Err(Unread::Twice(_)), _) => {}
                (read, expected) => prop_assert!(false, "{text}: {:?}, {expected:?}", read.ok()),
            }
        }
    }
}
