//! Owns what the phone knows about one number: its devices, their queues, its chats, what was sent.
//! Never talks to a page; the world does.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    limits::Limits,
    passkey::Passkey,
    wire::{Contact, Outgoing},
};

/// One phone number with an account.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The owner's name.
    pub(crate) name: String,
    /// The phone's address book.
    pub(crate) contacts: Vec<Contact>,
    /// Linked browsers, and those that were logged out and must learn so.
    pub(crate) devices: BTreeMap<u32, Device>,
    /// What the pages of this number sent, in order.
    pub(crate) sent: Vec<Sent>,
    /// Both directions, for the phone's screen.
    pub(crate) chats: BTreeMap<String, Chat>,
    /// What the pages did that leaves no record, in order.
    #[serde(default)]
    pub(crate) actions: Vec<Action>,
    /// With one, a code alone links nothing.
    #[serde(default)]
    pub(crate) passkey: Option<Passkey>,
    /// What the server restricts it in.
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// Something that a page did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    /// `reject_call`, `presence`, …
    pub(crate) what: String,
    /// Its details, as the page gave them.
    pub(crate) details: Value,
    /// When, in seconds.
    pub(crate) timestamp: u64,
}

/// One linked browser.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Device {
    /// Logged out at the phone; the browser may not know it yet.
    pub(crate) logged_out: bool,
    /// Events that the page has not stored yet, oldest first.
    pub(crate) queue: VecDeque<Queued>,
    /// Number of the last event ever queued.
    pub(crate) last_seq: u64,
}

/// An event that waits until the page has stored it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Queued {
    /// Its number within the device's queue.
    pub(crate) seq: u64,
    /// What the page will be told.
    pub(crate) event: Value,
}

/// A message that a page sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Which number sent it.
    pub(crate) number: String,
    /// Which of its devices.
    pub(crate) device: u32,
    /// When the server took it, in seconds.
    pub(crate) timestamp: u64,
    /// The message.
    #[serde(flatten)]
    pub(crate) message: Outgoing,
}

/// One chat on the phone's screen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chat {
    /// Whom it is with.
    pub(crate) name: String,
    /// Typing state that the page last sent.
    pub(crate) typing: Option<String>,
    /// When the page last said it has seen the chat, in seconds.
    pub(crate) seen_at: Option<u64>,
    /// Lines in order.
    pub(crate) lines: Vec<Line>,
}

/// One message on the phone's screen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Message id as the page knows it.
    pub(crate) id: String,
    /// Sent by the page (true) or by the other side.
    pub(crate) from_me: bool,
    /// Text or caption.
    pub(crate) text: String,
    /// Message type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// When, in seconds.
    pub(crate) timestamp: u64,
}

impl Account {
    /// A device number that was never used by this account.
    pub(crate) fn next_device(&self) -> u32 {
        self.devices.keys().last().map_or(1, |last| last + 1)
    }

    /// Whether any browser is linked.
    pub(crate) fn has_devices(&self) -> bool {
        self.devices.values().any(|device| !device.logged_out)
    }

    /// Puts an event into the queue of every linked device.
    pub(crate) fn queue_everywhere(&mut self, event: &Value) {
        for device in self.devices.values_mut().filter(|device| !device.logged_out) {
            device.push(event.clone());
        }
    }

    /// The number with which the server refuses a message of this account, if it does. What it restricts is about people who
    /// never wrote to the account; whoever did is written to as ever, and so are groups.
    pub(crate) fn nack(&self, own: &str, message: &Outgoing) -> Option<u16> {
        let is_person = message.to.ends_with("@c.us") || message.to.ends_with("@lid");
        let is_own = message.to.strip_suffix("@c.us") == Some(own);
        let wrote =
            self.chats.get(&message.to).is_some_and(|chat| chat.lines.iter().any(|line| !line.from_me));
        if !is_person || is_own || wrote || message.details.contains_key("about") {
            return None;
        }
        self.limits.nack()
    }

    /// Notes a message on the phone's screen.
    pub(crate) fn note(&mut self, chat: &str, name: Option<&str>, line: Line) {
        let known = self.contacts.iter().find(|contact| chat.starts_with(&format!("{}@", contact.number)));
        let label = known.map(|contact| contact.name.clone());
        let chat = self.chats.entry(chat.to_owned()).or_default();
        if chat.name.is_empty() {
            chat.name = label.or_else(|| name.map(str::to_owned)).unwrap_or_default();
        }
        chat.lines.push(line);
    }
}

impl Device {
    /// Appends an event.
    pub(crate) fn push(&mut self, event: Value) -> u64 {
        self.last_seq += 1;
        self.queue.push_back(Queued { seq: self.last_seq, event });
        self.last_seq
    }

    /// Forgets the events that the page has stored.
    pub(crate) fn stored(&mut self, seqs: &[u64]) {
        self.queue.retain(|queued| !seqs.contains(&queued.seq));
    }
}
