//! [`WebhookConfig`]: one receiver of events, in WAHA's shape, as it stands in `[[webhooks]]` of the configuration
//! and in a session's own configuration.
//!
//! Owns the keys and their rules. Keys of signatures and values of headers are [`Secret`]s: they are in no error
//! and no log, and of an address only what is no token. Never looks a session up and never sends anything.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::url::is_http_url;
use crate::Secret;
use crate::address::Shown;

/// Every event by the name under which it can be subscribed to. `*` stands for all of them. A name that other gateways
/// have and nothing here is published under is refused: whoever waits for it would wait in vain.
pub const EVENT_NAMES: &[&str] = &[
    "session.status",
    "message",
    "message.any",
    "message.reaction",
    "message.ack",
    "message.ack.group",
    "message.waiting",
    "message.edited",
    "message.revoked",
    "message.missed",
    "group.v2.join",
    "group.v2.leave",
    "group.v2.update",
    "group.v2.participants",
    "presence.update",
    "poll.vote",
    "call.received",
    "call.accepted",
    "call.rejected",
    "chat.archive",
    "label.upsert",
    "label.deleted",
    "label.chat.added",
    "label.chat.deleted",
];

/// What is said to who asks for another: all of [`EVENT_NAMES`].
pub const UNKNOWN_EVENT: &str = "has a name that is never published; there are session.status, message, message.any, \
    message.reaction, message.ack, message.ack.group, message.waiting, message.edited, message.revoked, message.missed, \
    group.v2.join, group.v2.leave, group.v2.update, group.v2.participants, presence.update, poll.vote, call.received, \
    call.accepted, call.rejected, chat.archive, label.upsert, label.deleted, label.chat.added, label.chat.deleted, and \
    \"*\" for all of them";

/// The longest delay between two attempts that may be asked for.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);
/// The largest file that comes along with an event: the events of a session wait for each other's.
const LARGEST_INLINE: u64 = 16 * 1024 * 1024;
/// The most attempts that may be asked for.
const MOST_ATTEMPTS: u32 = 1000;
/// Headers that say how the request is made; a receiver's configuration cannot.
const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One receiver.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WebhookConfig {
    /// Where events are posted. It may carry a token, so it is not logged as a whole.
    pub url: String,
    /// Names of [`EVENT_NAMES`], or `*`.
    pub events: Vec<String>,
    /// Signs each body, where there is a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hmac: Option<Hmac>,
    /// What happens after an attempt that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// Sent with each request.
    #[serde(alias = "custom_headers", skip_serializing_if = "Option::is_none")]
    pub custom_headers: Option<Vec<CustomHeader>>,
    /// Up to how many bytes a message's file comes along with its event, in base64 as `media.data`; absent or 0: never,
    /// its address is told in any case. At most 16 MiB. A key of ours: the convention has none for it.
    #[serde(alias = "inline_max_bytes", skip_serializing_if = "Option::is_none")]
    pub inline_max_bytes: Option<u64>,
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookConfig({}, {:?})", Shown(&self.url), self.events)
    }
}

/// How bodies are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The key that the receiver knows too. Absent or empty: no signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

/// A header of the receiver's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomHeader {
    /// Its name.
    pub name: String,
    /// Its value; often a token.
    pub value: Secret,
}

/// When a failed attempt is repeated, and how often. What is absent is as in [`Retries::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Retries {
    /// How the delay grows.
    #[serde(deserialize_with = "or_default")]
    pub policy: RetryPolicy,
    /// The first delay in seconds; fractions are allowed.
    #[serde(alias = "delay_seconds", serialize_with = "write_seconds", deserialize_with = "read_seconds")]
    pub delay_seconds: Duration,
    /// After how many attempts the event becomes a dead letter. A connection that cannot be made is none.
    #[serde(deserialize_with = "read_attempts")]
    pub attempts: u32,
}

/// How the delay between attempts grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryPolicy {
    /// Always the same: 2, 2, 2, …
    #[default]
    Constant,
    /// By the same amount each time: 2, 4, 6, …
    Linear,
    /// Twofold each time, with a fifth of chance: 2, 4.1, 8.4, …
    Exponential,
}

/// WAHA's own values.
impl Default for Retries {
    fn default() -> Self {
        Self { policy: RetryPolicy::Constant, delay_seconds: Duration::from_secs(2), attempts: 15 }
    }
}

/// Why a webhook cannot be used. It names the field and repeats no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidWebhook {
    /// As it is written in JSON.
    pub field: &'static str,
    /// What is allowed.
    pub rule: &'static str,
}

impl WebhookConfig {
    /// Whether events of this name are wanted.
    #[must_use]
    pub fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|name| name == event || name == "*")
    }

    /// The key of the signature, where there is one.
    #[must_use]
    pub fn hmac_key(&self) -> Option<&Secret> {
        self.hmac.as_ref()?.key.as_ref().filter(|key| !key.expose().is_empty())
    }

    /// The receiver's own headers.
    #[must_use]
    pub fn headers(&self) -> &[CustomHeader] {
        self.custom_headers.as_deref().unwrap_or_default()
    }

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first field that is wrong, and why.
    pub fn validate(&self) -> Result<(), InvalidWebhook> {
        let known = |name: &String| name == "*" || EVENT_NAMES.contains(&name.as_str());
        let name_ok = |header: &CustomHeader| {
            let lower = header.name.to_ascii_lowercase();
            !lower.is_empty()
                && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
                && !RESERVED_HEADERS.contains(&lower.as_str())
        };
        let value_ok = |header: &CustomHeader| {
            header.value.expose().bytes().all(|b| b == b'\t' || (b' '..0x7f).contains(&b))
        };
        let retries = self.retries.unwrap_or_default();
        let rules = [
            (
                "url",
                is_http_url(&self.url),
                "must be a http:// or https:// address without user name and password",
            ),
            ("events", !self.events.is_empty(), "must name at least one event, or \"*\""),
            ("events", self.events.iter().all(known), UNKNOWN_EVENT),
            (
                "customHeaders",
                self.headers().iter().all(name_ok),
                "has a name that is no header's, or is ours",
            ),
            (
                "customHeaders",
                self.headers().iter().all(value_ok),
                "has a value with other than visible ASCII characters",
            ),
            (
                "inlineMaxBytes",
                self.inline_max_bytes.is_none_or(|most| most <= LARGEST_INLINE),
                "must be a whole number from 0 to 16777216",
            ),
            (
                "retries.delaySeconds",
                retries.delay_seconds <= LONGEST_DELAY,
                "must be a number from 0 to 3600",
            ),
            (
                "retries.attempts",
                (1..=MOST_ATTEMPTS).contains(&retries.attempts),
                "must be a whole number from 1 to 1000",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((field, _, rule)) => Err(InvalidWebhook { field, rule }),
            None => Ok(()),
        }
    }
}

/// `null` is the same as nothing: typed clients write it for what is not set.
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RetryPolicy, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn read_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        None => Ok(Retries::default().delay_seconds),
        // What is out of range is refused by `validate`, which can name the field.
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
    }
}

fn write_seconds<S: Serializer>(delay: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    match delay.subsec_nanos() {
        0 => serializer.serialize_u64(delay.as_secs()),
        _ => serializer.serialize_f64(delay.as_secs_f64()),
    }
}

/// Typed clients write `15.0`.
fn read_attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        None => Ok(Retries::default().attempts),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // in range, and whole
        Some(count) if count.fract() == 0.0 && (0.0..=f64::from(MOST_ATTEMPTS)).contains(&count) => {
            Ok(count as u32)
        }
        Some(_) => Ok(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> WebhookConfig {
        serde_json::from_value(value).expect("a webhook")
    }

    #[test]
    fn wahas_own_example_is_read_and_comes_back_the_same() {
        let example = json!({
            "url": "https://webhook.site/11111111-1111-1111-1111-11111111",
            "events": ["message", "session.status"],
            "hmac": { "key": "your-secret-key" },
            "retries": { "policy": "constant", "delaySeconds": 2, "attempts": 15 },
            "customHeaders": [{ "name": "X-My-Custom-Header", "value": "Value" }],
        });
        let webhook = read(example.clone());
        assert_eq!(webhook.validate(), Ok(()));
        assert_eq!(serde_json::to_value(&webhook).expect("plain data"), example);
        let shown = format!("{webhook:?}");
        for secret in ["your-secret-key", "\"Value\"", "11111111"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn what_typed_clients_leave_null_is_as_if_it_were_absent() {
        let null = json!({
            "url": "http://x/", "events": ["*"], "hmac": null, "customHeaders": null,
            "retries": { "policy": null, "delaySeconds": 0.5, "attempts": 3.0 },
        });
        let webhook = read(null);
        let retries = webhook.retries.expect("given");
        assert_eq!((retries.delay_seconds, retries.attempts), (Duration::from_millis(500), 3));
        assert!(webhook.hmac_key().is_none() && webhook.headers().is_empty());
        assert!(webhook.wants("message.any"));
        assert!(
            read(json!({ "url": "http://x/", "events": [], "hmac": { "key": "" } })).hmac_key().is_none()
        );
    }

    #[test]
    fn a_name_that_is_never_published_is_refused_with_those_that_are() {
        let error = |name: &str| read(json!({ "url": "http://x/", "events": [name] })).validate().err();
        for name in ["*"].iter().chain(EVENT_NAMES) {
            assert_eq!(error(name), None, "{name}");
            let listed = UNKNOWN_EVENT.split(&[' ', ',', '"'][..]).any(|word| word == *name);
            assert!(listed, "{name} is not among those that are named");
        }
        for name in ["engine.event", "state.change", "label", "chat.label", "group.join", "Message", ""] {
            assert_eq!(error(name).expect(name).field, "events");
        }
    }

    #[test]
    fn snake_case_serves_the_configuration_file() {
        let text = "url = 'http://x/'\nevents = ['message']\nretries = { delay_seconds = 1, attempts = 2 }\n\
                    custom_headers = [{ name = 'a', value = 'b' }]";
        let webhook: WebhookConfig = toml::from_str(text).expect("a webhook");
        assert_eq!(webhook.retries.expect("given").attempts, 2);
        assert_eq!(webhook.headers().len(), 1);
    }

    #[test]
    fn every_error_names_its_field_and_no_secret() {
        let good = || read(json!({ "url": "http://x/", "events": ["message"], "retries": {} }));
        let header = |name: &str, value: &str| {
            Some(vec![CustomHeader { name: name.into(), value: Secret::new(value) }])
        };
        type Change = Box<dyn Fn(&mut WebhookConfig)>;
        let cases: [(&str, Change); 9] = [
            ("url", Box::new(|w| w.url = "ftp://x".into())),
            ("url", Box::new(|w| w.url = "http://me:hunter2@x/".into())),
            ("events", Box::new(|w| w.events.clear())),
            ("events", Box::new(|w| w.events.push("message.everything".into()))),
            ("customHeaders", Box::new(move |w| w.custom_headers = header("a b", "hunter2"))),
            ("customHeaders", Box::new(move |w| w.custom_headers = header("Host", "hunter2"))),
            ("customHeaders", Box::new(move |w| w.custom_headers = header("a", "hunter2\r\n"))),
            (
                "retries.delaySeconds",
                Box::new(|w| w.retries = serde_json::from_value(json!({ "delaySeconds": -1 })).ok()),
            ),
            (
                "retries.attempts",
                Box::new(|w| w.retries = serde_json::from_value(json!({ "attempts": 0.5 })).ok()),
            ),
        ];
        assert_eq!(good().validate(), Ok(()));
        for (field, change) in cases {
            let mut webhook = good();
            change(&mut webhook);
            let error = webhook.validate().expect_err(field);
            assert_eq!(error.field, field);
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn numbers_of_any_kind_are_read_or_refused_by_name(delay: f64, attempts: f64) {
            let webhook = read(json!({
                "url": "http://x/", "events": ["*"],
                "retries": { "delaySeconds": delay, "attempts": attempts },
            }));
            if let Err(error) = webhook.validate() {
                prop_assert!(error.field.starts_with("retries."));
            }
        }
    }
}
