//! One tab with the bridge in it. Owns what has to be in place before the first navigation, and the ways to
//! load the page anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chromiumoxide::auth::Credentials;
use chromiumoxide::cdp::browser_protocol::{log, memory, network, page, performance, target};
use chromiumoxide::cdp::js_protocol::{heap_profiler, runtime};
use chromiumoxide::error::CdpError;
use chromiumoxide::types::Command;
use chromiumoxide::{Browser, Page};
use colmeia::config::Proxy;
use colmeia_base::tasks;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::cdp;
use super::identity::Identity;
use super::listener::Streams;
use super::script::Script;
use crate::engine::{PageEvent, ProbeError};

/// Each command before the first navigation. Seen: 3 ms, but the first one starts a renderer, which takes longer on a
/// machine that has no time for it. The session's own deadline for the launch is the tighter one by default.
const STEP: Duration = Duration::from_secs(90);

/// After this the page looks away by itself, or is to be loaded anew anyhow.
const LOOK_AWAY: Duration = Duration::from_secs(5);

/// What a tab is made of.
#[derive(Debug)]
pub(super) struct TabSettings {
    pub(super) page_url: String,
    pub(super) script: Script,
    /// Through what the browser goes, and who signs in there.
    pub(super) proxy: Option<Proxy>,
}

/// A tab.
#[derive(Debug)]
pub(super) struct Tab {
    page: Page,
    settings: Arc<TabSettings>,
    navigation: Mutex<AbortHandle>,
    /// Whom the tab tells that the page cannot be loaded.
    events: mpsc::UnboundedSender<PageEvent>,
    /// The last navigation ended in an error page of the browser.
    failed: Arc<AtomicBool>,
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.navigation.get_mut().abort();
    }
}

impl Tab {
    /// Opens a tab, puts the bridge into it and begins to load the page. `heed` receives the tab's events
    /// before the first of them can come.
    pub(super) async fn open(
        browser: &Browser,
        settings: Arc<TabSettings>,
        identity: &Identity,
        events: mpsc::UnboundedSender<PageEvent>,
        heed: impl FnOnce(Streams),
    ) -> Result<Self, ProbeError> {
        let page = cdp::within(STEP, browser.new_page("about:blank")).await?;
        // The library lets every new worker of the page wait for a debugger, and some never get one.
        let mut attach = target::SetAutoAttachParams::new(false, false);
        attach.flatten = Some(true);
        cdp::page(&page, attach, STEP).await?;
        // It also listens to all traffic, logs and figures: each frame of the page's socket would cross here.
        cdp::page(&page, network::DisableParams::default(), STEP).await?;
        cdp::page(&page, log::DisableParams::default(), STEP).await?;
        cdp::page(&page, performance::DisableParams::default(), STEP).await?;
        // `Runtime` stays on: without it a binding does not reach new documents.

        if let Some(proxy) = &settings.proxy {
            sign_in(&page, proxy).await?;
        }
        cdp::page(&page, identity.user_agent_override(), STEP).await?;
        cdp::page(&page, Identity::screen(), STEP).await?;
        heed(cdp::within(STEP, Streams::of(browser, &page)).await?);
        cdp::page(&page, runtime::AddBindingParams::new(settings.script.binding.clone()), STEP).await?;
        for source in [Identity::window(), settings.script.source()] {
            cdp::page(&page, page::AddScriptToEvaluateOnNewDocumentParams::new(source), STEP).await?;
        }

        let failed = Arc::new(AtomicBool::new(false));
        let navigation = Mutex::new(begin(&page, &settings, &events, &failed));
        Ok(Self { page, settings, navigation, events, failed })
    }

    /// Calls a function of the bridge's inlet. `Null` where there is no bridge (yet).
    pub(super) async fn ask(
        &self,
        function: &str,
        arguments: &[Value],
        limit: Duration,
    ) -> Result<Value, ProbeError> {
        cdp::evaluate(&self.page, self.settings.script.ask(function, arguments), limit).await
    }

    /// Runs a script in the page.
    pub(super) async fn evaluate(&self, source: &str, limit: Duration) -> Result<Value, ProbeError> {
        cdp::evaluate(&self.page, source.to_owned(), limit).await
    }

    /// Runs a command of the debugger.
    pub(super) async fn run<C: Command>(
        &self,
        command: C,
        limit: Duration,
    ) -> Result<C::Response, ProbeError> {
        cdp::page(&self.page, command, limit).await
    }

    /// What [`Self::ask`] evaluates.
    pub(super) fn asking(&self, function: &str, arguments: &[Value]) -> String {
        self.settings.script.ask(function, arguments)
    }

    /// A function of the page that passes its object on to one of the inlet's.
    pub(super) fn method(&self, function: &str) -> String {
        self.settings.script.method(function)
    }

    /// Whether the renderer still works off its events.
    pub(super) async fn is_alive(&self, limit: Duration) -> bool {
        self.evaluate("1", limit).await.is_ok()
    }

    /// Loads the page anew; also brings back a crashed renderer.
    pub(super) async fn reload(&self, limit: Duration) -> Result<(), ProbeError> {
        if self.failed.load(Ordering::Relaxed) {
            // There is no page that could be loaded anew, and only a navigation says why it fails.
            let mut navigation = self.navigation.lock();
            navigation.abort();
            *navigation = begin(&self.page, &self.settings, &self.events, &self.failed);
            return Ok(());
        }
        cdp::page(&self.page, page::ReloadParams::default(), limit).await.map(drop)
    }

    /// The page as a person would see it, as a PNG. Nothing is laid out but while somebody looks.
    pub(super) async fn screenshot(&self, limit: Duration) -> Result<Bytes, ProbeError> {
        let end = Instant::now() + limit;
        let looker = self.ask("look", &[json!(milliseconds(limit))], limit).await?;
        let picture = self.capture(end.saturating_duration_since(Instant::now())).await;
        // A page that has no bridge gave no number, and one that is gone looks away by itself.
        if !looker.is_null()
            && let Err(error) = self.ask("lookAway", &[looker], LOOK_AWAY).await
        {
            tracing::debug!(%error, "the page that was looked at is gone");
        }
        picture
    }

    async fn capture(&self, limit: Duration) -> Result<Bytes, ProbeError> {
        let params =
            page::CaptureScreenshotParams::builder().format(page::CaptureScreenshotFormat::Png).build();
        let picture = cdp::page(&self.page, params, limit).await?;
        let picture: &str = picture.data.as_ref();
        let png = BASE64.decode(picture);
        png.map(Bytes::from).map_err(|_| ProbeError::Failed("the picture cannot be decoded".to_owned()))
    }

    /// Asks for memory to be freed: the page's caches by the notification that a machine short of memory would
    /// send, then what its script no longer uses.
    pub(super) async fn relieve_memory(&self, limit: Duration) -> Result<(), ProbeError> {
        let critical = memory::SimulatePressureNotificationParams::new(memory::PressureLevel::Critical);
        let noticed = cdp::page(&self.page, critical, limit).await.map(drop);
        let collected = cdp::page(&self.page, heap_profiler::CollectGarbageParams::default(), limit).await;
        noticed.and(collected.map(drop))
    }

    /// Closes the tab, whatever its renderer does.
    pub(super) async fn close(&self, browser: &Browser, limit: Duration) {
        let close = target::CloseTargetParams::new(self.page.target_id().clone());
        if let Err(error) = cdp::browser(browser, close, limit).await {
            tracing::debug!(%error, "the old tab did not close");
        }
    }

    pub(super) fn target(&self) -> &target::TargetId {
        self.page.target_id()
    }
}

fn milliseconds(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)
}

/// Has the library answer when the proxy asks who we are.
async fn sign_in(page: &Page, proxy: &Proxy) -> Result<(), ProbeError> {
    let (Some(username), Some(password)) = (&proxy.username, &proxy.password) else { return Ok(()) };
    let credentials = Credentials { username: username.clone(), password: password.expose().to_owned() };
    cdp::within(STEP, page.authenticate(credentials)).await?;
    // The browser asks only about requests that wait for the library's word, so all of them do. The library switches
    // the cache off for that, which nobody needs.
    cdp::page(page, network::SetCacheDisabledParams::new(false), STEP).await.map(drop)
}

/// Begins to load the page.
fn begin(
    page: &Page,
    settings: &TabSettings,
    events: &mpsc::UnboundedSender<PageEvent>,
    failed: &Arc<AtomicBool>,
) -> AbortHandle {
    let (page, url) = (page.clone(), settings.page_url.clone());
    tasks::passing("loading", navigate(page, url, events.clone(), Arc::clone(failed))).abort_handle()
}

/// The library answers only when the page has loaded, which nobody needs to wait for. A page that cannot be
/// loaded shows nothing, and the session's deadline for that ends in a reload.
async fn navigate(
    page: Page,
    url: String,
    events: mpsc::UnboundedSender<PageEvent>,
    failed: Arc<AtomicBool>,
) {
    failed.store(false, Ordering::Relaxed);
    let Err(error) = page.goto(url).await else { return };
    tracing::warn!(%error, "the page did not load at once");
    if let CdpError::ChromeMessage(why) = error
        && let Some(name) = why.strip_prefix("net::")
        // A navigation that was overtaken by another is no failure.
        && name != "ERR_ABORTED"
    {
        failed.store(true, Ordering::Relaxed);
        // Nobody listens any more only while everything is being dropped.
        let _ = events.send(PageEvent::NotLoaded(why));
    }
}
