//! A page that tests play: an [`Engine`] without a browser.
//!
//! Owns nothing of production; compiled for tests only.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use colmeia::Me;
use colmeia::operations::SentMessage;
use colmeia::protocol::{Call, CallError, MessageRecord, OtherNames, Reply};
use tokio::sync::mpsc;

use crate::engine::{Engine, Launcher, Nudge, OpenError, PageEvent, PagePhase, PageView, ProbeError};
use crate::files::Body;
use crate::spool::Marks;

/// What the fake page answers to probes, and what it was asked.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) view: Option<PageView>,
    pub(crate) nudges: Vec<Nudge>,
    pub(crate) calls: Vec<String>,
    /// Of each, whether what came with it lies on the disk.
    pub(crate) files: Vec<bool>,
    /// How far it was told that the page before it was heard.
    pub(crate) marks: Option<Option<Marks>>,
    pub(crate) closed: bool,
    pub(crate) events: Option<mpsc::UnboundedSender<PageEvent>>,
}

/// The test's side of it; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Director(Arc<Mutex<Stage>>);

impl Director {
    pub(crate) fn stage<T>(&self, look: impl FnOnce(&mut Stage) -> T) -> T {
        look(&mut self.0.lock().expect("no test panics with the stage in hand"))
    }

    /// The page shows this from now on, and says so.
    pub(crate) fn show(&self, view: PageView) {
        self.tell(PageEvent::View(view.clone()));
        self.stage(|stage| stage.view = Some(view));
    }

    pub(crate) fn tell(&self, event: PageEvent) {
        self.stage(|stage| {
            stage.events.as_ref().expect("it is open").send(event).expect("the session listens")
        });
    }

    /// The page answers no probe any more.
    pub(crate) fn hang(&self) {
        self.stage(|stage| stage.view = None);
    }
}

impl Launcher for Director {
    type Engine = Director;

    async fn open(&self, events: mpsc::UnboundedSender<PageEvent>) -> Result<Director, OpenError> {
        self.stage(|stage| stage.events = Some(events));
        Ok(self.clone())
    }

    async fn lives_with_an_empty_profile(&self) -> bool {
        true
    }
}

impl Engine for Director {
    fn pid(&self) -> Option<u32> {
        Some(4242)
    }

    async fn call(&self, call: Call, body: Body, _deadline_ms: u64) -> Result<(Reply, Body), CallError> {
        self.stage(|stage| {
            stage.calls.push(call.name().into());
            stage.files.push(matches!(body, Body::File(_)));
        });
        match call {
            Call::DownloadMedia { .. } | Call::Screenshot => Ok((
                Reply::Media { mimetype: "image/png".into(), filename: None },
                Body::Memory(Bytes::from_static(b"\x89PNG")),
            )),
            Call::SendMedia { .. } => {
                Ok((Reply::Sent(SentMessage::new(format!("true_x_{}", body.length()), 1)), Body::NONE))
            }
            _ => Ok((Reply::Done, Body::NONE)),
        }
    }

    async fn probe_browser(&self, _timeout_ms: u64) -> Result<(), ProbeError> {
        Ok(())
    }

    async fn probe_page(&self, timeout_ms: u64) -> Result<PageView, ProbeError> {
        self.stage(|stage| stage.view.clone()).ok_or(ProbeError::Timeout(timeout_ms))
    }

    async fn catch_up(&self, marks: Option<Marks>) -> Result<(), ProbeError> {
        self.stage(|stage| stage.marks = Some(marks));
        Ok(())
    }

    async fn nudge(&self, nudge: Nudge) -> Result<(), ProbeError> {
        self.stage(|stage| stage.nudges.push(nudge));
        Ok(())
    }

    async fn close(&self, _timeout_ms: u64) -> bool {
        self.stage(|stage| {
            stage.closed = true;
            stage.events = None;
        });
        true
    }
}

/// A view of this phase, with an account where one belongs.
pub(crate) fn view(phase: PagePhase) -> PageView {
    let me = Me {
        wid: "5511999998888@c.us".into(),
        lid: None,
        pushname: "Ana".into(),
        platform: "android".into(),
    };
    let linked = matches!(phase, PagePhase::Syncing | PagePhase::Main | PagePhase::Offline);
    PageView {
        phase,
        qr: None,
        me: linked.then_some(me),
        percent: None,
        heard: false,
        unlinked: false,
        until_ms: None,
        left_ms: None,
        degraded: vec![],
        lacks: vec![],
        restrictions: Box::default(),
        version: None,
        passkey: None,
    }
}

/// An incoming message.
pub(crate) fn message(n: u32) -> PageEvent {
    PageEvent::Message(Box::new(MessageRecord {
        id: format!("false_5511988887777@c.us_{n}"),
        chat: "5511988887777@c.us".into(),
        from: "5511988887777@c.us".into(),
        to: None,
        author: None,
        from_me: false,
        kind: "chat".into(),
        body: format!("oi {n}"),
        timestamp_ms: 1_700_000_000_000,
        ack: 1,
        has_media: false,
        mimetype: None,
        filename: None,
        sender_name: None,
        details: None,
        other_names: OtherNames::default(),
    }))
}
