//! [`ChromiumEngine`]: probes, nudges, wa-js on demand and the end, each with a limit of its own.
//!
//! Owns the one tab: who it is, and its replacement. Calls are in [`super::calling`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use chromiumoxide::Browser;
use chromiumoxide::cdp::browser_protocol::browser::{CloseParams, GetVersionParams};
use chromiumoxide::cdp::browser_protocol::target::CloseTargetParams;
use colmeia::protocol::{Call, CallError, Reply};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::calling;
use super::cdp;
use super::identity::Identity;
use super::listener::Listener;
use super::tab::{Tab, TabSettings};
use crate::browser::{BrowserProcess, Exit, PipeBridge, kill_renderers};
use crate::engine::{Engine, Nudge, PageEvent, PagePhase, PageView, ProbeError};

/// A renderer that does not say `1` within this time is replaced when the page is to be loaded anew.
const SIGN_OF_LIFE: Duration = Duration::from_millis(1500);
/// For each step of a reload.
const RELOAD: Duration = Duration::from_secs(5);
const NUDGE: Duration = Duration::from_secs(5);
/// A collection of a large heap stops the page for a second or two.
const RELIEVE: Duration = Duration::from_secs(15);
const INJECT: Duration = Duration::from_secs(30);
/// wa-js asks strangers for previews of links and reports its use, unless told otherwise beforehand.
const WA_JS_SETTINGS: &str =
    "window.WPPConfig = { disableGoogleAnalytics: true, linkPreviewApiServers: [] };";

/// What a launcher has made.
pub(super) struct Parts {
    pub(super) browser: Browser,
    pub(super) handler: AbortHandle,
    pub(super) process: BrowserProcess,
    pub(super) bridge: PipeBridge,
    pub(super) settings: Arc<TabSettings>,
    pub(super) identity: Identity,
    pub(super) wa_js: Option<PathBuf>,
}

/// A running Chromium with the page in it. Dropping it kills the browser.
#[derive(Debug)]
pub(crate) struct ChromiumEngine {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

/// The tab and the task that listens to it.
#[derive(Debug)]
struct Present {
    tab: Arc<Tab>,
    listening: AbortHandle,
}

#[derive(Debug)]
pub(super) struct Shared {
    browser: Browser,
    handler: AbortHandle,
    process: BrowserProcess,
    /// Held for its end: dropping it closes the browser's pipe.
    _bridge: PipeBridge,
    settings: Arc<TabSettings>,
    identity: Identity,
    wa_js: Option<PathBuf>,
    pub(super) listener: Arc<Listener>,
    present: Mutex<Option<Present>>,
    /// Held while the page is being loaded anew.
    reloading: AsyncMutex<()>,
    next_call: AtomicU64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.handler.abort();
        if let Some(present) = self.present.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            present.listening.abort();
        }
    }
}

impl Drop for ChromiumEngine {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl ChromiumEngine {
    /// Opens the tab and begins to load the page.
    pub(super) async fn open(
        parts: Parts,
        events: mpsc::UnboundedSender<PageEvent>,
    ) -> Result<Self, ProbeError> {
        let shared = Arc::new(Shared {
            browser: parts.browser,
            handler: parts.handler,
            process: parts.process,
            _bridge: parts.bridge,
            settings: parts.settings,
            identity: parts.identity,
            wa_js: parts.wa_js,
            listener: Arc::new(Listener::new(events)),
            present: Mutex::new(None),
            reloading: AsyncMutex::new(()),
            next_call: AtomicU64::new(1),
        });
        let tasks = [
            tokio::spawn(watch_exit(
                shared.process.watch_exit(),
                Arc::clone(&shared.listener),
                shared.handler.clone(),
            ))
            .abort_handle(),
            tokio::spawn(stand_in(Arc::downgrade(&shared))).abort_handle(),
        ];
        let engine = Self { shared, tasks };
        engine.shared.open_tab().await?;
        engine.shared.close_other_tabs().await;
        Ok(engine)
    }
}

#[cfg(test)]
impl ChromiumEngine {
    /// What a test wants to see or do in the page.
    pub(super) async fn evaluate(&self, expression: &str) -> Result<Value, ProbeError> {
        let tab = self.shared.tab().expect("a page");
        tab.evaluate(expression, NUDGE).await
    }
}

impl Shared {
    pub(super) fn number(&self) -> u64 {
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// The present tab.
    pub(super) fn tab(&self) -> Option<Arc<Tab>> {
        let present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().map(|present| Arc::clone(&present.tab))
    }

    /// Asks the present tab's bridge.
    pub(super) async fn ask(
        &self,
        function: &str,
        arguments: &[Value],
        limit: Duration,
    ) -> Result<Value, ProbeError> {
        let tab = self.tab().ok_or_else(|| ProbeError::Failed("there is no page".to_owned()))?;
        tab.ask(function, arguments, limit).await
    }

    /// Opens a tab and makes it the present one.
    async fn open_tab(&self) -> Result<(), ProbeError> {
        let binding = self.settings.script.binding.clone();
        let mut listening = None;
        let tab = Tab::open(&self.browser, Arc::clone(&self.settings), &self.identity, |streams| {
            let listener = Arc::clone(&self.listener);
            listening = Some(tokio::spawn(listener.heed(streams, binding)).abort_handle());
        })
        .await;
        let (Ok(_), Some(listening)) = (&tab, listening.clone()) else {
            if let Some(listening) = listening {
                listening.abort();
            }
            return tab.map(drop);
        };
        self.listener.crashed.send_replace(false);
        let present = Present { tab: Arc::new(tab?), listening };
        let old = self.present.lock().unwrap_or_else(PoisonError::into_inner).replace(present);
        if let Some(old) = old {
            // First, so that its end is no news.
            old.listening.abort();
            old.tab.close(&self.browser, RELOAD).await;
        }
        Ok(())
    }

    /// The browser starts with a tab of its own.
    async fn close_other_tabs(&self) {
        let Some(tab) = self.tab() else { return };
        for page in cdp::within(RELOAD, self.browser.pages()).await.unwrap_or_default() {
            if page.target_id() != tab.target() {
                let close = CloseTargetParams::new(page.target_id().clone());
                if let Err(error) = cdp::browser(&self.browser, close, RELOAD).await {
                    tracing::debug!(%error, "the browser's first tab did not close");
                }
            }
        }
    }

    /// Loads the page anew: by asking; by ending its renderer; in a new tab. The first that works.
    async fn reload(&self) -> Result<(), ProbeError> {
        let _one_at_a_time = self.reloading.lock().await;
        self.listener.pending.all_gone();
        if let Some(tab) = self.tab() {
            let crashed = *self.listener.crashed.borrow();
            if !crashed && !tab.is_alive(SIGN_OF_LIFE).await {
                self.end_renderer().await;
            }
            match tab.reload(RELOAD).await {
                Ok(()) => {
                    self.listener.crashed.send_replace(false);
                    return Ok(());
                }
                Err(error) => tracing::warn!(%error, "the tab does not reload; a new one takes its place"),
            }
        }
        self.open_tab().await
    }

    /// Ends a renderer that does not react, and waits until the browser has noticed.
    async fn end_renderer(&self) {
        self.listener.crash_is_wanted.store(true, Ordering::Relaxed);
        let killed = kill_renderers(self.process.pid());
        tracing::warn!(killed, "the page does not react; its renderer is replaced");
        let mut crashed = self.listener.crashed.subscribe();
        if tokio::time::timeout(RELOAD, crashed.wait_for(|crashed| *crashed)).await.is_err() {
            tracing::warn!("the browser did not notice the end of its renderer");
        }
        self.listener.crash_is_wanted.store(false, Ordering::Relaxed);
    }

    /// Puts wa-js into the page, if there is one, and tells the bridge.
    async fn put_stand_in(&self) {
        let source = match &self.wa_js {
            Some(path) => tokio::fs::read_to_string(path).await.map_err(|error| {
                tracing::error!(path = %path.display(), %error, "wa-js cannot be read");
            }),
            None => {
                tracing::error!("the page has changed, and no wa-js is configured (key wa_js)");
                Err(())
            }
        };
        let Some(tab) = self.tab() else { return };
        let mut there = false;
        if let Ok(source) = source {
            match tab.evaluate(&format!("{WA_JS_SETTINGS}\n{source}\n;undefined"), INJECT).await {
                Ok(_) => there = true,
                Err(error) => tracing::error!(%error, "wa-js cannot be put into the page"),
            }
        }
        if let Err(error) = tab.ask("standIn", &[json!(there)], NUDGE).await {
            tracing::debug!(%error, "the page that asked for wa-js is gone");
        }
    }
}

/// Tells the browser's end, once.
async fn watch_exit(mut exit: watch::Receiver<Option<Exit>>, listener: Arc<Listener>, handler: AbortHandle) {
    // The sender's own end without a word would be an end too.
    let exit = exit.wait_for(Option::is_some).await.map_or(None, |exit| *exit);
    handler.abort();
    listener.pending.all_gone();
    listener.tell(PageEvent::BrowserGone { signal: exit.and_then(|exit| exit.signal) });
}

/// Waits for the bridge's wish. Not done by the listener, which never waits.
async fn stand_in(shared: Weak<Shared>) {
    let Some(mut wanted) = shared.upgrade().map(|s| s.listener.stand_in_wanted.subscribe()) else { return };
    while wanted.changed().await.is_ok() {
        let Some(shared) = shared.upgrade() else { return };
        shared.put_stand_in().await;
    }
}

impl Engine for ChromiumEngine {
    fn pid(&self) -> Option<u32> {
        Some(self.shared.process.pid())
    }

    async fn call(&self, call: Call, body: Bytes, deadline_ms: u64) -> Result<(Reply, Bytes), CallError> {
        calling::call(&self.shared, call, body, Duration::from_millis(deadline_ms)).await
    }

    async fn probe_browser(&self, timeout_ms: u64) -> Result<(), ProbeError> {
        let limit = Duration::from_millis(timeout_ms);
        cdp::browser(&self.shared.browser, GetVersionParams::default(), limit).await.map(drop)
    }

    async fn probe_page(&self, timeout_ms: u64) -> Result<PageView, ProbeError> {
        match self.shared.ask("view", &[], Duration::from_millis(timeout_ms)).await? {
            // No bridge: the document is still on its way, or is an error page of the browser.
            Value::Null => Ok(PageView {
                phase: PagePhase::Loading,
                qr: None,
                me: None,
                percent: None,
                degraded: Vec::new(),
                version: None,
            }),
            Value::String(text) => serde_json::from_str(&text)
                .map_err(|_| ProbeError::Failed("the page's view is unreadable".to_owned())),
            _ => Err(ProbeError::Failed("the page's view is none".to_owned())),
        }
    }

    async fn nudge(&self, nudge: Nudge) -> Result<(), ProbeError> {
        let function = match nudge {
            Nudge::Reload => return self.shared.reload().await,
            Nudge::RelieveMemory => {
                let tab =
                    self.shared.tab().ok_or_else(|| ProbeError::Failed("there is no page".to_owned()))?;
                return tab.relieve_memory(RELIEVE).await;
            }
            Nudge::RefreshQr => "refreshQr",
            Nudge::TakeOver => "takeOver",
        };
        self.shared.ask(function, &[], NUDGE).await.map(drop)
    }

    async fn close(&self, timeout_ms: u64) {
        let patience = Duration::from_millis(timeout_ms);
        let start = Instant::now();
        self.shared.listener.pending.all_gone();
        if let Err(error) = cdp::browser(&self.shared.browser, CloseParams::default(), patience).await {
            // A browser that is gone already does not answer either.
            tracing::debug!(%error, "the browser did not confirm that it closes");
        }
        self.shared.process.end(patience.saturating_sub(start.elapsed())).await;
    }
}
