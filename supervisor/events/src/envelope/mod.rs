//! The envelope: an event as it goes out, the same through webhooks, replays, server-sent events and WebSockets.
//!
//! Owns WAHA's shape of it ([`Envelope`]), of each payload ([`payload`]) and of a message ([`Message`]). Pure: it looks nothing up and sends
//! nothing.

mod message;
mod origin;
mod payload;
mod restrictions;

use colmeia::{Me, UserId};
use serde::Serialize;
use serde_json::Value;

use crate::journal::{EventId, Recorded};

pub use message::{Message, MessageFile, both_names};
pub use origin::{Origin, percent_encoded};
pub use restrictions::{MessageCappingData, ReachoutTimelockData};

/// The engine whose ids and shapes ours are; typed clients know no other name.
const ENGINE: &str = "WEBJS";

/// An event for others.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    /// The event's id.
    pub id: EventId,
    /// Milliseconds since the epoch.
    timestamp: i64,
    event: &'static str,
    session: &'a UserId,
    metadata: Option<Value>,
    me: Option<Account<'a>>,
    payload: Value,
    engine: &'static str,
    environment: Environment,
}

/// The account that the session is linked with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lid: Option<&'a str>,
    push_name: &'a str,
}

/// The number and the name are private.
impl std::fmt::Debug for Account<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Account")
    }
}

#[derive(Debug, Serialize)]
struct Environment {
    version: &'static str,
    engine: &'static str,
    tier: &'static str,
    browser: &'static str,
    platform: &'static str,
    worker: EnvelopeWorker,
}

#[derive(Debug, Serialize)]
struct EnvelopeWorker {
    id: &'static str,
}

/// Where we run, as WAHA writes it.
const PLATFORM: &str = if cfg!(target_arch = "x86_64") { "linux/x64" } else { "linux/arm64" };

const ENVIRONMENT: Environment = Environment {
    version: env!("CARGO_PKG_VERSION"),
    engine: ENGINE,
    tier: "CORE",
    browser: "chromium",
    platform: PLATFORM,
    worker: EnvelopeWorker { id: "colmeia" },
};

impl<'a> Envelope<'a> {
    /// The envelope of an event, with what was configured of its session, for a reader who finds files there. `None`
    /// for one that cannot be read.
    pub fn of(event: &'a Recorded, metadata: Option<Value>, files: &Origin) -> Option<Self> {
        let account = |me: &'a Me| Account { id: &me.wid, lid: me.lid.as_deref(), push_name: &me.pushname };
        Some(Self {
            id: event.id,
            timestamp: event.created_ms,
            event: event.kind.name(),
            session: &event.user,
            metadata,
            me: event.me.as_ref().map(account),
            payload: payload::of(event, files)?,
            engine: ENGINE,
            environment: ENVIRONMENT,
        })
    }

    /// Puts in what goes with a session's status only while it is so, as `find` knows it; it is kept nowhere.
    pub fn put_data(&mut self, find: impl FnOnce(&UserId, &str) -> Option<Value>) {
        let status = self.payload["status"]
            .as_str()
            .filter(|status| self.event == "session.status" && status.starts_with("PASSKEY_"));
        if let Some(data) = status.and_then(|status| find(self.session, status)) {
            self.payload["data"] = data;
        }
    }

    /// Whose it is.
    pub fn session(&self) -> &'a UserId {
        self.session
    }

    /// The message that it brings, if that has a file.
    pub fn message_with_file(&self) -> Option<&str> {
        let brings = matches!(self.event, "message" | "message.any");
        self.payload["id"].as_str().filter(|_| brings && self.payload["media"].is_object())
    }

    /// Puts the message's file in, or says why it is not there.
    pub fn put_in(&mut self, file: Result<String, &'static str>) {
        let media = &mut self.payload["media"];
        match file {
            Ok(base64) => media["data"] = base64.into(),
            Err(why) => media["error"] = serde_json::json!({ "message": why }),
        }
    }

    /// As it is sent.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests;
