//! [`WorkerConfig`]: what a worker is told at its start, as one JSON object on its standard input.
//!
//! Standard input and not arguments, because arguments can be read by every user of the machine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Ownership, PageConfig, Proxy};
use crate::{Secret, UserId};

/// Everything a worker needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// Whom it serves.
    pub user: UserId,
    /// See [`crate::layout::StateLayout`].
    pub state_dir: PathBuf,
    /// See [`crate::layout::RunLayout`].
    pub runtime_dir: PathBuf,
    /// The first part of whatsapp-web.js's `clientId`.
    pub client_prefix: String,
    /// The page, `https://web.whatsapp.com/` in earnest.
    pub page_url: String,
    /// The browser's program itself, not a shell wrapper around it.
    pub browser: PathBuf,
    /// The file of wa-js, read only when it is first needed; `None` where there is none.
    pub wa_js: Option<PathBuf>,
    /// The languages that the browser asks for, the preferred first, such as `pt-BR`.
    pub languages: Vec<String>,
    /// Whether the kernel shuts it in.
    pub landlock: Landlock,
    /// Whether its browser runs in Chromium's own sandbox.
    #[serde(default)]
    pub browser_sandbox: BrowserSandbox,
    /// Whether the kernel may merge pages of its browser with equal ones of other browsers.
    #[serde(default)]
    pub memory_merge: bool,
    /// What a supervisor has to say before it is told anything, new with each worker. A peer's user id does not
    /// tell a supervisor from another user's browser.
    pub token: Secret,
    /// Its deadlines.
    pub deadlines: Deadlines,
    /// The file through which the browser enters its control group, where there is one; otherwise `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_group: Option<PathBuf>,
    /// Through what the browser goes; `None` for straight ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// Whether it logs more.
    #[serde(default)]
    pub debug: bool,
    /// Whether the page's request for a passkey is passed on to the account's owner.
    #[serde(default)]
    pub passkey: Passkey,
    /// How much of the page runs.
    #[serde(default, skip_serializing_if = "PageConfig::is_default")]
    pub page: PageConfig,
    /// Whose its directories are, and who it becomes itself.
    #[serde(default)]
    pub ownership: Ownership,
}

/// Whether workers and their browsers are shut in by the kernel (Landlock).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Landlock {
    /// As far as the kernel can.
    Auto,
    /// Not at all.
    Off,
}

/// What `colmeia-worker namespaces` says where browsers can have their sandbox; elsewhere it says why not.
pub const NAMESPACES_AVAILABLE: &str = "available";

/// Whether browsers run in Chromium's own sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrowserSandbox {
    /// They do, except where the service is root and it cannot be had.
    #[default]
    Auto,
    /// They do; where it cannot be had, no session starts.
    On,
    /// They do not.
    Off,
}

/// Whether accounts that ask for a passkey can be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passkey {
    /// The page's request goes to the account's owner, who signs it in a browser of their own.
    #[default]
    On,
    /// Nothing is passed on; that the page asks is seen and said.
    Off,
}

/// How long each thing may take, in milliseconds. Every state of a session has one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Until the browser answers on its pipe. Seen: 0.3 s alone, 9 s under software emulation.
    pub launch_ms: u64,
    /// Until the page shows a code or says that it is registered.
    pub load_ms: u64,
    /// How long the page may show no new code while it waits for a scan; then it is asked for one. WhatsApp's
    /// first code lasts 60 s, the others 20 s.
    pub qr_ms: u64,
    /// From the scan until the page is registered.
    pub pair_ms: u64,
    /// How long an account's passkey is waited for. WhatsApp's own request lasts as long.
    pub passkey_ms: u64,
    /// From registered until the history is there; grows anew with each step of progress.
    pub sync_ms: u64,
    /// How long the page may be without its connection before it is reloaded.
    pub reconnect_ms: u64,
    /// How long the page may be opened elsewhere before it is taken back.
    pub conflict_ms: u64,
    /// How long after a logout the page may take to show a new code.
    pub logout_ms: u64,
    /// How often the page is probed.
    pub probe_interval_ms: u64,
    /// How often the page of a session is probed that has been ready, and has been asked for nothing, for a minute. Most
    /// of the time that is all of them, and probes are most of what an idle session costs.
    pub calm_probe_interval_ms: u64,
    /// How long a probe may take before the session counts as not ready.
    pub probe_timeout_ms: u64,
    /// How long a page may be silent before its renderer is replaced.
    pub hang_ms: u64,
    /// How long the browser may take to close before it is killed.
    pub close_ms: u64,
    /// How long a worker goes on without a supervisor.
    pub orphan_ms: u64,
    /// How long after it is ready a page is asked to give back the memory that coming up took; 0 means never,
    /// and no later time either. Two sessions of the heavy page took 489 MB instead of 502 by it (`bench/MEASURES.md`).
    pub settle_ms: u64,
    /// How often after that it is asked again, for what a life of messages leaves behind; 0 means never.
    pub settle_every_ms: u64,
}

impl Deadlines {
    /// The longest time between two probes: so old may a "ready" be, but for the time that a probe takes.
    pub fn longest_probe_interval_ms(&self) -> u64 {
        self.probe_interval_ms.max(self.calm_probe_interval_ms)
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            launch_ms: 45_000,
            load_ms: 90_000,
            qr_ms: 90_000,
            pair_ms: 90_000,
            passkey_ms: 600_000,
            sync_ms: 300_000,
            reconnect_ms: 90_000,
            conflict_ms: 10_000,
            logout_ms: 30_000,
            probe_interval_ms: 3_000,
            calm_probe_interval_ms: 10_000,
            probe_timeout_ms: 3_000,
            hang_ms: 20_000,
            close_ms: 8_000,
            orphan_ms: 600_000,
            settle_ms: 10_000,
            settle_every_ms: 1_800_000,
        }
    }
}
