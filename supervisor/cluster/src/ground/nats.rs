//! The ground of many hosts: NATS JetStream.
//!
//! Owns the connection, the two streams and what each answer of the engine means. A record is the last message of its
//! subject, and its revision is that message's place in the stream; compare-and-set is the engine's own check of that
//! place. Reads go to the stream's leader: direct reads, which any node answers, are never asked for, and a stream that
//! allows them is refused, as is anything else that [`check`](super::check) names.

mod open;
mod watching;

use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{Client, HeaderMap, Request};
use bytes::Bytes;
use colmeia::Secret;
use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::time::Instant;

use super::check::Finding;
use super::{Appended, Entry, Ground, GroundError, Last, Sequence, Watch};
use crate::names::Key;
use crate::records::Revision;

/// The record or log is elsewhere.
const WRONG_PLACE: u64 = 10071;
/// Another write of the same subject, or of the same id, is not yet acknowledged by most nodes, so that nobody knows
/// where the subject's last one will be. It may be this one's own earlier try.
const UNDER_WAY: [u64; 2] = [10164, 10158];
/// The pause before such a write is asked for again; the engine does not tell when the other one has ended.
const AGAIN: Duration = Duration::from_millis(20);
/// From this on an error is the engine's, and says nothing about what was asked.
const ENGINES_OWN: u64 = 500;

/// How the engine is reached.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Its nodes, such as `nats://10.0.0.1:4222`.
    pub servers: Vec<String>,
    /// The first word of all our subjects and streams: clusters on one engine differ in it.
    pub cluster: Key,
    /// Who we are there.
    pub user: Option<(String, Secret)>,
    /// A user of the engine's system account, who can see how the nodes are set up.
    pub system: Option<(String, Secret)>,
    /// How long one request waits for its answer: [`TRY`](crate::ownership::times::TRY), where a lease depends on it.
    pub patience: Duration,
}

/// A handle to the ground; cheap to clone.
#[derive(Debug, Clone)]
pub struct Nats {
    client: Client,
    records: Stream<()>,
    logs: Stream<()>,
    /// What stands before the keys in subjects.
    prefixes: Prefixes,
    patience: Duration,
    warnings: Vec<Finding>,
}

#[derive(Debug, Clone)]
struct Prefixes {
    records: String,
    logs: String,
}

/// What the engine answers to a message for a stream.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<EnginesError>,
}

#[derive(Debug, Deserialize, thiserror::Error)]
#[error("{description} ({err_code})")]
struct EnginesError {
    code: u64,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl EnginesError {
    fn is_under_way(&self) -> bool {
        UNDER_WAY.contains(&self.err_code)
    }

    fn meaning(self) -> GroundError {
        if self.err_code == WRONG_PLACE {
            GroundError::Stale
        } else if self.is_under_way() || self.code >= ENGINES_OWN {
            GroundError::Unreachable(Box::new(self))
        } else {
            GroundError::Rejected(self.to_string())
        }
    }
}

impl Nats {
    /// Connects, makes the streams where they are missing, and refuses an engine that is not safe.
    ///
    /// # Errors
    /// [`GroundError::Unsafe`] with all that is wrong, or why the engine cannot be used.
    pub async fn open(settings: &NatsSettings) -> Result<Self, GroundError> {
        open::open(settings).await
    }

    /// What could not be seen of the engine, and has to be looked at by people.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Sends a message for a stream, which applies if the subject's last one is at this place; where it is then.
    ///
    /// While another write of the subject is under way it waits for that one's end.
    async fn publish(
        &self,
        subject: String,
        mut headers: HeaderMap,
        last: u64,
        value: Bytes,
    ) -> Result<Answer, GroundError> {
        headers.insert("Nats-Expected-Last-Subject-Sequence", last.to_string());
        let begun = Instant::now();
        loop {
            let left = self.patience.saturating_sub(begun.elapsed());
            let request = Request::new().headers(headers.clone()).payload(value.clone()).timeout(Some(left));
            let mut answer = self.ask(subject.clone(), request).await?;
            match answer.error.take() {
                Some(error) if error.is_under_way() && left > AGAIN => {
                    tokio::time::sleep(AGAIN).await;
                }
                Some(error) => return Err(error.meaning()),
                None => return Ok(answer),
            }
        }
    }

    /// Sends a message for a stream, and what that answers.
    async fn ask(&self, subject: String, request: Request) -> Result<Answer, GroundError> {
        let answer =
            self.client.send_request(subject, request).await.map_err(|error| match error.kind() {
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    GroundError::Rejected(error.to_string())
                }
                _ => GroundError::Unreachable(Box::new(error)),
            })?;
        // What is no answer of a stream says nothing about what became of the message.
        serde_json::from_slice(&answer.payload).map_err(|error| GroundError::Unreachable(Box::new(error)))
    }

    async fn last_message(
        &self,
        stream: &Stream<()>,
        subject: &str,
    ) -> Result<Option<async_nats::jetstream::message::StreamMessage>, GroundError> {
        let read = tokio::time::timeout(self.patience, stream.get_last_raw_message_by_subject(subject));
        match read.await.map_err(|error| GroundError::Unreachable(Box::new(error)))? {
            Ok(message) => Ok(Some(message)),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                _ => Err(GroundError::Unreachable(Box::new(error))),
            },
        }
    }
}

/// The header by which a stream knows an entry that was sent before.
const ID: &str = "Nats-Msg-Id";

/// How long a stream knows the ids of all its entries. After that it is known of the last one of each log, which is
/// what somebody without an answer tries again.
const KNOWS_IDS: Duration = Duration::from_mins(2);

/// The engine counts what it has not yet written, and may be asked again right after another node took over.
#[derive(Debug, thiserror::Error)]
#[error("a write of this log is under way: the engine expects another one before this, and has none yet")]
struct Unsettled;

/// What an append means that did not apply, by the last entry that is there.
fn found_instead(id: &str, expected: Sequence, last: Option<Last>) -> Result<Appended, GroundError> {
    match last {
        Some(last) if last.id == id => Ok(Appended { sequence: last.sequence, is_repeated: true }),
        last if last.as_ref().map(|last| last.sequence).unwrap_or_default() == expected => {
            Err(GroundError::Unreachable(Box::new(Unsettled)))
        }
        _ => Err(GroundError::Stale),
    }
}

impl Ground for Nats {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Entry>, GroundError>> {
        Box::pin(async move {
            let subject = format!("{}{key}", self.prefixes.records);
            let found = self.last_message(&self.records, &subject).await?;
            Ok(found.map(|message| Entry {
                key: key.clone(),
                revision: Revision(message.sequence),
                value: message.payload,
            }))
        })
    }

    fn create<'a>(&'a self, key: &'a Key, value: Bytes) -> BoxFuture<'a, Result<Revision, GroundError>> {
        Box::pin(async move {
            let subject = format!("{}{key}", self.prefixes.records);
            match self.publish(subject, HeaderMap::new(), 0, value).await {
                Ok(answer) => Ok(Revision(answer.seq)),
                Err(GroundError::Stale) => Err(GroundError::Exists),
                Err(error) => Err(error),
            }
        })
    }

    fn compare_and_set<'a>(
        &'a self,
        key: &'a Key,
        expected: Revision,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Revision, GroundError>> {
        Box::pin(async move {
            if expected.0 == 0 {
                return Err(GroundError::Stale); // no record is ever there, and to the engine it means "none"
            }
            let subject = format!("{}{key}", self.prefixes.records);
            let answer = self.publish(subject, HeaderMap::new(), expected.0, value).await?;
            Ok(Revision(answer.seq))
        })
    }

    fn watch<'a>(&'a self, first: Option<&'a Key>) -> BoxFuture<'a, Result<Watch, GroundError>> {
        Box::pin(watching::watch(self, first))
    }

    fn append<'a>(
        &'a self,
        log: &'a Key,
        id: &'a str,
        expected: Sequence,
        value: Bytes,
    ) -> BoxFuture<'a, Result<Appended, GroundError>> {
        Box::pin(async move {
            let subject = format!("{}{log}", self.prefixes.logs);
            let mut headers = HeaderMap::new();
            // The engine compares ids over all logs.
            headers.insert(ID, format!("{log}/{id}"));
            match self.publish(subject, headers, expected.0, value).await {
                Ok(answer) => Ok(Appended { sequence: Sequence(answer.seq), is_repeated: answer.duplicate }),
                Err(GroundError::Stale) => found_instead(id, expected, self.last(log).await?),
                Err(error) => Err(error),
            }
        })
    }

    fn last<'a>(&'a self, log: &'a Key) -> BoxFuture<'a, Result<Option<Last>, GroundError>> {
        Box::pin(async move {
            let subject = format!("{}{log}", self.prefixes.logs);
            let found = self.last_message(&self.logs, &subject).await?;
            Ok(found.map(|message| {
                let id = message.headers.get(ID).map(ToString::to_string).unwrap_or_default();
                let id = id.strip_prefix(&format!("{log}/")).unwrap_or_default().to_owned();
                Last { sequence: Sequence(message.sequence), id, value: message.payload }
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_stale_only_if_somebody_elses_entry_is_there() {
        let last = |sequence, id: &str| {
            Some(Last { sequence: Sequence(sequence), id: id.to_owned(), value: Bytes::new() })
        };
        let judged = |expected, last| found_instead("mine", Sequence(expected), last);
        let repeated = judged(4, last(5, "mine")).expect("an earlier try");
        assert_eq!(repeated, Appended { sequence: Sequence(5), is_repeated: true });
        assert!(matches!(judged(4, last(5, "another's")), Err(GroundError::Stale)));
        assert!(matches!(judged(4, None), Err(GroundError::Stale)), "a log that is gone");
        assert!(matches!(judged(4, last(4, "before")), Err(GroundError::Unreachable(_))), "not settled");
        assert!(matches!(judged(0, None), Err(GroundError::Unreachable(_))), "not settled");
    }
}
