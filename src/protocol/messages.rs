//! The messages of the two directions: [`ToWorker`] and [`FromWorker`].
//!
//! The first frame of each side is its Hello, the supervisor's first; anything else ends the connection. A new connection supersedes
//! the old one: the supervisor that speaks last is the one that lives.

use serde::{Deserialize, Serialize};

use super::{Call, CallError, Event, Reply};
use crate::{Secret, SessionReport, UserId};

/// What a supervisor says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorHello {
    /// [`super::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The user that it expects to find here.
    pub user: UserId,
    /// The worker's [`crate::config::WorkerConfig::token`].
    pub token: Secret,
}

/// What a worker says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerHello {
    /// [`super::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The user that it serves.
    pub user: UserId,
    /// Its process id; the supervisor compares it with the socket's peer credentials.
    pub pid: u32,
    /// The package's version.
    pub version: String,
    /// [`crate::operations::OPERATIONS_VERSION`] of its build; 0 for one that knows no operations.
    #[serde(default)]
    pub operations: u32,
    /// Where its session is.
    pub report: SessionReport,
}

/// From the supervisor to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// First frame.
    Hello(SupervisorHello),
    /// Do something and answer with the same id. The frame's body belongs to the call.
    Request {
        /// Chosen by the supervisor, unique on this connection.
        id: u64,
        /// How long the supervisor will wait, in milliseconds; the worker answers before that.
        deadline_ms: u64,
        /// What to do.
        call: Call,
    },
    /// All events up to this number are on the supervisor's disk.
    Ack {
        /// The last number, inclusive.
        seq: u64,
    },
    /// Are you there?
    Ping {
        /// Comes back in the [`FromWorker::Pong`].
        id: u64,
    },
    /// Ask the page to free what memory it can.
    RelieveMemory,
    /// Close the browser, flush the profile, end the process.
    Stop,
}

/// From a worker to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// First frame.
    Hello(WorkerHello),
    /// The answer to a request. The frame's body belongs to the reply.
    Response {
        /// The request's id.
        id: u64,
        /// The answer.
        result: Result<Reply, CallError>,
    },
    /// Where the session is; sent at every change and after every probe. The latest one counts.
    Report(SessionReport),
    /// Something happened. Sent again after a reconnection until it is acknowledged.
    Event {
        /// Grows by one with each event of this user, and is never used twice.
        seq: u64,
        /// What happened.
        event: Event,
    },
    /// I am here.
    Pong {
        /// The ping's id.
        id: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionState;

    /// A worker of an older build meets a newer supervisor after an upgrade: what it says must stay readable.
    #[test]
    fn the_first_release_still_loads() {
        for line in include_str!("first-release.jsonl").lines() {
            let (direction, json) = line.split_once(' ').expect("direction and message");
            match direction {
                "up" => drop(serde_json::from_str::<FromWorker>(json).expect(line)),
                "down" => drop(serde_json::from_str::<ToWorker>(json).expect(line)),
                other => panic!("no direction {other}"),
            }
        }
    }

    #[test]
    fn a_report_is_flat() {
        let json = serde_json::to_string(&FromWorker::Report(SessionReport::of(SessionState::Pairing)));
        assert_eq!(json.expect("plain data"), r#"{"type":"report","state":"pairing"}"#);
    }
}
