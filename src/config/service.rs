//! [`ServiceConfig`]: everything that an operator can set, with its default and the reason for it.
//!
//! Owns the keys and their rules ([`ServiceConfig::validate`]). It never reads a file, the environment or the
//! disk: where values come from is the supervisor's `settings`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Deadlines, EventsConfig, InvalidWebhook, Landlock, MemoryPolicy, UserConfig, WebhookConfig};
use crate::{Secret, UserId};

/// The configuration of the service. Every key may stand in the TOML file, in the environment as
/// `COLMEIA_<KEY>`, and the most used ones are flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Where HTTP is served. Default `127.0.0.1:5001`: Flask's port, and nobody else's machine.
    pub listen: SocketAddr,
    /// Where auth directories and the journal lie. Default `.`: the server that Colmeia replaces kept its
    /// auth directories in its working directory.
    pub state_dir: PathBuf,
    /// Where sockets and locks lie. Default: `$RUNTIME_DIRECTORY` (systemd's), else `/run/colmeia` if it can be
    /// written, else `$XDG_RUNTIME_DIR/colmeia`, else `/tmp/colmeia-<uid>`. Made with mode 0700.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_dir: Option<PathBuf>,
    /// The page that is opened. Default `https://web.whatsapp.com/`.
    pub page_url: String,
    /// The browser's program. Default Debian's headless shell: half the memory of the full browser.
    pub browser: PathBuf,
    /// The file of wa-js, which stands in for page members that the bridge misses. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_js: Option<PathBuf>,
    /// The worker's program. Default: `colmeia-worker` beside the supervisor's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<PathBuf>,
    /// The most workers at once. Default 100: more than one machine of 32 GB carries, so a safety net and
    /// not a plan.
    pub max_users: usize,
    /// The most workers that start at once. Default 2: a starting browser takes a whole core.
    pub max_starting: usize,
    /// The first part of whatsapp-web.js's `clientId`. Default `ylada_bot`, so that directories of the server
    /// that Colmeia replaces are found.
    pub client_prefix: String,
    /// What the browser asks pages for, the preferred first. Default Brazilian Portuguese, then Portuguese and
    /// English.
    pub languages: Vec<String>,
    /// Who is told of incoming messages. Default `http://localhost:5002/webhook`, as Flask listens.
    pub webhook_url: String,
    /// Networks whose callers need no key, such as `10.0.0.0/24`. Default none. The unmodified Flask sends no
    /// key, so beyond loopback its network is named here.
    pub trusted_networks: Vec<IpNet>,
    /// Keys that callers may show, each at least 16 characters. Default none.
    pub api_keys: Vec<Secret>,
    /// Whether each worker and its browser are shut in by the kernel's Landlock, so that they reach no other
    /// user's files, processes or ports. Default `auto`: as far as the kernel can. `off` is for looking for the
    /// cause of trouble; each worker's start then logs a warning.
    pub landlock: Landlock,
    /// How log lines look. Default: for people on a terminal, JSON elsewhere.
    pub log_format: LogFormat,
    /// After how many seconds a worker is stopped that shows a code which nobody asks for. Default 600: a page
    /// asks every few seconds, so the person has left long ago.
    pub unlinked_idle_secs: u64,
    /// How long a call may take, in milliseconds. Default 14,000: Flask waits 15 s for `/send`.
    pub request_deadline_ms: u64,
    /// How many messages a session may send in a minute through `/api`, in the long run; 0 means no limit. Default
    /// 30: one every two seconds is faster than any person writes, and slower than what gets numbers banned.
    pub sends_per_minute: u32,
    /// How many of them may go out at once. Default 20: an answer of several parts, or a small group of people.
    pub send_burst: u32,
    /// Networks from which media may be fetched although they are private or this machine's own, such as
    /// `10.0.0.0/24`. Default none: whoever may send could otherwise read what only this machine reaches.
    pub media_networks: Vec<IpNet>,
    /// How long a disconnect may take, in milliseconds. Default 4,500: Flask waits 5 s.
    pub disconnect_deadline_ms: u64,
    /// How often a worker is asked whether it is there, in milliseconds. Default 2,000.
    pub ping_interval_ms: u64,
    /// How long it may take to answer before its session counts as not ready, in milliseconds. Default 3,000.
    pub ping_timeout_ms: u64,
    /// How long a new worker may take to say Hello, in milliseconds. Default 10,000: seen 0.02 s alone, and
    /// one machine may start many at boot.
    pub hello_deadline_ms: u64,
    /// How long a worker may take to stop before it is killed, in milliseconds. Default 15,000: the browser's
    /// own close deadline (8 s) and room to write the profile.
    pub stop_deadline_ms: u64,
    /// What happens after a worker's failure.
    pub restart: RestartPolicy,
    /// The workers' deadlines.
    pub deadlines: Deadlines,
    /// What each user's processes may take.
    pub memory: MemoryPolicy,
    /// What is kept of events, and for how long.
    pub events: EventsConfig,
    /// Who else is told of events, of every session's: `[[webhooks]]`. Default nobody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<WebhookConfig>,
    /// What is set for single users, as `[users.<uid>.memory]`. Default nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<UserId, UserConfig>,
}

/// How a worker that failed is started again: full jitter below an exponential ceiling, and a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestartPolicy {
    /// The ceiling of the first delay, in milliseconds. Default 500: one crash is repaired at once.
    pub base_ms: u64,
    /// The ceiling of every delay, in milliseconds. Default 60,000.
    pub cap_ms: u64,
    /// After how many seconds of uptime earlier failures are forgotten. Default 60.
    pub stable_secs: u64,
    /// How many failures within the window park the user. Default 5.
    pub burst: u32,
    /// The window, in seconds. Default 30.
    pub burst_window_secs: u64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// `human` on a terminal, `json` elsewhere.
    Auto,
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Why a configuration cannot be used. Each names its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Everyone who reaches the port could use every session.
    #[error(
        "listen: {0} can be reached from other machines, and nothing says who may call: set api_keys (callers then send one of them), or trusted_networks (callers from there need none, as the unmodified Flask), or listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// No usable address.
    #[error("{key}: must be a http:// or https:// address without user name and password")]
    Url {
        /// The key.
        key: &'static str,
    },
    /// Zero where at least one is needed.
    #[error("{key}: must be at least {least}")]
    TooSmall {
        /// The key.
        key: &'static str,
        /// The least that is allowed.
        least: u64,
    },
    /// More than can be meant.
    #[error("{key}: must be at most {most}")]
    TooLarge {
        /// The key.
        key: &'static str,
        /// The most that is allowed.
        most: u64,
    },
    /// What is set for one user is wrong together with what is set for all.
    #[error("users.{user}.{wrong}")]
    OfUser {
        /// Whose it is.
        user: UserId,
        /// The key and why.
        wrong: Box<InvalidConfig>,
    },
    /// A receiver of events.
    #[error("webhooks[{index}].{wrong}")]
    Webhook {
        /// Which of them, from 0.
        index: usize,
        /// The field and why.
        wrong: InvalidWebhook,
    },
    /// One key contradicts another.
    #[error("{key}: must not be less than {other}")]
    LessThan {
        /// The key.
        key: &'static str,
        /// The other key.
        other: &'static str,
    },
    /// A text outside its alphabet.
    #[error("{key}: {rule}")]
    Text {
        /// The key.
        key: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5001)),
            state_dir: PathBuf::from("."),
            runtime_dir: None,
            page_url: "https://web.whatsapp.com/".into(),
            browser: PathBuf::from("/usr/lib/chromium/chromium-headless-shell"),
            wa_js: None,
            worker: None,
            max_users: 100,
            max_starting: 2,
            client_prefix: "ylada_bot".into(),
            languages: ["pt-BR", "pt", "en"].map(String::from).into(),
            webhook_url: "http://localhost:5002/webhook".into(),
            trusted_networks: Vec::new(),
            api_keys: Vec::new(),
            landlock: Landlock::Auto,
            log_format: LogFormat::Auto,
            unlinked_idle_secs: 600,
            request_deadline_ms: 14_000,
            sends_per_minute: 30,
            send_burst: 20,
            media_networks: Vec::new(),
            disconnect_deadline_ms: 4_500,
            ping_interval_ms: 2_000,
            ping_timeout_ms: 3_000,
            hello_deadline_ms: 10_000,
            stop_deadline_ms: 15_000,
            restart: RestartPolicy::default(),
            deadlines: Deadlines::default(),
            memory: MemoryPolicy::default(),
            events: EventsConfig::default(),
            webhooks: Vec::new(),
            users: BTreeMap::new(),
        }
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self { base_ms: 500, cap_ms: 60_000, stable_secs: 60, burst: 5, burst_window_secs: 30 }
    }
}

impl ServiceConfig {
    /// What the processes of this user may take.
    #[must_use]
    pub fn memory_of(&self, user: &UserId) -> MemoryPolicy {
        self.memory.overridden(self.users.get(user).copied().unwrap_or_default().memory)
    }

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
            ("disconnect_deadline_ms", self.disconnect_deadline_ms, 500),
            ("ping_interval_ms", self.ping_interval_ms, 50),
            ("ping_timeout_ms", self.ping_timeout_ms, 50),
            ("hello_deadline_ms", self.hello_deadline_ms, 100),
            ("stop_deadline_ms", self.stop_deadline_ms, 100),
            ("restart.base_ms", restart.base_ms, 1),
            ("restart.stable_secs", restart.stable_secs, 1),
            ("restart.burst", restart.burst.into(), 1),
            ("restart.burst_window_secs", restart.burst_window_secs, 1),
            ("deadlines.launch_ms", deadlines.launch_ms, 1),
            ("deadlines.load_ms", deadlines.load_ms, 1),
            ("deadlines.qr_ms", deadlines.qr_ms, 1),
            ("deadlines.pair_ms", deadlines.pair_ms, 1),
            ("deadlines.sync_ms", deadlines.sync_ms, 1),
            ("deadlines.reconnect_ms", deadlines.reconnect_ms, 1),
            ("deadlines.logout_ms", deadlines.logout_ms, 1),
            ("deadlines.probe_interval_ms", deadlines.probe_interval_ms, 50),
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

/// Whether this is an address that a browser or an HTTP client can open. What they make of the rest is theirs;
/// this only catches what cannot work, and credentials, which would show in logs.
pub(super) fn is_http_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty()
        && !host.starts_with(':')
        && !host.contains('@')
        && url.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(change: impl FnOnce(&mut ServiceConfig)) -> Result<(), InvalidConfig> {
        let mut config = ServiceConfig::default();
        change(&mut config);
        config.validate()
    }

    #[test]
    fn the_defaults_are_valid_and_an_empty_file_means_them() {
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(toml::from_str::<ServiceConfig>("").expect("empty"), ServiceConfig::default());
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
        let cases: [(&str, Change); 12] = [
            ("page_url", |c| c.page_url = "web.whatsapp.com".into()),
            ("page_url", |c| c.page_url = "file:///etc/passwd".into()),
            ("webhook_url", |c| c.webhook_url = "http://".into()),
            ("webhook_url", |c| c.webhook_url = "http://me:secret@localhost/".into()),
            ("client_prefix", |c| c.client_prefix = "../x".into()),
            ("client_prefix", |c| c.client_prefix = "x".repeat(33)),
            ("languages", |c| c.languages.clear()),
            ("languages", |c| c.languages = vec!["pt BR,\n".into()]),
            ("api_keys", |c| c.api_keys = vec![Secret::new("short")]),
            ("max_users", |c| c.max_users = 0),
            ("restart.cap_ms", |c| c.restart.cap_ms = 0),
            ("stop_deadline_ms", |c| c.stop_deadline_ms = 200),
        ];
        for (key, change) in cases {
            let error = with(change).expect_err(key).to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let config =
            ServiceConfig { api_keys: vec![Secret::new("0123456789abcdef")], ..ServiceConfig::default() };
        assert!(!format!("{config:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn unknown_keys_are_errors_that_name_them() {
        for text in ["max_user = 3", "[restart]\nbase = 3", "[deadlines]\nlaunch = 3"] {
            let error = toml::from_str::<ServiceConfig>(text).expect_err(text).to_string();
            let key = text.lines().last().and_then(|line| line.split(' ').next()).expect("key");
            assert!(error.contains(&format!("unknown field `{key}`")), "{error}");
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
