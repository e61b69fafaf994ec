//! Owns the words that the page and its server exchange on their channel.
//! Nothing but wire types: no decision is made here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a page can be in, as its server and the phone see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageState {
    /// The page's scripts are still starting.
    #[default]
    Loading,
    /// Waiting for a phone to scan its QR code (or for a reload of it).
    Qr,
    /// The phone asks for a passkey before it accepts.
    Passkey,
    /// A phone accepted it; the registration is being written.
    Pairing,
    /// Linked or resumed, not yet usable.
    Syncing,
    /// Usable.
    Main,
    /// Another browser took the session over.
    Conflict,
    /// The server is out of reach, as far as the page knows.
    Offline,
    /// The registration is gone; the page is about to navigate.
    LoggedOut,
    /// The number was banned.
    Banned,
    /// The server does not let the device in at present.
    Refused,
    /// The page waits for a passcode.
    Locked,
}

/// Who a page is registered as; kept in the browser's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Phone number, digits only.
    pub(crate) number: String,
    /// Device number at that phone.
    pub(crate) device: u32,
    /// The owner's name.
    #[serde(default)]
    pub(crate) name: String,
}

/// One message from the page to its server.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum FromPage {
    /// First word on every channel.
    Hello {
        #[serde(default)]
        user_agent: String,
    },
    /// The page's state changed.
    State {
        state: PageState,
        #[serde(default)]
        qr: Option<String>,
        #[serde(default)]
        code: Option<String>,
    },
    /// The page may (or may no longer) be given what is queued for its device.
    Receive { on: bool },
    /// These queued events are in the page's own store.
    Stored { seqs: Vec<u64> },
    /// A question that wants exactly one `Reply`.
    Ask {
        rid: u64,
        #[serde(flatten)]
        question: Question,
    },
}

/// What a page can ask.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Question {
    /// Go on with the registration that the profile holds.
    Resume { identity: Identity },
    /// Send a message; `what` is by what it may be refused (record `refusal`).
    Send {
        message: Outgoing,
        #[serde(default)]
        what: Option<String>,
    },
    /// Does this number have an account?
    Exists { number: String },
    /// The user logged this device out.
    Logout,
    /// Typing, recording or neither.
    ChatState { chat: String, state: String },
    /// The user has seen this chat.
    Seen { chat: String },
    /// Sets or (null) removes a record, and tells the devices of these numbers.
    Keep {
        kind: String,
        id: String,
        value: Value,
        #[serde(default)]
        tell: Vec<String>,
        /// What happened, for those who are told.
        #[serde(default)]
        change: Value,
    },
    /// A record by its id, or all of a kind.
    Find {
        kind: String,
        #[serde(default)]
        id: Option<String>,
    },
    /// Something that leaves no record: a refused call, a presence.
    Did { what: String, details: Value },
    /// Whether the account is kept from writing to people who never wrote to it.
    Timelock,
    /// How far the account is with its new chats.
    Capping,
    /// Fresh options for a passkey; what was signed for the ones before counts no more.
    PasskeyOptions,
    /// What the user's browser has signed; `handoff`: early enough for the code to need no comparing.
    PasskeyProof { assertion: Assertion, handoff: bool },
    /// The user has compared the code, or need not.
    PasskeyConfirm,
    /// The user goes back to a QR code.
    PasskeyCancel,
}

/// A message as the page sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// Whole message id, `true_<chat>_<id>`.
    pub(crate) id: String,
    /// Chat it goes to.
    pub(crate) to: String,
    /// `chat`, `image`, `document`, `protocol`, `reaction`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Everything else: body, caption, mimetype, filename, size, media path, quoted message, …
    #[serde(flatten)]
    pub(crate) details: serde_json::Map<String, Value>,
}

/// One message from the server to the page.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ToPage {
    /// The name under which the server knows this page.
    Welcome { page: String },
    /// The answer to `Ask`.
    Reply { rid: u64, answer: Value },
    /// A phone has linked this page.
    Linked { identity: Identity, contacts: Vec<Contact>, slow_sync: Option<u64> },
    /// Something for the device: a message, an ack, an edit, …
    Deliver { seq: u64, event: Value },
    /// Everything that had waited for the device was told.
    OfflineEnd,
    /// The phone has logged this device out.
    Logout,
    /// The account asks for a passkey: to be linked, or (`checkpoint`) to stay so.
    Passkey { options: Value, checkpoint: bool },
    /// Behave badly.
    Fault { fault: String, value: Option<f64> },
}

/// What the page read of an assertion, in base64url.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assertion {
    pub(crate) id: String,
    #[serde(rename = "clientDataJSON")]
    pub(crate) client_data: String,
    pub(crate) authenticator_data: String,
    pub(crate) signature: String,
}

/// An entry of the phone's address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    /// Phone number, digits only.
    pub(crate) number: String,
    /// Name in the address book.
    pub(crate) name: String,
}
