//! Starts a browser and begins to load the page. Owns the order of the steps; each is done elsewhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::Browser;
use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use chromiumoxide::handler::HandlerConfig;
use colmeia::UserId;
use colmeia::config::{BrowserSandbox, Ownership, PageConfig, Passkey, Proxy, WorkerConfig};
use colmeia::layout::{DISK_FULL, StateLayout};
use colmeia_base::{files, tasks};
use futures::StreamExt;
use nix::libc;
use tokio::sync::mpsc;

use super::cdp;
use super::engine::ChromiumEngine;
use super::identity::Identity;
use super::script::Script;
use super::shared::Parts;
use super::tab::TabSettings;
use crate::browser::{self, BrowserProcess, Flags, LaunchSpec, PipeBridge};
use crate::engine::{Launcher, OpenError, PageEvent};
use crate::files::Files;
use crate::profile::ProfileHandle;
use crate::walls::BrowserWalls;

/// For the first answer of a browser that was just started; the caller's own limit is usually shorter.
const FIRST_ANSWER: Duration = Duration::from_secs(120);
/// The code with which Chromium says that another one has its profile.
const CODE_PROFILE_IN_USE: i32 = 21;

/// How long a browser may take to come up with an empty profile, which is done to see whose fault a failure is.
const TRIAL: Duration = Duration::from_secs(20);
/// How long it has to live then. Seen: a full browser crashes a second after its first answer.
const TRIAL_LIFE: Duration = Duration::from_secs(4);

/// Starts Chromium for one user.
#[derive(Debug, Clone)]
pub(crate) struct ChromiumLauncher {
    user: UserId,
    program: PathBuf,
    profile: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
    page_url: String,
    passkey: Passkey,
    passkey_ms: u64,
    page: PageConfig,
    wa_js: Option<PathBuf>,
    languages: Vec<String>,
    group: Option<PathBuf>,
    /// Whether the kernel may merge the browser's pages with equal ones elsewhere.
    merge: bool,
    walls: Option<BrowserWalls>,
    proxy: Option<Proxy>,
    /// Whether the user has a user id of its own, so that the supervisor's rights were given up.
    own_user: bool,
    sandbox: BrowserSandbox,
    files: Files,
    profile_task: ProfileHandle,
}

impl ChromiumLauncher {
    /// For the user of this configuration. The caller holds the lock of the user's auth directory.
    pub(crate) fn new(config: &WorkerConfig, files: Files, profile_task: ProfileHandle) -> Self {
        let state = StateLayout::new(&config.state_dir, &config.client_prefix);
        let temporary = state.browser_tmp(&config.user);
        let (profile, home) = (state.profile_dir(&config.user), state.home_dir(&config.user));
        let own = vec![profile.clone(), home.clone(), temporary.clone()];
        Self {
            user: config.user.clone(),
            program: config.browser.clone(),
            walls: BrowserWalls::new(config, own, state.files_dir(&config.user)),
            profile,
            home,
            temporary,
            page_url: config.page_url.clone(),
            passkey: config.passkey,
            passkey_ms: config.deadlines.passkey_ms,
            page: config.page,
            wa_js: config.wa_js.clone(),
            languages: config.languages.clone(),
            group: config.browser_group.clone(),
            merge: config.memory_merge,
            proxy: config.proxy.clone(),
            own_user: matches!(config.ownership, Ownership::Own { .. }),
            sandbox: config.browser_sandbox,
            files,
            profile_task,
        }
    }

    async fn start(
        &self,
        profile: &Path,
        identity: Option<&Identity>,
        sandbox: &browser::Sandbox,
    ) -> Result<browser::Launched, OpenError> {
        if let browser::Sandbox::Off { why } = sandbox {
            tracing::warn!(why, "Chromium's sandbox is off");
        }
        let user_agent = identity.map(Identity::user_agent);
        let flags = Flags {
            profile,
            marker: &browser::marker(self.user.as_str())?,
            user_agent: user_agent.as_deref(),
            languages: &self.languages,
            proxy: self.proxy.as_ref().map(|proxy| proxy.server.as_str()),
            sandbox: matches!(sandbox, browser::Sandbox::On { .. }),
        };
        browser::launch(LaunchSpec {
            program: self.program.clone(),
            arguments: flags.arguments(),
            home: self.home.clone(),
            temporary: self.temporary.clone(),
            language: self.languages.first().cloned(),
            group: self.group.clone(),
            merge: self.merge,
            walls: self.walls.clone(),
        })
        .await
    }
}

/// A browser that answers.
struct Up {
    process: BrowserProcess,
    bridge: PipeBridge,
    browser: Browser,
    product: String,
    handler: tokio::task::AbortHandle,
}

/// A browser that did not come up; `ended` when it ran and ended by itself, for no reason that it has a code for.
struct Failure {
    error: OpenError,
    ended: bool,
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self { error, ended: false }
    }
}

impl ChromiumLauncher {
    async fn bring_up(&self, profile: &Path, identity: Option<&Identity>) -> Result<Up, Failure> {
        let sandbox = browser::Sandbox::choose(self.sandbox, self.own_user)
            .map_err(|error| OpenError::NoSandbox(error.to_string()))?;
        let launched = self.start(profile, identity, &sandbox).await?;
        let process = launched.process;
        let bridge = browser::bridge(launched.commands, launched.answers).await.map_err(|error| {
            OpenError::Launch(format!("no loopback port for the browser's pipe: {error}"))
        })?;
        let mut exit = process.watch_exit();
        let connected = tokio::select! {
            connected = connect(bridge.url().expose()) => connected,
            _ = exit.wait_for(Option::is_some) => Err("it ended".to_owned()),
        };
        match connected {
            Ok((browser, product, handler)) => Ok(Up { process, bridge, browser, product, handler }),
            Err(error) => Err(explain(&process, &sandbox, error)),
        }
    }
}

impl Launcher for ChromiumLauncher {
    type Engine = ChromiumEngine;

    async fn open(&self, events: mpsc::UnboundedSender<PageEvent>) -> Result<ChromiumEngine, OpenError> {
        let script = Script::for_page(&self.page_url, self.wa_js.is_some())
            .ok_or_else(|| OpenError::Launch("page_url is no address of a web page".to_owned()))?
            .with_passkeys(self.passkey, self.passkey_ms)
            .with_page(self.page);
        browser::prepare(&self.profile).await?;
        // What the browser before this one has left there is nobody's. Where it stays, that is no harm.
        let _ = std::fs::remove_dir_all(&self.temporary);
        let known = browser::version(&self.program).await;
        self.profile_task.launching(known.clone()).await;
        // Unknown is not full.
        let room = files::free(&self.profile).unwrap_or(u64::MAX);
        // A browser that cannot write empties its databases.
        if room < DISK_FULL {
            return Err(OpenError::DiskFull(room, DISK_FULL));
        }
        let identity = known.map(|version| Identity::new(&version, &self.languages));

        let up = match self.bring_up(&self.profile, identity.as_ref()).await {
            Ok(up) => up,
            Err(Failure { error, ended: true }) if self.lives_with_an_empty_profile().await => {
                return Err(OpenError::ProfileCorrupt(format!(
                    "it runs with an empty one, but with this one: {error}"
                )));
            }
            Err(Failure { error, .. }) => return Err(error),
        };
        let Up { process, bridge, browser, product, handler } = up;
        let identity = match (identity, Identity::version_of_product(&product)) {
            (_, Some(version)) => Identity::new(version, &self.languages),
            (Some(identity), None) => identity,
            (None, None) => return Err(OpenError::Launch(format!("{product} is no Chromium"))),
        };
        tracing::info!(pid = process.pid(), product, "browser started");
        let settings =
            Arc::new(TabSettings { page_url: self.page_url.clone(), script, proxy: self.proxy.clone() });
        let (wa_js, files) = (self.wa_js.clone(), self.files.clone());
        let parts = Parts { browser, handler, process, bridge, settings, identity, wa_js, files };
        ChromiumEngine::open(parts, events)
            .await
            .map_err(|error| OpenError::Launch(format!("the browser started, but opens no page: {error}")))
    }

    /// Chromium itself mostly says nothing about its profile, and in other words with each version.
    async fn lives_with_an_empty_profile(&self) -> bool {
        // Beside the temporary files of a browser that is gone; its walls let the next one write there.
        let empty = self.temporary.join("empty-profile");
        let _ = std::fs::remove_dir_all(&empty);
        let up = tokio::time::timeout(TRIAL, self.bring_up(&empty, None)).await;
        let lives = match up {
            Ok(Ok(up)) => {
                let mut exit = up.process.watch_exit();
                let ended = exit.wait_for(Option::is_some);
                let lives = tokio::time::timeout(TRIAL_LIFE, ended).await.is_err();
                up.process.end(Duration::ZERO).await;
                up.handler.abort();
                lives
            }
            _ => false,
        };
        let _ = std::fs::remove_dir_all(&empty);
        tracing::info!(lives, "the browser was tried with an empty profile");
        lives
    }
}

/// Connects the client library and asks the browser for its name, the first sign that it works.
async fn connect(url: &str) -> Result<(Browser, String, tokio::task::AbortHandle), String> {
    let config = HandlerConfig {
        // The library's default accepts any certificate.
        ignore_https_errors: false,
        viewport: None,
        ..HandlerConfig::default()
    };
    let connecting = Browser::connect_with_config(url, config);
    let (browser, mut handler) = cdp::within(FIRST_ANSWER, connecting).await.map_err(|e| e.to_string())?;
    let handler = tasks::vital("debugger", async move {
        // After an error of the connection the library would go on waiting for ever.
        while let Some(Ok(())) = handler.next().await {}
    })
    .abort_handle();
    match cdp::browser(&browser, GetVersionParams::default(), FIRST_ANSWER).await {
        Ok(version) => Ok((browser, version.product, handler)),
        Err(error) => {
            handler.abort();
            Err(error.to_string())
        }
    }
}

/// Why the browser did not come up, from its end, its last words and what the machine says to a sandbox.
fn explain(process: &BrowserProcess, sandbox: &browser::Sandbox, error: String) -> Failure {
    let exit = *process.watch_exit().borrow();
    if let Some(why) = exit.and_then(|_| sandbox.blamed()) {
        return OpenError::NoSandbox(why).into();
    }
    let words = process.last_words().text();
    if exit.and_then(|e| e.code) == Some(CODE_PROFILE_IN_USE) {
        return OpenError::Launch("the browser says that another one uses its profile".to_owned()).into();
    }
    // One that was killed from outside has shown nothing; one that crashed has.
    let killed = exit.is_some_and(|exit| matches!(exit.signal, Some(libc::SIGKILL | libc::SIGTERM)));
    let how = exit.map_or(error, |exit| exit.to_string());
    let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
    let error = OpenError::Launch(format!("the browser did not come up: {how}{words}"));
    Failure { error, ended: exit.is_some() && !killed }
}
