//! Lays values over one another. Pure.
//!
//! The shape of the configuration (which key is a number, a text, a list, a table) is read from
//! [`ServiceConfig`] itself, so that a new key needs no line here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use colmeia::address::Shown;
use colmeia::config::ServiceConfig;
use toml::{Table, Value};

use super::SettingsError;

/// The environment, as far as it is text.
pub(super) type Environment = BTreeMap<String, String>;

const PREFIX: &str = "COLMEIA_";
/// Variables of ours that are no keys: the file itself, the log filter, and what an upgrade passes on.
const NO_KEYS: [&str; 3] = ["COLMEIA_CONFIG", "COLMEIA_LOG", crate::upgrade::VARIABLE];
/// What stands in place of a secret.
const HIDDEN: &str = "[secret]";

/// The variables that can be read. One of ours that cannot is an error; an empty one counts as absent.
pub(super) fn readable(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Environment, SettingsError> {
    let mut readable = Environment::new();
    for (key, value) in environment {
        let Ok(key) = key.into_string() else { continue };
        match value.into_string() {
            Ok(value) if value.is_empty() => {}
            Ok(value) => drop(readable.insert(key, value)),
            Err(_) if key.starts_with(PREFIX) => {
                return Err(SettingsError::Value { origin: key, why: "is not UTF-8".into() });
            }
            Err(_) => {}
        }
    }
    Ok(readable)
}

/// File, then environment, then flags.
pub(super) fn merge(
    file: Option<(PathBuf, String)>,
    environment: &Environment,
    flags: &[(&'static str, &str)],
) -> Result<ServiceConfig, SettingsError> {
    let mut merged = Merged::default();
    if let Some((path, text)) = file {
        let wrong = |error: toml::de::Error| SettingsError::File { path, message: explain(&error, &text) };
        // As a configuration first: its errors show the line.
        match toml::from_str::<ServiceConfig>(&text).and_then(|config| Ok((config, toml::from_str(&text)?))) {
            Ok((config, table)) => (merged.config, merged.table) = (config, table),
            Err(error) => return Err(wrong(error)),
        }
    }
    if let Some(port) = environment.get("PORT") {
        let mut listen = merged.config.listen;
        listen.set_port(
            port.trim().parse().map_err(|_| SettingsError::Value {
                origin: "PORT".into(),
                why: "is no port number".into(),
            })?,
        );
        merged.set("PORT", "listen", &listen.to_string())?;
    }
    if let Some(url) = environment.get("FLASK_WEBHOOK_URL") {
        merged.set("FLASK_WEBHOOK_URL", "webhook_url", url)?;
    }
    for (variable, value) in environment {
        let Some(key) = variable.strip_prefix(PREFIX) else { continue };
        if !NO_KEYS.contains(&variable.as_str()) {
            merged.set(variable, &key.to_ascii_lowercase(), value)?;
        }
    }
    for (key, value) in flags {
        merged.set(&format!("--{}", key.replace('_', "-")), key, value)?;
    }
    Ok(merged.config)
}

/// The error with the line that it is about, unless that line may hold a secret.
fn explain(error: &toml::de::Error, text: &str) -> String {
    const SECRET: [&str; 4] = ["key", "hmac", "header", "value"];
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.lines().last().filter(|_| !before.ends_with('\n')).unwrap_or_default().to_owned()
        + text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
    let lower = line.to_lowercase();
    if SECRET.iter().any(|word| lower.contains(word)) {
        let number = before.matches('\n').count() + 1;
        return format!("line {number} is wrong; it is not shown, because it may hold a secret");
    }
    error.to_string()
}

/// What is in force, as a configuration file, without secrets.
pub(crate) fn in_force(config: &ServiceConfig) -> Result<String, toml::ser::Error> {
    let mut table = Table::try_from(config)?;
    if let Some(Value::Array(keys)) = table.get_mut("api_keys") {
        keys.fill(Value::from(HIDDEN));
    }
    if let Some(Value::Array(webhooks)) = table.get_mut("webhooks") {
        webhooks.iter_mut().for_each(hide_secrets);
    }
    for key in ["webhook_url", "page_url"] {
        table.get_mut(key).into_iter().for_each(hide_in_address);
    }
    toml::to_string(&table)
}

/// What may be a token in an address.
fn hide_in_address(address: &mut Value) {
    if let Value::String(text) = address {
        *text = Shown(text).to_string();
    }
}

/// The key of the signature, the values of headers and what of the address may be a token.
fn hide_secrets(webhook: &mut Value) {
    webhook.get_mut("url").into_iter().for_each(hide_in_address);
    if let Some(key) = webhook.get_mut("hmac").and_then(|hmac| hmac.get_mut("key")) {
        *key = Value::from(HIDDEN);
    }
    let headers = webhook.get_mut("customHeaders").and_then(Value::as_array_mut);
    for value in headers.into_iter().flatten().filter_map(|header| header.get_mut("value")) {
        *value = Value::from(HIDDEN);
    }
}

#[derive(Default)]
struct Merged {
    table: Table,
    config: ServiceConfig,
}

impl Merged {
    /// Sets one key from text and checks it at once, so that the error can name its origin.
    fn set(&mut self, origin: &str, key: &str, text: &str) -> Result<(), SettingsError> {
        let wrong = |why: String| SettingsError::Value { origin: origin.into(), why };
        let Some((table, key, like)) = find(key) else {
            return Err(SettingsError::UnknownVariable(origin.into()));
        };
        let value = parse(text, &like).map_err(|why| wrong(why.into()))?;
        let place = match table {
            None => &mut self.table,
            Some(name) => match self.table.entry(name).or_insert_with(|| Table::new().into()) {
                Value::Table(table) => table,
                _ => return Err(wrong("its table is no table".into())),
            },
        };
        place.insert(key, value);
        // Only the message: what serde quotes may be a secret, and it has no place in a variable anyway.
        self.config =
            self.table.clone().try_into().map_err(|error: toml::de::Error| wrong(error.message().into()))?;
        Ok(())
    }
}

/// The table, the key in it, and a value of its kind: `restart_base_ms` is `base_ms` in `restart`.
fn find(wanted: &str) -> Option<(Option<String>, String, Value)> {
    let path = || Some(PathBuf::new());
    let shape = ServiceConfig {
        state_dir: "/unset".into(),
        runtime_dir: path(),
        wa_js: path(),
        worker: path(),
        ..ServiceConfig::default()
    };
    let shape = Table::try_from(shape).ok()?;
    shape.iter().find_map(|(key, value)| match value {
        Value::Table(inner) => {
            let rest = wanted.strip_prefix(key.as_str())?.strip_prefix('_')?;
            inner.get(rest).map(|value| (Some(key.clone()), rest.to_owned(), value.clone()))
        }
        _ => (key == wanted).then(|| (None, key.clone(), value.clone())),
    })
}

/// The text as a value of the same kind, or why it is none.
fn parse(text: &str, like: &Value) -> Result<Value, &'static str> {
    Ok(match like {
        Value::Integer(_) => Value::Integer(text.trim().parse().map_err(|_| "is no whole number")?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().map_err(|_| "is neither true nor false")?),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(Value::from).collect::<Vec<_>>().into()
        }
        _ => text.into(),
    })
}
