//! [`SessionSettings`]: what is configured for one session through the API, as WAHA's `config` object has it.
//!
//! Owns the names and the rules. Where it is kept is the supervisor's `store`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{IgnoreConfig, PageOverrides, SessionLimits, WebhookConfig};
use crate::Secret;
use crate::text::is_unseen;

/// The most webhooks of one session: each of its events is written and sent once for every one of them.
const MOST_WEBHOOKS: usize = 20;
/// The most bytes of a session's configuration as JSON: what stands in it goes along with each of its events.
const LARGEST: usize = 64 * 1024;
/// The most characters of what people call a session, and of a tag.
const LONGEST_LABEL: usize = 100;
const LONGEST_TAG: usize = 32;
/// The most tags of one session.
const MOST_TAGS: usize = 10;

/// The configuration of one session. Everything is optional; a new session has [`SessionSettings::default`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SessionSettings {
    /// What people call the session, beside its name; shown in lists and told to nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What people find sessions by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who is told of this session's events, beside the service's own receiver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookConfig>,
    /// What the caller wants to find again in the session and in its events.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Through which proxy this session's browser, and no other, goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Whether this session's worker logs more.
    #[serde(skip_serializing_if = "is_false")]
    pub debug: bool,
    /// Of which chats nothing is told, over what the service's configuration says.
    #[serde(skip_serializing_if = "IgnoreConfig::is_default", deserialize_with = "or_default")]
    pub ignore: IgnoreConfig,
    /// How much of the page runs in this session's browser, over what the service's configuration says.
    #[serde(skip_serializing_if = "PageOverrides::is_default", deserialize_with = "or_default")]
    pub page: PageOverrides,
    /// What the session may take, over what the service's configuration says.
    #[serde(skip_serializing_if = "SessionLimits::is_default", deserialize_with = "or_default")]
    pub limits: SessionLimits,
    /// How WAHA's other engines show themselves on the phone. It means nothing here; it is kept and given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Value>,
    /// What one of WAHA's engines is told; kept and given back as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noweb: Option<Value>,
    /// See [`Self::noweb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gows: Option<Value>,
    /// See [`Self::noweb`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webjs: Option<Value>,
}

/// A proxy of one browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// `host:port`, or with a scheme: `http://`, `https://` or `socks5://`.
    pub server: String,
    /// Whom the proxy knows us as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// Why a session's configuration cannot be used. Each names its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct InvalidSettings {
    /// The field, such as `config.webhooks[0].url`.
    pub field: String,
    /// What is allowed.
    pub rule: Cow<'static, str>,
}

impl InvalidSettings {
    pub(super) fn new(field: impl Into<String>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }
}

impl SessionSettings {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first field that is wrong, and why.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        if self.webhooks.len() > MOST_WEBHOOKS {
            return Err(InvalidSettings::new("config.webhooks", "must be 20 at most"));
        }
        if serde_json::to_vec(self).is_ok_and(|text| text.len() > LARGEST) {
            return Err(InvalidSettings::new("config", "must be 64 KiB at most as JSON"));
        }
        self.validate_names()?;
        self.limits.validate()?;
        for (index, webhook) in self.webhooks.iter().enumerate() {
            let named = |field| format!("config.webhooks[{index}].{field}");
            webhook.validate().map_err(|wrong| InvalidSettings::new(named(wrong.field), wrong.rule))?;
        }
        let Some(proxy) = &self.proxy else { return Ok(()) };
        if proxy.address().is_none() {
            let rule = "must be host:port, or http://, https:// or socks5:// before it; user name and password have fields of their own";
            return Err(InvalidSettings::new("config.proxy.server", rule));
        }
        match (&proxy.username, &proxy.password) {
            (None, Some(_)) => {
                Err(InvalidSettings::new("config.proxy.username", "must be given with a password"))
            }
            (Some(_), _) if proxy.server.starts_with("socks5://") => {
                let rule = "cannot be used with socks5: the browser does not sign in there";
                Err(InvalidSettings::new("config.proxy.username", rule))
            }
            _ => Ok(()),
        }
    }
}

impl SessionSettings {
    fn validate_names(&self) -> Result<(), InvalidSettings> {
        let fits = |text: &str, most: usize| {
            (1..=most).contains(&text.chars().count()) && text.trim() == text && !text.contains(is_unseen)
        };
        if self.label.as_ref().is_some_and(|label| !fits(label, LONGEST_LABEL)) {
            let rule = "must have 1 to 100 characters that can be seen, and no space at its ends";
            return Err(InvalidSettings::new("config.label", rule));
        }
        if self.tags.len() > MOST_TAGS {
            return Err(InvalidSettings::new("config.tags", "must be 10 at most"));
        }
        let wrong = |tag: &String| !fits(tag, LONGEST_TAG) || tag.contains(',');
        if let Some(index) = self.tags.iter().position(wrong) {
            let rule = "must have 1 to 32 characters that can be seen, no comma and no space at its ends";
            return Err(InvalidSettings::new(format!("config.tags[{index}]"), rule));
        }
        Ok(())
    }

    /// Takes out what only those may see who may change it: passwords, signature keys and headers' values.
    pub fn hide_secrets(&mut self) {
        if let Some(proxy) = &mut self.proxy {
            proxy.password = None;
        }
        for webhook in &mut self.webhooks {
            webhook.hmac = None;
            webhook.custom_headers = None;
        }
    }
}

impl Proxy {
    /// The proxy's host and port; `None` when the text names none.
    #[must_use]
    pub fn address(&self) -> Option<(&str, u16)> {
        let schemes = ["http://", "https://", "socks5://"];
        let rest = schemes.iter().find_map(|scheme| self.server.strip_prefix(scheme));
        let rest = rest.unwrap_or(&self.server);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_';
        let good = match bracketed {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(fine),
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        good.then_some((bracketed.unwrap_or(host), port))
    }
}

/// `null` is the same as nothing: typed clients write it for what is not set.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_and_tags_can_be_read_by_everyone() {
        let of = |label: Option<&str>, tags: &[&str]| SessionSettings {
            label: label.map(Into::into),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Default::default()
        };
        assert_eq!(of(Some("Loja da Ana 😀"), &["vendas", "São Paulo"]).validate(), Ok(()));
        let long = "á".repeat(101);
        for (wrong, field) in [
            (of(Some(""), &[]), "config.label"),
            (of(Some(" x"), &[]), "config.label"),
            (of(Some("gpj.\u{202e}exe"), &[]), "config.label"),
            (of(Some(&long), &[]), "config.label"),
            (of(None, &["a", "b,c"]), "config.tags[1]"),
            (of(None, &[""]), "config.tags[0]"),
            (of(None, &["x"; 11]), "config.tags"),
        ] {
            assert_eq!(wrong.validate().expect_err("refused").field, field);
        }
        let text = serde_json::to_string(&of(None, &[])).expect("JSON");
        assert_eq!(text, "{}", "a release before this one reads what has neither");
    }

    fn proxy(server: &str) -> Proxy {
        Proxy { server: server.into(), username: None, password: None }
    }

    #[test]
    fn a_session_has_twenty_webhooks_at_most() {
        let webhook = serde_json::json!({ "url": "http://x/", "events": ["message"] });
        let with = |count| {
            let settings = serde_json::json!({ "webhooks": vec![webhook.clone(); count] });
            serde_json::from_value::<SessionSettings>(settings).expect("settings").validate()
        };
        assert_eq!(with(20), Ok(()));
        assert_eq!(with(21).expect_err("one too many").to_string(), "config.webhooks must be 20 at most");
    }

    #[test]
    fn what_goes_along_with_each_event_is_bounded() {
        let with = |size: usize| {
            let settings = serde_json::json!({ "metadata": { "a": "x".repeat(size) } });
            serde_json::from_value::<SessionSettings>(settings).expect("settings").validate()
        };
        assert_eq!(with(60_000), Ok(()));
        let error = with(66_000).expect_err("too large").to_string();
        assert_eq!(error, "config must be 64 KiB at most as JSON");
    }

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for (server, address) in [
            ("localhost:3128", Some(("localhost", 3128))),
            ("http://proxy.example:8080", Some(("proxy.example", 8080))),
            ("socks5://10.0.0.1:1080/", Some(("10.0.0.1", 1080))),
            ("[::1]:3128", Some(("::1", 3128))),
            ("proxy.example", None),
            ("ftp://proxy.example:21", None),
            ("http://me:secret@proxy.example:80", None),
            ("a b:80", None),
            (":80", None),
            ("host:0", None),
            ("host:99999", None),
            ("x --no-sandbox:1", None),
        ] {
            assert_eq!(proxy(server).address(), address, "{server}");
        }
    }

    #[test]
    fn what_is_wahas_own_comes_back_and_what_nobody_knows_is_refused() {
        let config = serde_json::json!({
            "client": {"browserName": "Firefox", "deviceName": "MacOS"},
            "noweb": {"store": {"enabled": true, "fullSync": false}, "markOnline": null},
            "gows": {"storage": {"messages": true}},
            "webjs": {"tagsEventsOn": true},
        });
        let read: SessionSettings = serde_json::from_value(config.clone()).expect("known");
        assert_eq!(serde_json::to_value(&read).expect("plain data"), config);
        for typo in ["{\"webhook\":[]}", "{\"proxy\":{\"server\":\"a:1\",\"user\":\"me\"}}"] {
            assert!(serde_json::from_str::<SessionSettings>(typo).is_err(), "{typo}");
        }
    }

    #[test]
    fn what_is_wrong_names_its_field_and_no_secret() {
        let with = |proxy| SessionSettings { proxy: Some(proxy), ..SessionSettings::default() };
        let error = with(proxy("nowhere")).validate().expect_err("no port");
        assert_eq!(error.field, "config.proxy.server");
        let half = Proxy { password: Some(Secret::new("hidden")), ..proxy("a:1") };
        assert_eq!(with(half.clone()).validate().expect_err("no name").field, "config.proxy.username");
        assert!(!format!("{half:?}").contains("hidden"));
        let socks = Proxy { username: Some("me".into()), ..proxy("socks5://a:1") };
        assert_eq!(with(socks).validate().expect_err("no sign-in").field, "config.proxy.username");
        assert_eq!(with(Proxy { username: Some("me".into()), ..proxy("a:1") }).validate(), Ok(()));
    }
}
