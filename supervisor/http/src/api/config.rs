//! How a session's configuration is described: its schema for the document, by which what clients leave empty is left
//! out too. It is read as [`colmeia::config::SessionSettings`], which refuses every other key.
#![allow(dead_code, reason = "they are described and never made")]

use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A session's configuration. A key that does not stand here is refused.
#[derive(ToSchema)]
#[schema(as = SessionConfig)]
pub(super) struct Config {
    /// What people call the session, beside its name: 100 characters at most.
    label: Option<String>,
    /// What people find sessions by: ten at most, of 32 characters at most.
    tags: Option<Vec<String>>,
    /// Who is told of this session's events.
    webhooks: Option<Vec<Webhook>>,
    /// What the caller wants to find again in the session and in its events.
    metadata: Option<Map<String, Value>>,
    /// Through which proxy this session's browser, and no other, goes.
    proxy: Option<Proxy>,
    /// Whether this session's worker logs more.
    debug: Option<bool>,
    /// Of which chats nothing is told.
    ignore: Option<Ignore>,
    /// How much of the page runs in this session's browser.
    page: Option<Page>,
    /// What the session may take. Only a key without limits changes it.
    limits: Option<Limits>,
    /// Means nothing here; it is kept and given back.
    client: Option<Map<String, Value>>,
    /// Means nothing here; it is kept and given back.
    noweb: Option<Map<String, Value>>,
    /// Means nothing here; it is kept and given back.
    gows: Option<Map<String, Value>>,
    /// Means nothing here; it is kept and given back.
    webjs: Option<Map<String, Value>>,
}

/// Of which chats nothing is told; what is absent is as the service's configuration says.
#[derive(ToSchema)]
struct Ignore {
    /// Status updates.
    status: Option<bool>,
    /// Groups.
    groups: Option<bool>,
    /// Channels.
    channels: Option<bool>,
    /// Broadcast lists and status updates.
    broadcast: Option<bool>,
}

/// How much of the page runs; what is absent is as the service's configuration says.
#[derive(ToSchema)]
struct Page {
    /// `full`, or `none`: the page's main screen is there for a screenshot only.
    ui: Option<String>,
    /// `page`, or `on_demand`: the page's web workers run from when something is first asked of one.
    workers: Option<String>,
}

/// What the session may take; what is absent is as the service's configuration says.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Limits {
    /// The soft limit of its memory in MiB: above it its browser is replaced in a quiet moment. 32 at least.
    memory_high_mb: Option<u64>,
    /// The hard limit of its memory in MiB: above it its processes are killed. Not less than the soft one.
    memory_max_mb: Option<u64>,
    /// How many messages it may send in a minute, in the long run: 10,000 at most; 0 means no limit.
    sends_per_minute: Option<u32>,
    /// How many messages it may send at once: 1 to 10,000.
    send_burst: Option<u32>,
}

/// A proxy of one browser.
#[derive(ToSchema)]
struct Proxy {
    /// `host:port`, or with a scheme: `http://`, `https://` or `socks5://`.
    server: String,
    /// Whom the proxy knows us as.
    username: Option<String>,
    /// The password for it.
    password: Option<String>,
}

/// A receiver of events.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Webhook {
    /// Where events are posted.
    url: String,
    /// Names of events, or `*`.
    events: Vec<String>,
    /// Signs each body, where there is a key.
    hmac: Option<Hmac>,
    /// What happens after an attempt that failed.
    retries: Option<Retries>,
    /// Sent with each request.
    custom_headers: Option<Vec<Header>>,
}

/// How bodies are signed.
#[derive(ToSchema)]
struct Hmac {
    /// The key that the receiver knows too.
    key: Option<String>,
}

/// When a failed attempt is repeated, and how often.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct Retries {
    /// `constant`, `linear` or `exponential`.
    policy: Option<String>,
    /// The first delay.
    delay_seconds: Option<f64>,
    /// After how many the event becomes a dead letter.
    attempts: Option<f64>,
}

/// A header of the receiver's own.
#[derive(ToSchema)]
struct Header {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}
