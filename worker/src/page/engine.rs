//! [`ChromiumEngine`]: the interface's side of a browser: probes, nudges, wa-js on demand and the end, each with
//! a limit of its own.
//!
//! Owns the tasks around the browser. The browser and its tab are in [`super::shared`], calls in
//! [`super::calling`].

use std::sync::{Arc, Weak};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{CloseParams, GetVersionParams};
use colmeia::protocol::{Call, CallError, Reply};
use colmeia_base::tasks;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::calling;
use super::cdp;
use super::listener::Listener;
use super::presence::{Presence, Wish};
use super::shared::{NUDGE, Parts, Shared};
use crate::browser::Exit;
use crate::engine::{Engine, Nudge, PageEvent, PagePhase, PageView, ProbeError};
use crate::files::Body;
use crate::spool::Marks;

/// A collection of a large heap stops the page for a second or two.
const RELIEVE: Duration = Duration::from_secs(15);

/// A running Chromium with the page in it. Dropping it kills the browser.
#[derive(Debug)]
pub(crate) struct ChromiumEngine {
    shared: Arc<Shared>,
    presence: Presence,
    tasks: [AbortHandle; 2],
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
        let shared = Arc::new(Shared::new(parts, events));
        let tasks = [
            tasks::vital(
                "browser's end",
                watch_exit(
                    shared.parts.process.watch_exit(),
                    Arc::clone(&shared.listener),
                    shared.parts.handler.clone(),
                ),
            )
            .abort_handle(),
            tasks::vital("wa-js", stand_in(Arc::downgrade(&shared))).abort_handle(),
        ];
        let engine = Self { shared, presence: Presence::default(), tasks };
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
        Some(self.shared.parts.process.pid())
    }

    async fn call(&self, call: Call, body: Body, deadline_ms: u64) -> Result<(Reply, Body), CallError> {
        let limit = Duration::from_millis(deadline_ms);
        match call {
            // The browser draws it: a page without a bridge, or before its login, has a picture too.
            Call::Screenshot => self.shared.screenshot(limit).await,
            call => {
                let wish = Wish::of(&call);
                let answer = calling::call(&self.shared, call, body, limit).await?;
                wish.into_iter().for_each(|wish| self.presence.granted(wish));
                Ok(answer)
            }
        }
    }

    async fn probe_browser(&self, timeout_ms: u64) -> Result<(), ProbeError> {
        let limit = Duration::from_millis(timeout_ms);
        cdp::browser(&self.shared.parts.browser, GetVersionParams::default(), limit).await.map(drop)
    }

    async fn probe_page(&self, timeout_ms: u64) -> Result<PageView, ProbeError> {
        match self.shared.ask("view", &[], Duration::from_millis(timeout_ms)).await? {
            // No bridge: the document is still on its way, or is an error page of the browser.
            Value::Null => Ok(PageView {
                phase: PagePhase::Loading,
                qr: None,
                me: None,
                percent: None,
                heard: false,
                unlinked: false,
                until_ms: None,
                left_ms: None,
                degraded: Vec::new(),
                lacks: Vec::new(),
                version: None,
                restrictions: Box::default(),
                passkey: None,
            }),
            Value::String(text) => serde_json::from_str(&text)
                .map_err(|_| ProbeError::Failed("the page's view is unreadable".to_owned())),
            _ => Err(ProbeError::Failed("the page's view is none".to_owned())),
        }
    }

    async fn catch_up(&self, marks: Option<Marks>) -> Result<(), ProbeError> {
        self.shared.ask("marks", &[json!(marks), self.presence.told()], NUDGE).await.map(drop)
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
            Nudge::Reconnect => "reconnect",
            Nudge::PasskeyContinue => "passkeyContinue",
            Nudge::PasskeyCancel => "passkeyCancel",
        };
        self.shared.ask(function, &[], NUDGE).await.map(drop)
    }

    async fn close(&self, timeout_ms: u64) -> bool {
        let patience = Duration::from_millis(timeout_ms);
        let start = Instant::now();
        self.shared.listener.pending.all_gone();
        if let Err(error) = cdp::browser(&self.shared.parts.browser, CloseParams::default(), patience).await {
            // A browser that is gone already does not answer either.
            tracing::debug!(%error, "the browser did not confirm that it closes");
        }
        self.shared.parts.process.end(patience.saturating_sub(start.elapsed())).await
    }
}
