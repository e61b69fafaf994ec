//! Starts a browser and begins to load the page. Owns the order of the steps; each is done elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::Browser;
use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;
use chromiumoxide::handler::HandlerConfig;
use colmeia::UserId;
use colmeia::config::{Ownership, WorkerConfig};
use colmeia::layout::{RunLayout, StateLayout};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::cdp;
use super::engine::ChromiumEngine;
use super::identity::Identity;
use super::script::Script;
use super::shared::Parts;
use super::tab::TabSettings;
use crate::browser::{self, BrowserProcess, Flags, LaunchSpec};
use crate::engine::{Launcher, OpenError, PageEvent};
use crate::walls::BrowserWalls;

/// For the first answer of a browser that was just started; the caller's own limit is usually shorter.
const FIRST_ANSWER: Duration = Duration::from_secs(120);
/// The code with which Chromium says that another one has its profile.
const CODE_PROFILE_IN_USE: i32 = 21;

/// Starts Chromium for one user.
#[derive(Debug, Clone)]
pub(crate) struct ChromiumLauncher {
    user: UserId,
    program: PathBuf,
    profile: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
    page_url: String,
    wa_js: Option<PathBuf>,
    languages: Vec<String>,
    group: Option<PathBuf>,
    walls: Option<BrowserWalls>,
    /// Whether the user has a user id of its own, so that the supervisor's rights were given up.
    own_user: bool,
}

impl ChromiumLauncher {
    /// For the user of this configuration. The caller holds the lock of the user's auth directory.
    pub(crate) fn new(config: &WorkerConfig) -> Self {
        let state = StateLayout::new(&config.state_dir, &config.client_prefix);
        // A runtime directory whose path is too long for a socket has been refused before.
        let temporary = RunLayout::new(&config.runtime_dir)
            .map_or_else(|_| state.own_dir(&config.user), |run| run.browser_tmp(&config.user));
        let (profile, home) = (state.profile_dir(&config.user), state.home_dir(&config.user));
        let own = vec![profile.clone(), home.clone(), temporary.clone()];
        Self {
            user: config.user.clone(),
            program: config.browser.clone(),
            walls: BrowserWalls::new(config, own),
            profile,
            home,
            temporary,
            page_url: config.page_url.clone(),
            wa_js: config.wa_js.clone(),
            languages: config.languages.clone(),
            group: config.browser_group.clone(),
            own_user: matches!(config.ownership, Ownership::Own { .. }),
        }
    }

    async fn start(&self, identity: Option<&Identity>) -> Result<browser::Launched, OpenError> {
        let sandbox = browser::Sandbox::choose(self.own_user);
        if let browser::Sandbox::Off { why } = sandbox {
            tracing::warn!(why, "Chromium's sandbox is off");
        }
        let user_agent = identity.map(Identity::user_agent);
        let flags = Flags {
            profile: &self.profile,
            marker: &browser::marker(self.user.as_str()),
            user_agent: user_agent.as_deref(),
            languages: &self.languages,
            sandbox: sandbox == browser::Sandbox::On,
        };
        browser::launch(LaunchSpec {
            program: self.program.clone(),
            arguments: flags.arguments(),
            home: self.home.clone(),
            temporary: self.temporary.clone(),
            language: self.languages.first().cloned(),
            group: self.group.clone(),
            walls: self.walls.clone(),
        })
        .await
    }
}

impl Launcher for ChromiumLauncher {
    type Engine = ChromiumEngine;

    async fn open(&self, events: mpsc::UnboundedSender<PageEvent>) -> Result<ChromiumEngine, OpenError> {
        let script = Script::for_page(&self.page_url)
            .ok_or_else(|| OpenError::Launch("page_url is no address of a web page".to_owned()))?;
        browser::prepare(&self.profile).await?;
        let known = browser::version(&self.program).await;
        let identity = known.map(|version| Identity::new(&version, &self.languages));

        let launched = self.start(identity.as_ref()).await?;
        let process = launched.process;
        let bridge = browser::bridge(launched.commands, launched.answers).await.map_err(|error| {
            OpenError::Launch(format!("no loopback port for the browser's pipe: {error}"))
        })?;
        let mut exit = process.watch_exit();
        let connected = tokio::select! {
            connected = connect(bridge.url().expose()) => connected,
            _ = exit.wait_for(Option::is_some) => return Err(explain(&process, None)),
        };
        let (browser, product, handler) = connected.map_err(|error| explain(&process, Some(error)))?;
        let identity = match (identity, Identity::version_of_product(&product)) {
            (_, Some(version)) => Identity::new(version, &self.languages),
            (Some(identity), None) => identity,
            (None, None) => return Err(OpenError::Launch(format!("{product} is no Chromium"))),
        };
        tracing::info!(pid = process.pid(), product, "browser started");
        let settings = Arc::new(TabSettings { page_url: self.page_url.clone(), script });
        let parts =
            Parts { browser, handler, process, bridge, settings, identity, wa_js: self.wa_js.clone() };
        ChromiumEngine::open(parts, events)
            .await
            .map_err(|error| OpenError::Launch(format!("the browser started, but opens no page: {error}")))
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
    let handler = tokio::spawn(async move {
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

/// Why the browser did not come up, from its end and its last words.
fn explain(process: &BrowserProcess, error: Option<String>) -> OpenError {
    let exit = *process.watch_exit().borrow();
    let words = process.last_words().text();
    if exit.and_then(|e| e.code) == Some(CODE_PROFILE_IN_USE) {
        return OpenError::Launch("the browser says that another one uses its profile".to_owned());
    }
    if says_profile_is_corrupt(&words) {
        return OpenError::ProfileCorrupt;
    }
    let how = match (exit, error) {
        (Some(exit), _) => exit.to_string(),
        (None, Some(error)) => error,
        (None, None) => "no reason given".to_owned(),
    };
    let words = if words.is_empty() { String::new() } else { format!("; its last words:\n{words}") };
    OpenError::Launch(format!("the browser did not come up: {how}{words}"))
}

/// Best effort: Chromium mostly repairs or ignores what is broken, and says so only in words.
fn says_profile_is_corrupt(words: &str) -> bool {
    ["Failed to create a ProfileImpl", "profile could not be opened correctly", "Cannot create profile"]
        .iter()
        .any(|sign| words.contains(sign))
}
