//! What a configuration must keep to: [`ServiceConfig::validate`]. Owns the rules that types cannot say. Pure.

use super::callers::{is_base_path, is_origin};
use super::url::is_http_url;
use super::{InvalidConfig, ServiceConfig, WorkerUids};
use crate::Secret;

impl ServiceConfig {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first key that is wrong, and why.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        if !self.listen.ip().is_loopback() && self.api_keys.is_empty() && self.trusted_networks.is_empty() {
            return Err(InvalidConfig::Unprotected(self.listen));
        }
        for (key, url) in [("page_url", &self.page_url), ("webhook_url", &self.webhook_url)] {
            if !is_http_url(url) {
                return Err(InvalidConfig::Url { key });
            }
        }
        if self.public_url.as_deref().is_some_and(|url| !is_http_url(url) || url.contains(['?', '#'])) {
            return Err(InvalidConfig::Url { key: "public_url" });
        }
        let key_ok = |key: &Secret| {
            let key = key.expose();
            key.len() >= 16 && key.bytes().all(|b| b.is_ascii_graphic())
        };
        let language_ok =
            |tag: &String| (1..=35).contains(&tag.len()) && tag.bytes().all(|b| is_word(b) && b != b'_');
        let texts = [
            (
                "client_prefix",
                (1..=32).contains(&self.client_prefix.len()) && self.client_prefix.bytes().all(is_word),
                "must be 1 to 32 letters, digits, '_' or '-'",
            ),
            (
                "languages",
                !self.languages.is_empty() && self.languages.iter().all(language_ok),
                "must be a list of language tags such as \"pt-BR\"",
            ),
            (
                "api_keys",
                self.api_keys.iter().all(key_ok),
                "each must have at least 16 visible ASCII characters and no space",
            ),
            (
                "base_path",
                is_base_path(&self.base_path),
                "must be empty or a path such as \"/colmeia\", without a slash at its end",
            ),
            (
                "cors_origins",
                self.cors_origins.iter().all(|origin| is_origin(origin)),
                "must be a list of origins such as \"https://app.example.com\", without a path; \"*\" is none",
            ),
            (
                "worker_uids",
                !matches!(self.worker_uids, WorkerUids::Range(range) if range.count() < self.max_users as u64),
                "must have at least as many ids as max_users",
            ),
        ];
        for (key, fine, rule) in texts {
            if !fine {
                return Err(InvalidConfig::Text { key, rule });
            }
        }
        self.validate_numbers()
    }

    fn validate_numbers(&self) -> Result<(), InvalidConfig> {
        let (restart, deadlines) = (&self.restart, &self.deadlines);
        let at_least = [
            ("max_users", self.max_users as u64, 1),
            ("max_starting", self.max_starting as u64, 1),
            ("unlinked_idle_secs", self.unlinked_idle_secs, 10),
            ("request_deadline_ms", self.request_deadline_ms, 500),
            ("send_burst", self.send_burst.into(), 1),
            ("conversion.at_once", self.conversion.at_once as u64, 1),
            ("conversion.timeout_secs", self.conversion.timeout_secs, 1),
            ("conversion.memory_mb", self.conversion.memory_mb, 256),
            ("disconnect_deadline_ms", self.disconnect_deadline_ms, 500),
            ("ping_interval_ms", self.ping_interval_ms, 50),
            ("ping_timeout_ms", self.ping_timeout_ms, 50),
            ("hello_deadline_ms", self.hello_deadline_ms, 100),
            ("stop_deadline_ms", self.stop_deadline_ms, 100),
            ("restart.base_ms", restart.base_ms, 1),
            ("restart.stable_secs", restart.stable_secs, 1),
            ("restart.burst", restart.burst.into(), 1),
            ("restart.burst_window_secs", restart.burst_window_secs, 1),
            ("page.worker_idle_ms", self.page.worker_idle_ms, 1),
            ("deadlines.launch_ms", deadlines.launch_ms, 1),
            ("deadlines.load_ms", deadlines.load_ms, 1),
            ("deadlines.qr_ms", deadlines.qr_ms, 1),
            ("deadlines.pair_ms", deadlines.pair_ms, 1),
            ("deadlines.passkey_ms", deadlines.passkey_ms, 1),
            ("deadlines.sync_ms", deadlines.sync_ms, 1),
            ("deadlines.reconnect_ms", deadlines.reconnect_ms, 1),
            ("deadlines.logout_ms", deadlines.logout_ms, 1),
            ("deadlines.probe_interval_ms", deadlines.probe_interval_ms, 50),
            ("deadlines.calm_probe_interval_ms", deadlines.calm_probe_interval_ms, 50),
            ("deadlines.probe_timeout_ms", deadlines.probe_timeout_ms, 50),
            ("deadlines.hang_ms", deadlines.hang_ms, 1),
            ("deadlines.close_ms", deadlines.close_ms, 1),
            ("deadlines.orphan_ms", deadlines.orphan_ms, 1),
        ];
        for (key, value, least) in at_least {
            if value < least {
                return Err(InvalidConfig::TooSmall { key, least });
            }
        }
        for (key, value, other, least) in [
            ("restart.cap_ms", restart.cap_ms, "restart.base_ms", restart.base_ms),
            ("stop_deadline_ms", self.stop_deadline_ms, "deadlines.close_ms", deadlines.close_ms),
        ] {
            if value < least {
                return Err(InvalidConfig::LessThan { key, other });
            }
        }
        self.memory.validate()?;
        self.events.validate()?;
        self.flask.validate()?;
        for (index, webhook) in self.webhooks.iter().enumerate() {
            webhook.validate().map_err(|wrong| InvalidConfig::Webhook { index, wrong })?;
        }
        for user in self.users.keys() {
            self.memory_of(user)
                .validate()
                .map_err(|wrong| InvalidConfig::OfUser { user: user.clone(), wrong: Box::new(wrong) })?;
        }
        Ok(())
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use proptest::prelude::*;

    fn with(change: impl FnOnce(&mut ServiceConfig)) -> Result<(), InvalidConfig> {
        let mut config = ServiceConfig::default();
        change(&mut config);
        config.validate()
    }

    #[test]
    fn beyond_loopback_someone_must_be_named() {
        let open: SocketAddr = "0.0.0.0:5001".parse().expect("address");
        let error = with(|c| c.listen = open).expect_err("unprotected").to_string();
        assert!(error.contains("api_keys") && error.contains("trusted_networks"), "{error}");
        let network = "10.0.0.0/24".parse().expect("network");
        let key = Secret::new("0123456789abcdef");
        assert_eq!(with(|c| (c.listen, c.trusted_networks) = (open, vec![network])), Ok(()));
        assert_eq!(with(|c| (c.listen, c.api_keys) = (open, vec![key])), Ok(()));
        assert_eq!(with(|c| c.listen = "[::1]:5001".parse().expect("address")), Ok(()));
    }

    #[test]
    fn every_error_names_its_key() {
        type Change = fn(&mut ServiceConfig);
        let cases: [(&str, Change); 17] = [
            ("page_url", |c| c.page_url = "web.whatsapp.com".into()),
            ("page_url", |c| c.page_url = "file:///etc/passwd".into()),
            ("webhook_url", |c| c.webhook_url = "http://".into()),
            ("webhook_url", |c| c.webhook_url = "http://me:secret@localhost/".into()),
            ("client_prefix", |c| c.client_prefix = "../x".into()),
            ("client_prefix", |c| c.client_prefix = "x".repeat(33)),
            ("languages", |c| c.languages.clear()),
            ("languages", |c| c.languages = vec!["pt BR,\n".into()]),
            ("api_keys", |c| c.api_keys = vec![Secret::new("short")]),
            ("base_path", |c| c.base_path = "/colmeia/".into()),
            ("cors_origins", |c| c.cors_origins = vec!["*".into()]),
            ("max_users", |c| c.max_users = 0),
            ("worker_uids", |c| c.worker_uids = "2000-2098".parse().expect("a range")),
            ("restart.cap_ms", |c| c.restart.cap_ms = 0),
            ("stop_deadline_ms", |c| c.stop_deadline_ms = 200),
            ("flask.timeout_seconds", |c| c.flask.timeout_seconds = 0),
            ("flask.timeout_seconds", |c| c.flask.timeout_seconds = 601),
        ];
        for (key, change) in cases {
            let error = with(change).expect_err(key).to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn validation_never_panics(page in "\\PC{0,40}", prefix in "\\PC{0,40}", users: usize, ms: u64) {
            let _ = with(|c| {
                c.page_url = page;
                c.client_prefix = prefix;
                c.max_users = users;
                c.stop_deadline_ms = ms;
            });
        }
    }
}
