//! [`ServiceConfig`]: everything that an operator can set, with its default and the reason for it.
//!
//! Owns the keys; their rules are beside it (`rules`). It never reads a file, the environment or the
//! disk: where values come from is the supervisor's `settings`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    BrowserSandbox, ConversionConfig, Deadlines, EventsConfig, FlaskConfig, IgnoreConfig, Landlock,
    LocalAccess, MemoryPolicy, PageConfig, Passkey, UserConfig, WebhookConfig, WorkerUids,
};
use crate::{Secret, UserId};

/// The configuration of the service. Every key may stand in the TOML file, in the environment as
/// `COLMEIA_<KEY>`, and the most used ones are flags.
///
/// ```
/// use colmeia::config::ServiceConfig;
///
/// let config: ServiceConfig = toml::from_str("max_users = 20").expect("a configuration");
/// assert_eq!((config.max_users, config.listen.port()), (20, 5001), "what is not named has its default");
/// assert!(config.validate().is_ok());
/// assert!(toml::from_str::<ServiceConfig>("max_user = 20").is_err(), "a name that is none is no silent default");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Where HTTP is served. Default `127.0.0.1:5001`: Flask's port, and nobody else's machine.
    pub listen: SocketAddr,
    /// The address by which others reach this service, such as `https://wa.example.com` or, below a path,
    /// `https://example.com/wa`. Addresses of files in answers and events begin with it. Default none: in an answer the
    /// address that the caller used counts, in a webhook, which has no caller, `http://` and the address in `listen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Where auth directories and the journal lie. Default: `$STATE_DIRECTORY` (systemd's), else the working directory if
    /// sessions of Colmeia or of the server that it replaces lie there already, else `/var/lib/colmeia` if it can be
    /// written, else `$XDG_STATE_HOME/colmeia` or `~/.local/state/colmeia`.
    #[serde(skip_serializing_if = "is_unset")]
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
    /// Whether callers on this machine need a key for `/api`, `/metrics`, streams and the dashboard. Default `auto`:
    /// as soon as there is one. `open`: never. Flask's routes need none there either way.
    pub local_access: LocalAccess,
    /// Networks of reverse proxies, such as `127.0.0.1/32`, whose word about the caller (`X-Forwarded-For` and its
    /// relatives) is believed. Default none: a request that came through a proxy is then nobody's of this machine.
    pub trusted_proxies: Vec<IpNet>,
    /// The path below which a reverse proxy shows us, such as `/colmeia`. Default none: what a trusted proxy says in
    /// `X-Forwarded-Prefix`.
    pub base_path: String,
    /// Origins whose pages may call with a key from a browser, such as `https://app.example.com`. Default none.
    pub cors_origins: Vec<String>,
    /// Whether each worker and its browser are shut in by the kernel's Landlock, so that they reach no other
    /// user's files, processes or ports. Default `auto`: as far as the kernel can. `off` is for looking for the
    /// cause of trouble; each worker's start then logs a warning.
    pub landlock: Landlock,
    /// Whether browsers run in Chromium's own sandbox, which keeps whoever takes a page over away from the browser around
    /// it. Default `auto`: always, except where the service is root and cannot have it. `on`: there neither. `off`: never,
    /// for containers and machines that give ordinary users no user namespaces; a page that is taken over has then all
    /// that its browser has, and Landlock and `worker_uids` alone keep it from other users.
    pub browser_sandbox: BrowserSandbox,
    /// Whether each user's worker and browser run as a user id of the system of their own. Default `auto`: where
    /// the supervisor is root, or has the capabilities, and the directories can be reached by other users.
    pub worker_uids: WorkerUids,
    /// Whether the kernel may merge equal pages of all browsers into one (KSM). Default off: it saves a third of the
    /// memory and more, but who controls one page can learn by timing what lies in another user's memory. Needs
    /// Linux 6.10 with `/sys/kernel/mm/ksm/run` at 1; elsewhere it does nothing.
    pub memory_merge: bool,
    /// How log lines look. Default: for people on a terminal, JSON elsewhere.
    pub log_format: LogFormat,
    /// Where log lines go. Default standard error. Some platforms take each line that comes there for an error, so
    /// `stdout` is for them.
    pub log_to: LogTarget,
    /// After how many seconds a worker is stopped that shows a code which nobody asks for. Default 600: a page
    /// asks every few seconds, so the person has left long ago. After half a minute it gives its place to whoever waits for
    /// one and is linked or looked at.
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
    /// Whether accounts that ask for a passkey can be linked. Default `on`.
    pub passkey: Passkey,
    /// How much of WhatsApp's page runs.
    pub page: PageConfig,
    /// How voice and video are converted.
    pub conversion: ConversionConfig,
    /// How long a disconnect may take, in milliseconds. Default 4,500: Flask waits 5 s.
    pub disconnect_deadline_ms: u64,
    /// How often a worker is asked whether it is there, in milliseconds. Default 2,000. While its session is ready it
    /// is asked once a minute, this long after a report that did not come, and when something is asked of it.
    pub ping_interval_ms: u64,
    /// How long it may take to answer before its session counts as not ready, in milliseconds. Default 3,000.
    pub ping_timeout_ms: u64,
    /// How long a new worker may take to say Hello, in milliseconds. Default 10,000: seen 0.02 s alone, and
    /// one machine may start many at boot.
    pub hello_deadline_ms: u64,
    /// How long a worker may take to stop before it is killed, in milliseconds. Default 15,000: the browser's
    /// own close deadline (8 s) and room to write the profile.
    pub stop_deadline_ms: u64,
    /// How long the end of the service may take altogether, in milliseconds; after that it is as if it had been asked
    /// twice: nobody is waited for, and what is on disk counts. Default 0: as long as its steps may take, half a minute
    /// at most. For whoever is killed after a grace, such as a container: a second less than the grace.
    pub stop_within_ms: u64,
    /// What happens after a worker's failure.
    pub restart: RestartPolicy,
    /// The workers' deadlines.
    pub deadlines: Deadlines,
    /// What each user's processes may take.
    pub memory: MemoryPolicy,
    /// What is kept of events, and for how long.
    pub events: EventsConfig,
    /// Of which chats nobody is told anything, unless a session's own configuration says otherwise. Default none.
    #[serde(skip_serializing_if = "IgnoreConfig::is_default")]
    pub ignore: IgnoreConfig,
    /// How Flask's receiver is dealt with.
    pub flask: FlaskConfig,
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

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogTarget {
    /// Standard error.
    #[default]
    Stderr,
    /// Standard output.
    Stdout,
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

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5001)),
            public_url: None,
            state_dir: PathBuf::new(),
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
            local_access: LocalAccess::Auto,
            trusted_proxies: Vec::new(),
            base_path: String::new(),
            cors_origins: Vec::new(),
            landlock: Landlock::Auto,
            browser_sandbox: BrowserSandbox::Auto,
            worker_uids: WorkerUids::Auto,
            memory_merge: false,
            log_format: LogFormat::Auto,
            log_to: LogTarget::Stderr,
            unlinked_idle_secs: 600,
            request_deadline_ms: 14_000,
            sends_per_minute: 30,
            send_burst: 20,
            media_networks: Vec::new(),
            passkey: Passkey::On,
            page: PageConfig::default(),
            conversion: ConversionConfig::default(),
            disconnect_deadline_ms: 4_500,
            ping_interval_ms: 2_000,
            ping_timeout_ms: 3_000,
            hello_deadline_ms: 10_000,
            stop_deadline_ms: 15_000,
            stop_within_ms: 0,
            restart: RestartPolicy::default(),
            deadlines: Deadlines::default(),
            memory: MemoryPolicy::default(),
            events: EventsConfig::default(),
            ignore: IgnoreConfig::default(),
            flask: FlaskConfig::default(),
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
}

fn is_unset(path: &std::path::Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_an_empty_file_means_them() {
        assert_eq!(ServiceConfig::default().validate(), Ok(()));
        assert_eq!(toml::from_str::<ServiceConfig>("").expect("empty"), ServiceConfig::default());
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
}
