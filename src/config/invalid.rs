//! [`InvalidConfig`]: why a configuration cannot be used. Owns the messages, each of which names its key.

use std::net::SocketAddr;

use super::InvalidWebhook;
use crate::UserId;

/// Why a configuration cannot be used. Each names its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Everyone who reaches the port could use every session.
    #[error(
        "listen: {0} can be reached from other machines, and nothing says who may call: set api_keys (callers then send one of them), or trusted_networks (callers from there need none, as the unmodified Flask), or listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// No usable address.
    #[error("{key}: must be a http:// or https:// address without user name and password")]
    Url {
        /// The key.
        key: &'static str,
    },
    /// Zero where at least one is needed.
    #[error("{key}: must be at least {least}")]
    TooSmall {
        /// The key.
        key: &'static str,
        /// The least that is allowed.
        least: u64,
    },
    /// More than can be meant.
    #[error("{key}: must be at most {most}")]
    TooLarge {
        /// The key.
        key: &'static str,
        /// The most that is allowed.
        most: u64,
    },
    /// What is set for one user is wrong together with what is set for all.
    #[error("users.{user}.{wrong}")]
    OfUser {
        /// Whose it is.
        user: UserId,
        /// The key and why.
        wrong: Box<InvalidConfig>,
    },
    /// A receiver of events.
    #[error("webhooks[{index}].{wrong}")]
    Webhook {
        /// Which of them, from 0.
        index: usize,
        /// The field and why.
        wrong: InvalidWebhook,
    },
    /// One key contradicts another.
    #[error("{key}: must not be less than {other}")]
    LessThan {
        /// The key.
        key: &'static str,
        /// The other key.
        other: &'static str,
    },
    /// A text outside its alphabet.
    #[error("{key}: {rule}")]
    Text {
        /// The key.
        key: &'static str,
        /// What is allowed.
        rule: &'static str,
    },
}
