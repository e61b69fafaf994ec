//! [`Records`]: what the server of the simulated WhatsApp knows beyond messages, as the pages and the phones say it.
//!
//! Owns the store and its key: a kind and an id; the id of what belongs to one number begins with `<number>/`.
//! Knows nothing of what a record means: the pages play the server's rules, the phone's API sets what it likes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Records by kind and id.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Records(BTreeMap<String, BTreeMap<String, Value>>);

impl Records {
    /// Sets a record; null removes it.
    pub(crate) fn set(&mut self, kind: &str, id: &str, value: Value) {
        let of_kind = self.0.entry(kind.to_owned()).or_default();
        if value.is_null() {
            of_kind.remove(id);
        } else {
            of_kind.insert(id.to_owned(), value);
        }
    }

    /// One record.
    pub(crate) fn get(&self, kind: &str, id: &str) -> Option<&Value> {
        self.0.get(kind)?.get(id)
    }

    /// All records of a kind, by id.
    pub(crate) fn all(&self, kind: &str) -> Option<&BTreeMap<String, Value>> {
        self.0.get(kind)
    }

    /// Changes some fields of a record that is an object, and gives it back.
    pub(crate) fn merge(&mut self, kind: &str, id: &str, fields: &serde_json::Map<String, Value>) -> Value {
        let mut record = self.get(kind, id).cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        if let Value::Object(record) = &mut record {
            record.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        self.set(kind, id, record.clone());
        record
    }
}
