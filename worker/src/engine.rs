//! The one narrow interface between the session and whatever plays the page: open, call, events, health, close.
//!
//! Owns only types. Session logic and IPC know the browser through these and nothing else, so that a test can
//! play the page, and another engine can take Chromium's place.

use std::future::Future;

use colmeia::passkey::Request;
use colmeia::protocol::{Call, CallError, Event, MessageRecord, OtherNames, Reply};
use colmeia::{Me, MissingMember, Restrictions, Secret};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::files::Body;
use crate::spool::Marks;

/// What the page shows of itself, in one consistent piece. The bridge sends it at each change, and a probe
/// returns it fresh.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PageView {
    /// Where the page is.
    pub(crate) phase: PagePhase,
    /// The complete QR string while one is shown.
    pub(crate) qr: Option<Secret>,
    /// The account, once registered.
    pub(crate) me: Option<Me>,
    /// Progress of the synchronisation, where the page tells.
    pub(crate) percent: Option<u8>,
    /// Everything that the page has was told.
    #[serde(default)]
    pub(crate) heard: bool,
    /// There is no registration, and none is being cleared: what a logout leaves behind.
    #[serde(default)]
    pub(crate) unlinked: bool,
    /// Until when what is wrong lasts, in milliseconds since the epoch, where the page says so.
    pub(crate) until_ms: Option<u64>,
    /// How long from the moment in which this was told, in milliseconds; not told by the page.
    #[serde(skip)]
    pub(crate) left_ms: Option<u64>,
    /// Page members that the bridge misses and wa-js has to stand in for.
    #[serde(default)]
    pub(crate) degraded: Vec<String>,
    /// What of the page is missing, and what follows from it.
    #[serde(default)]
    pub(crate) lacks: Vec<MissingMember>,
    /// The page's version.
    pub(crate) version: Option<String>,
    /// What WhatsApp restricts the account in, as far as the page has said.
    #[serde(default)]
    pub(crate) restrictions: Box<Restrictions>,
    /// While the account asks for a passkey.
    pub(crate) passkey: Option<Box<PasskeyView>>,
}

impl PageView {
    /// What the account is restricted in after this view. A new document knows nothing of it at first, which takes back
    /// nothing; who is no longer linked is restricted in nothing.
    pub(crate) fn restrictions_after(&self, before: &Restrictions) -> Restrictions {
        if matches!(self.phase, PagePhase::Qr | PagePhase::LoggedOut | PagePhase::Banned) {
            return Restrictions::default();
        }
        let Restrictions { timelock, capping } = (*self.restrictions).clone();
        Restrictions {
            timelock: timelock.or_else(|| before.timelock.clone()),
            capping: capping.or_else(|| before.capping.clone()),
        }
    }
}

/// What the page shows while the account asks for a passkey.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct PasskeyView {
    /// How far it is.
    pub(crate) step: PasskeyAt,
    /// What has to be signed, while the page waits for it.
    pub(crate) request: Option<Box<Request>>,
    /// The code that has to be compared.
    pub(crate) code: Option<Secret>,
}

/// How far the page is with a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PasskeyAt {
    /// Its prompt waits for a click.
    Prompt,
    /// It waits for its browser.
    Signing,
    /// It has the answer, and waits for WhatsApp.
    Answered,
    /// It asks, and passkeys are switched off.
    Off,
    /// WhatsApp did not accept the answer, or did not say anything in time; the prompt waits for a click again.
    Error,
}

/// The phases of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PagePhase {
    /// Scripts are still being loaded, or modules registered.
    Loading,
    /// Waits for a phone.
    Qr,
    /// A phone has scanned, and its account asks for a passkey.
    Passkey,
    /// Phone and page show a code that has to be compared.
    PasskeyConfirm,
    /// Registered and connected, and has to prove itself with a passkey to stay so.
    PasskeyCheckpoint,
    /// A phone has scanned.
    Pairing,
    /// Registered, history on its way.
    Syncing,
    /// Registered, connected, synchronised: messages can be sent.
    Main,
    /// Registered, without a connection.
    Offline,
    /// Registered, and WhatsApp says that it cannot serve it at present.
    Unavailable,
    /// Registered, but opened elsewhere.
    Conflict,
    /// Registered, and let in by nobody without a word: the page is too old, or has stopped for another reason.
    Outdated,
    /// Registered, and waits for a passcode that nobody can type here.
    ScreenLocked,
    /// WhatsApp refuses this number for some time.
    TemporarilyBanned,
    /// WhatsApp refuses this number or client.
    Banned,
    /// The link was ended; a new code comes after a navigation.
    LoggedOut,
}

/// What the engine tells without being asked.
#[allow(clippy::large_enum_variant, reason = "views are few, and moved once")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageEvent {
    /// The page changed.
    View(PageView),
    /// A message came in or was written on another device. The same one may come again.
    Message(Box<MessageRecord>),
    /// A sent message went further.
    Ack {
        /// The message's id.
        message: String,
        /// 1 server, 2 device, 3 read, 4 played; -1 failed.
        ack: i32,
        /// The other names of the people in its id.
        other_names: OtherNames,
    },
    /// Something beside messages and acknowledgements.
    Happened(Box<Event>),
    /// A new document wants to know how far the one before it was heard, and tells nothing until it does.
    Behind,
    /// A phone was linked to this document: what it had before is history.
    Linked,
    /// The link was ended. The same end may be told again.
    LoggedOut,
    /// The page cannot be loaded, for this reason of the browser's (`net::ERR_…`).
    NotLoaded(String),
    /// The renderer is gone; the browser lives.
    PageCrashed,
    /// The browser is gone. Nothing comes after this.
    BrowserGone {
        /// The signal it died of, where it died of one.
        signal: Option<i32>,
    },
}

/// Why a browser could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// With what to do about it, in words.
    #[error("{0}")]
    Launch(String),
    /// The machine has no descriptors, processes or memory left for it; in words.
    #[error("{0}")]
    Machine(String),
    /// The browser's program is missing or cannot be run; with what to do about it.
    #[error("{0}")]
    NoBrowser(String),
    /// Chromium's sandbox is wanted and cannot be had; with what to do about it.
    #[error("{0}")]
    NoSandbox(String),
    /// A browser that cannot write damages its profile.
    #[error("the disk is full: {0} bytes are free, and a browser needs {1}")]
    DiskFull(u64, u64),
    /// The browser cannot use its profile; with how that was seen.
    #[error("the browser cannot use its profile: {0}")]
    ProfileCorrupt(String),
    /// Another process that is alive uses the profile.
    #[error("the profile is in use by process {0}")]
    ProfileInUse(u32),
}

/// Why a probe failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProbeError {
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// An answer that is none.
    #[error("the probe failed: {0}")]
    Failed(String),
}

/// What the session may ask of the page besides the calls of its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nudge {
    /// Load the page anew; replaces a renderer that hangs or has crashed.
    Reload,
    /// Show a new code after the page stopped doing so by itself.
    RefreshQr,
    /// Try to connect at once instead of at the page's next turn, which may be a quarter of an hour away.
    Reconnect,
    /// Go on from the prompt for a passkey, or from the card that says that one was not accepted.
    PasskeyContinue,
    /// Give the passkey up and show a code to scan again.
    PasskeyCancel,
    /// Free what memory it can.
    RelieveMemory,
}

/// Starts browsers.
pub(crate) trait Launcher: Send + Sync + 'static {
    /// What a start gives.
    type Engine: Engine;

    /// Starts the browser and begins to load the page. Events begin to come before this returns.
    /// The caller bounds the time; dropping the future must leave no process behind.
    fn open(
        &self,
        events: mpsc::UnboundedSender<PageEvent>,
    ) -> impl Future<Output = Result<Self::Engine, OpenError>> + Send;

    /// Whether the same browser lives with an empty profile. The one before it is gone.
    fn lives_with_an_empty_profile(&self) -> impl Future<Output = bool> + Send;
}

/// A running browser with its page. All methods may be called at the same time; each bounds its own time.
pub(crate) trait Engine: Send + Sync + 'static {
    /// The browser's process id.
    fn pid(&self) -> Option<u32>;

    /// Does one operation. `body` is the media to send, or empty.
    /// After `deadline_ms` the answer is an error that says whether the operation may still take effect.
    fn call(
        &self,
        call: Call,
        body: Body,
        deadline_ms: u64,
    ) -> impl Future<Output = Result<(Reply, Body), CallError>> + Send;

    /// Health, level two: does the browser answer?
    fn probe_browser(&self, timeout_ms: u64) -> impl Future<Output = Result<(), ProbeError>> + Send;

    /// Health, level three: does the page answer, and what does it show?
    fn probe_page(&self, timeout_ms: u64) -> impl Future<Output = Result<PageView, ProbeError>> + Send;

    /// Says how far the document before was heard; `None` when nothing was ever heard.
    fn catch_up(&self, marks: Option<Marks>) -> impl Future<Output = Result<(), ProbeError>> + Send;

    /// Asks the page for something; returns when the request was made, not when it took effect.
    fn nudge(&self, nudge: Nudge) -> impl Future<Output = Result<(), ProbeError>> + Send;

    /// Closes the browser so that its profile is flushed; kills it after `timeout_ms`. Every process of it is
    /// gone when this returns. `true` when it ended by itself and without trouble, so that everything is on disk.
    fn close(&self, timeout_ms: u64) -> impl Future<Output = bool> + Send;
}
