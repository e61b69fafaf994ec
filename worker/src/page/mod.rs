//! Everything that knows the WhatsApp Web page, and the one engine that plays it: Chromium.
//!
//! ```text
//! session ──Engine──▶ engine ──▶ tab ──Runtime.evaluate──▶ inlet ┐
//!    ▲                  │                                        │ bridge/*.js, in the page
//!    └───PageEvent── listener ◀──────Runtime.bindingCalled─── outlet ┘
//! ```
//!
//! A call goes in by an evaluation that returns at once, and its answer comes out over the binding: so no
//! wait of the debugger is as long as a network, and a page that goes ends the calls that it worked on.
//! Knows nothing of sockets, spools or the session's states.

mod calling;
mod cdp;
mod engine;
mod files;
mod identity;
mod launcher;
mod listener;
mod pending;
mod presence;
mod script;
mod shared;
mod tab;
mod wire;

#[cfg(test)]
mod tests;

pub(crate) use launcher::ChromiumLauncher;

/// Directives for the log: these libraries write every message at `trace` and some at `warn`, and messages
/// carry QR strings and texts. To be applied after, and so above, whatever a user asks for.
pub(crate) const QUIET_LOGS: [&str; 5] = [
    "chromiumoxide=off",
    "chromiumoxide_cdp=off",
    "async_tungstenite=off",
    "tungstenite=off",
    "tokio_tungstenite=off",
];
