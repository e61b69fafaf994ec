//! [`Recipients`]: who is told of which events, from the configuration and from each session's own.
//!
//! Owns how the two are put together: an address that both name is one recipient, the session's own settings count,
//! and it gets what either wants. Never sends anything.

use std::sync::Arc;

use colmeia::UserId;
use colmeia::address::Shown;
use colmeia::admin::FLASK_RECEIVER;
use colmeia::config::{IgnoreConfig, WebhookConfig};
use serde_json::Value;

use crate::journal::{Addressees, Kind};

/// What is configured of single sessions. Asked at every event, so it must not wait.
pub trait Sessions: std::fmt::Debug + Send + Sync {
    /// The session's own webhooks.
    fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig>;
    /// What the session's owner wants to find in every event.
    fn metadata(&self, user: &UserId) -> Option<Value>;
    /// Of which chats the session's owner wants nothing to be told; of none unless said otherwise.
    fn ignored(&self, _: &UserId) -> IgnoreConfig {
        IgnoreConfig::default()
    }
}

/// Nothing is.
impl Sessions for () {
    fn webhooks(&self, _: &UserId) -> Vec<WebhookConfig> {
        Vec::new()
    }

    fn metadata(&self, _: &UserId) -> Option<Value> {
        None
    }
}

/// Everyone who is told; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recipients {
    global: Arc<[WebhookConfig]>,
    ignore: IgnoreConfig,
    sessions: Arc<dyn Sessions>,
}

impl Recipients {
    /// Those of the configuration and those of the sessions.
    pub fn new(global: &[WebhookConfig], sessions: Arc<dyn Sessions>) -> Self {
        Self { global: global.into(), ignore: IgnoreConfig::default(), sessions }
    }

    /// The same, who are told nothing of these chats unless a session says otherwise.
    pub fn ignoring(self, ignore: IgnoreConfig) -> Self {
        Self { ignore, ..self }
    }

    /// How this address wants to be told of this session's events; `None` when it is not to be told any more.
    pub(super) fn find(&self, user: &UserId, address: &str) -> Option<WebhookConfig> {
        let own = self.sessions.webhooks(user);
        own.iter().chain(self.global.iter()).find(|webhook| same(&webhook.url) == address).cloned()
    }
}

impl Addressees for Recipients {
    fn of(&self, user: &UserId, kind: Kind) -> Vec<Arc<str>> {
        let own = self.sessions.webhooks(user);
        let mut addresses: Vec<Arc<str>> = Vec::new();
        for webhook in own.iter().chain(self.global.iter()).filter(|webhook| webhook.wants(kind.name())) {
            let address = same(&webhook.url);
            if !addresses.iter().any(|known| **known == *address) {
                addresses.push(address.into());
            }
        }
        addresses
    }

    fn metadata(&self, user: &UserId) -> Option<Value> {
        self.sessions.metadata(user)
    }

    fn ignored(&self, user: &UserId) -> IgnoreConfig {
        self.sessions.ignored(user).over(self.ignore)
    }
}

/// The form in which two spellings of an address are the same.
fn same(url: &str) -> String {
    reqwest::Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

/// Enough of an address to know whose it is. The rest of it may be a token.
pub fn shown(address: &str) -> String {
    Shown(address).origin().unwrap_or_else(|| FLASK_RECEIVER.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::user;
    use colmeia::config::Retries;

    #[derive(Debug)]
    struct Own(Vec<WebhookConfig>);

    impl Sessions for Own {
        fn webhooks(&self, user: &UserId) -> Vec<WebhookConfig> {
            if user.as_str() == "1" { self.0.clone() } else { Vec::new() }
        }

        fn metadata(&self, _: &UserId) -> Option<Value> {
            None
        }

        fn ignored(&self, user: &UserId) -> IgnoreConfig {
            let groups = (user.as_str() == "1").then_some(false);
            IgnoreConfig { groups, ..IgnoreConfig::default() }
        }
    }

    #[test]
    fn a_session_hears_of_what_is_ignored_everywhere_else() {
        let everywhere = IgnoreConfig { groups: Some(true), ..IgnoreConfig::default() };
        let recipients = Recipients::new(&[], Arc::new(Own(Vec::new()))).ignoring(everywhere);
        assert_eq!(recipients.ignored(&user("1")).groups, Some(false));
        assert_eq!(recipients.ignored(&user("2")).groups, Some(true));
    }

    fn webhook(url: &str, events: &[&str]) -> WebhookConfig {
        let events = events.iter().map(|name| (*name).to_owned()).collect();
        WebhookConfig {
            url: url.into(),
            events,
            hmac: None,
            retries: None,
            custom_headers: None,
            inline_max_bytes: None,
        }
    }

    #[test]
    fn an_address_that_is_named_twice_is_told_once() {
        let retries = Some(Retries { attempts: 3, ..Retries::default() });
        let own = WebhookConfig { retries, ..webhook("http://Same.example", &["message.any"]) };
        let global =
            [webhook("http://same.example/", &["*"]), webhook("http://other.example/", &["message"])];
        let recipients = Recipients::new(&global, Arc::new(Own(vec![own])));
        let told = |id: &str, kind| {
            let all = recipients.of(&user(id), kind);
            all.iter().map(|address| address.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(told("1", Kind::MessageAny), ["http://same.example/"]);
        assert_eq!(told("1", Kind::Message), ["http://same.example/", "http://other.example/"]);
        assert_eq!(told("2", Kind::SessionStatus), ["http://same.example/"]);
        let found = recipients.find(&user("1"), "http://same.example/").expect("known");
        assert_eq!(found.retries.expect("the session's own").attempts, 3);
        assert!(recipients.find(&user("2"), "http://same.example/").expect("known").retries.is_none());
        assert!(recipients.find(&user("1"), "http://gone.example/").is_none());
    }

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        assert_eq!(shown("https://hooks.example:8443/T000/token?key=1"), "https://hooks.example:8443");
        assert_eq!(shown(crate::journal::FLASK), "Flask");
    }
}
