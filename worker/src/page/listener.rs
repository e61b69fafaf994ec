//! What the page and its renderer tell. Owns the order: everything that one tab says is passed on in the order
//! in which it was said, by one task that never waits for anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chromiumoxide::cdp::browser_protocol::target::{EventTargetCrashed, EventTargetDestroyed, TargetId};
use chromiumoxide::cdp::js_protocol::runtime::EventBindingCalled;
use chromiumoxide::error::CdpError;
use chromiumoxide::listeners::EventStream;
use chromiumoxide::{Browser, Page};
use colmeia::protocol::CallError;
use futures::StreamExt;
use tokio::sync::{mpsc, watch};

use super::pending::{Answer, Pending};
use super::wire::{self, BridgeEvent};
use crate::engine::{PageEvent, PagePhase};

/// The streams of one tab.
pub(super) struct Streams {
    target: TargetId,
    told: EventStream<EventBindingCalled>,
    crashed: EventStream<EventTargetCrashed>,
    destroyed: EventStream<EventTargetDestroyed>,
}

impl Streams {
    pub(super) async fn of(browser: &Browser, page: &Page) -> Result<Self, CdpError> {
        Ok(Self {
            target: page.target_id().clone(),
            told: page.event_listener().await?,
            crashed: browser.event_listener().await?,
            destroyed: browser.event_listener().await?,
        })
    }
}

/// What outlives a tab.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) events: mpsc::UnboundedSender<PageEvent>,
    pub(super) pending: Pending,
    /// Members that wa-js is asked to stand in for; `None` while nobody asks.
    pub(super) stand_in_wanted: watch::Sender<u64>,
    /// Whether the renderer of the present tab is gone.
    pub(super) crashed: watch::Sender<bool>,
    /// The end of a link is told once, although several signs of it come.
    link_end_told: AtomicBool,
    /// Set while the renderer is being ended on purpose: its crash is no news.
    pub(super) crash_is_wanted: AtomicBool,
}

impl Listener {
    pub(super) fn new(events: mpsc::UnboundedSender<PageEvent>) -> Self {
        Self {
            events,
            pending: Pending::default(),
            stand_in_wanted: watch::Sender::new(0),
            crashed: watch::Sender::new(false),
            link_end_told: AtomicBool::new(false),
            crash_is_wanted: AtomicBool::new(false),
        }
    }

    /// Passes on what a tab says, until it says nothing more.
    pub(super) async fn heed(self: Arc<Self>, mut streams: Streams, binding: String) {
        loop {
            tokio::select! {
                Some(event) = streams.told.next() => {
                    if let Some(told) = wire::read(&event, &binding) {
                        self.on(told);
                    }
                }
                Some(event) = streams.crashed.next() => if event.target_id == streams.target {
                    self.on_crash();
                },
                Some(event) = streams.destroyed.next() => if event.target_id == streams.target {
                    return self.on_crash();
                },
                else => return,
            }
        }
    }

    fn on(&self, told: BridgeEvent) {
        match told {
            BridgeEvent::Hello { document } => self.pending.begins(document),
            BridgeEvent::View { view } => {
                if matches!(view.phase, PagePhase::Pairing | PagePhase::Syncing | PagePhase::Main) {
                    self.link_end_told.store(false, Ordering::Relaxed);
                }
                self.tell(PageEvent::View(view));
            }
            BridgeEvent::Message { message } => self.tell(PageEvent::Message(message)),
            BridgeEvent::Ack { message, ack, other_names } => {
                self.tell(PageEvent::Ack { message, ack, other_names });
            }
            BridgeEvent::Happened { what } => self.tell(PageEvent::Happened(what)),
            BridgeEvent::Behind {} => self.tell(PageEvent::Behind),
            BridgeEvent::Linked {} => self.tell(PageEvent::Linked),
            BridgeEvent::Logout {} => {
                if !self.link_end_told.swap(true, Ordering::Relaxed) {
                    self.tell(PageEvent::LoggedOut);
                }
            }
            BridgeEvent::NeedStandIn { members, operation } => {
                match operation {
                    Some(operation) => tracing::info!(operation, "wa-js is put into the page"),
                    None => tracing::warn!(?members, "the page has changed; wa-js is asked to stand in"),
                }
                self.stand_in_wanted.send_modify(|count| *count += 1);
            }
            BridgeEvent::Reply { call, reply, size, took } => {
                self.pending.answer(call, Answer::Reply { reply, size, took })
            }
            BridgeEvent::Failure { call, kind, text, restriction } => {
                let error = CallError::new(kind, text).for_restriction(restriction);
                self.pending.answer(call, Answer::Failure(error));
            }
        }
    }

    fn on_crash(&self) {
        self.pending.all_gone();
        self.crashed.send_replace(true);
        if !self.crash_is_wanted.load(Ordering::Relaxed) {
            self.tell(PageEvent::PageCrashed);
        }
    }

    pub(super) fn tell(&self, event: PageEvent) {
        // Nobody listens any more only while everything is being dropped.
        let _ = self.events.send(event);
    }
}
