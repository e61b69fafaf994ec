//! [`Shared`]: the browser with its one tab, and the tab's replacement.
//!
//! Owns who the present tab is. Decides nothing: when to reload is said from outside, what to call is in
//! [`super::calling`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chromiumoxide::Browser;
use chromiumoxide::cdp::browser_protocol::target::CloseTargetParams;
use colmeia::protocol::{CallError, CallErrorKind, MAX_BODY, Reply};
use colmeia_base::tasks;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::AbortHandle;

use super::cdp;
use super::identity::Identity;
use super::listener::Listener;
use super::tab::{Tab, TabSettings};
use crate::browser::{BrowserProcess, PipeBridge, kill_renderers};
use crate::engine::{PageEvent, ProbeError};
use crate::files::{Body, Files};

/// A renderer that does not say `1` within this time is replaced when the page is to be loaded anew.
const SIGN_OF_LIFE: Duration = Duration::from_millis(1500);
/// For each step of a reload.
const RELOAD: Duration = Duration::from_secs(5);
/// For a request that the page only takes note of.
pub(super) const NUDGE: Duration = Duration::from_secs(5);
const INJECT: Duration = Duration::from_secs(30);
/// wa-js asks strangers for previews of links and reports its use, unless told otherwise beforehand.
const WA_JS_SETTINGS: &str =
    "window.WPPConfig = { disableGoogleAnalytics: true, linkPreviewApiServers: [] };";

/// What a launcher has made.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) browser: Browser,
    pub(super) handler: AbortHandle,
    pub(super) process: BrowserProcess,
    /// Held for its end: dropping it closes the browser's pipe.
    #[expect(dead_code)]
    pub(super) bridge: PipeBridge,
    pub(super) settings: Arc<TabSettings>,
    pub(super) identity: Identity,
    pub(super) wa_js: Option<PathBuf>,
    pub(super) files: Files,
}

/// The tab and the task that listens to it.
#[derive(Debug)]
struct Present {
    tab: Arc<Tab>,
    listening: AbortHandle,
}

/// The browser, its present tab, and who listens to it: what the engine and its calls have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) parts: Parts,
    pub(super) listener: Arc<Listener>,
    present: Mutex<Option<Present>>,
    /// Held while the page is being loaded anew.
    reloading: AsyncMutex<()>,
    next_call: AtomicU64,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.parts.handler.abort();
        if let Some(present) = self.present.get_mut().take() {
            present.listening.abort();
        }
    }
}

impl Shared {
    /// Puts together what a launcher has made; the tab comes with [`Self::open_tab`].
    pub(super) fn new(parts: Parts, events: mpsc::UnboundedSender<PageEvent>) -> Self {
        Self {
            parts,
            listener: Arc::new(Listener::new(events)),
            present: Mutex::new(None),
            reloading: AsyncMutex::new(()),
            next_call: AtomicU64::new(1),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// The present tab.
    pub(super) fn tab(&self) -> Option<Arc<Tab>> {
        let present = self.present.lock();
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
    pub(super) async fn open_tab(&self) -> Result<(), ProbeError> {
        let binding = self.parts.settings.script.binding.clone();
        let mut listening = None;
        let events = self.listener.events.clone();
        let tab = Tab::open(
            &self.parts.browser,
            Arc::clone(&self.parts.settings),
            &self.parts.identity,
            events,
            |streams| {
                let listener = Arc::clone(&self.listener);
                listening = Some(tasks::vital("page", listener.heed(streams, binding)).abort_handle());
            },
        )
        .await;
        let (Ok(_), Some(listening)) = (&tab, listening.clone()) else {
            if let Some(listening) = listening {
                listening.abort();
            }
            return tab.map(drop);
        };
        self.listener.crashed.send_replace(false);
        let present = Present { tab: Arc::new(tab?), listening };
        let old = self.present.lock().replace(present);
        if let Some(old) = old {
            // First, so that its end is no news.
            old.listening.abort();
            old.tab.close(&self.parts.browser, RELOAD).await;
        }
        Ok(())
    }

    /// The browser starts with a tab of its own.
    pub(super) async fn close_other_tabs(&self) {
        let Some(tab) = self.tab() else { return };
        for page in cdp::within(RELOAD, self.parts.browser.pages()).await.unwrap_or_default() {
            if page.target_id() != tab.target() {
                let close = CloseTargetParams::new(page.target_id().clone());
                if let Err(error) = cdp::browser(&self.parts.browser, close, RELOAD).await {
                    tracing::debug!(%error, "the browser's first tab did not close");
                }
            }
        }
    }

    /// Loads the page anew: by asking; by ending its renderer; in a new tab. The first that works.
    pub(super) async fn reload(&self) -> Result<(), ProbeError> {
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
        let killed = kill_renderers(self.parts.process.pid());
        tracing::warn!(killed, "the page does not react; its renderer is replaced");
        let mut crashed = self.listener.crashed.subscribe();
        if tokio::time::timeout(RELOAD, crashed.wait_for(|crashed| *crashed)).await.is_err() {
            tracing::warn!("the browser did not notice the end of its renderer");
        }
        self.listener.crash_is_wanted.store(false, Ordering::Relaxed);
    }

    /// The present tab as a PNG.
    pub(super) async fn screenshot(&self, limit: Duration) -> Result<(Reply, Body), CallError> {
        let not_now = |why: String| CallError::new(CallErrorKind::NotReady, why);
        let tab = self.tab().ok_or_else(|| not_now("there is no page".to_owned()))?;
        let png = tab.screenshot(limit).await;
        let png = png.map_err(|error| not_now(format!("the page cannot be drawn: {error}")))?;
        if png.len() > MAX_BODY {
            return Err(CallError::new(CallErrorKind::TooLarge, "the picture is larger than a frame"));
        }
        Ok((Reply::Media { mimetype: "image/png".to_owned(), filename: None }, Body::Memory(png)))
    }

    /// Puts wa-js into the page, if there is one, and tells the bridge.
    pub(super) async fn put_stand_in(&self) {
        let source = match &self.parts.wa_js {
            Some(path) => tokio::fs::read_to_string(path).await.map_err(|error| {
                tracing::error!(path = %path.display(), %error, "wa-js cannot be read");
            }),
            None => {
                tracing::error!("the page needs wa-js, and none is configured (key wa_js)");
                Err(())
            }
        };
        let Some(tab) = self.tab() else { return };
        let mut there = false;
        if let Ok(source) = source {
            // A second one would wrap what the first has wrapped already.
            let before = tab.evaluate("Boolean(window.WPP)", NUDGE).await;
            let put = match before {
                Ok(Value::Bool(true)) => before,
                _ => tab.evaluate(&format!("{WA_JS_SETTINGS}\n{source}\n;undefined"), INJECT).await,
            };
            match put {
                Ok(_) => there = self.extend(&tab).await,
                Err(error) => tracing::error!(%error, "wa-js cannot be put into the page"),
            }
        }
        // Also where it is there only in part: the bridge waits for this word.
        if let Err(error) = tab.ask("standIn", &[json!(there)], NUDGE).await {
            tracing::debug!(%error, "the page that asked for wa-js is gone");
        }
    }

    /// Gives the bridge the operations that need wa-js. Once wa-js says so itself it is ready for them.
    async fn extend(&self, tab: &Tab) -> bool {
        let extended = tab.evaluate(&self.parts.settings.script.extension(), NUDGE).await;
        extended.map_err(|error| tracing::error!(%error, "the bridge takes no further operations")).is_ok()
    }
}
