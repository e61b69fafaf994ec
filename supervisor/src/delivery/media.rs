//! Files of messages inside of events, for the webhooks that ask for it (`inlineMaxBytes`).
//!
//! Owns how long an event waits for its file and how many are fetched at once. An event goes out in any case, in
//! its order: where the file is larger than was asked for, only its address is told, and where it cannot be had, the
//! reason. It is fetched when the event is delivered and kept nowhere, so an attempt that is repeated fetches it again.

use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::protocol::{Call, CallErrorKind, Reply};
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryStreamExt as _};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::envelope::{Envelope, Origin};
use crate::logging::chain;
use crate::registry::Registry;
use crate::uploads::{Fetched, NotFetched};
use crate::user::{CallFailure, CallResult};

/// How long an event waits for its file, and for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many files are fetched at once: an old worker gives each however large it is.
const AT_ONCE: usize = 2;

/// Who has the files of messages.
pub(crate) trait Files: Send + Sync {
    /// A message's file, if it has no more bytes than these.
    fn fetch(&self, user: &UserId, message: &str, most: u64, within: Duration) -> BoxFuture<'_, CallResult>;

    /// What goes with a session's status while it is so.
    fn status_data(&self, _user: &UserId, _status: &str) -> Option<Value> {
        None
    }
}

impl Files for Registry {
    fn fetch(&self, user: &UserId, message: &str, most: u64, within: Duration) -> BoxFuture<'_, CallResult> {
        let handle = self.find(user);
        let call = Call::DownloadMedia { message: message.to_owned(), most: Some(most) };
        async move { handle.ok_or(CallFailure::NotReady)?.call(call, None, within).await }.boxed()
    }

    fn status_data(&self, user: &UserId, status: &str) -> Option<Value> {
        self.find(user)?.view().status_data(status)
    }
}

/// Where readers of webhooks find files, and how files get into events.
#[derive(Clone)]
pub(crate) struct Media {
    origin: Origin,
    files: Arc<dyn Files>,
    turns: Arc<Semaphore>,
}

impl std::fmt::Debug for Media {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Media").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Media {
    pub(crate) fn new(origin: Origin, files: Arc<dyn Files>) -> Self {
        Self { origin, files, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Puts in what goes with a session's status while it is so.
    pub(super) fn put_status_data(&self, envelope: &mut Envelope<'_>) {
        envelope.put_data(|user, status| self.files.status_data(user, status));
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Puts the message's file into the event, if it has one of at most so many bytes.
    pub(super) async fn put_in(&self, envelope: &mut Envelope<'_>, most: u64) {
        let Some(message) = envelope.message_with_file().map(str::to_owned) else { return };
        let fetching = async {
            let _turn = self.turns.acquire().await;
            self.files.fetch(envelope.session(), &message, most, PATIENCE).await
        };
        let fetched = timeout(PATIENCE, fetching).await.unwrap_or(Err(CallFailure::Deadline));
        let file = match read(fetched, most) {
            None => return,
            Some(Err(why)) => Err(why),
            Some(Ok(file)) => file.base64_pieces().try_collect().await.map_err(|error| {
                tracing::error!(error = chain(&error), "an event's file cannot be read");
                NOT_FETCHED
            }),
        };
        envelope.put_in(file);
    }
}

/// The file, or why it is not there; nothing where it is larger than is wanted.
fn read(fetched: CallResult, most: u64) -> Option<Result<Fetched, &'static str>> {
    Some(match fetched {
        Ok((Reply::Media { .. }, file)) if file.length() <= most => Ok(file),
        Ok((Reply::Media { .. }, _)) => return None,
        Ok(_) => Err("the session answered something else"),
        Err(CallFailure::Session(error)) => match error.kind {
            CallErrorKind::TooLarge => return None,
            CallErrorKind::MediaUnavailable | CallErrorKind::NotFound => {
                Err("WhatsApp no longer has the file")
            }
            CallErrorKind::NotReady => Err(NOT_CONNECTED),
            _ => Err(NOT_FETCHED),
        },
        Err(CallFailure::NotReady | CallFailure::WorkerGone | CallFailure::ShuttingDown) => {
            Err(NOT_CONNECTED)
        }
        Err(CallFailure::TooLarge) => return None,
        Err(CallFailure::Deadline) => Err("the file did not come in time; its address may still have it"),
        Err(CallFailure::NotTaken(NotFetched::NoRoom(_))) => Err(NO_ROOM),
        Err(CallFailure::DiskFull | CallFailure::NotTaken(NotFetched::Disk(_))) => Err(NOT_FETCHED),
    })
}

const NOT_CONNECTED: &str = "the session is not connected; the file's address has it when it is";

const NOT_FETCHED: &str = "the file could not be fetched; its address may still have it";
const NO_ROOM: &str = "too many files were on their way; the file's address has it";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use bytes::Bytes;
    use colmeia::protocol::CallError;

    /// Nobody has any file.
    pub(in super::super) struct NoFiles;

    impl Files for NoFiles {
        fn fetch(&self, _: &UserId, _: &str, _: u64, _: Duration) -> BoxFuture<'_, CallResult> {
            async { Err(CallFailure::NotReady) }.boxed()
        }
    }

    #[test]
    fn what_is_too_large_is_left_out_and_what_is_gone_is_said() {
        let came = |length| {
            let media = Reply::Media { mimetype: "image/png".into(), filename: None };
            let file = read(Ok((media, Bytes::from(vec![0; length]).into())), 3);
            file.map(|file| file.map(|file| file.length()))
        };
        assert_eq!((came(3), came(4)), (Some(Ok(3)), None));
        let failed = |failure| read(Err(failure), 3).map(|file| file.expect_err("failed"));
        let of_kind = |kind| failed(CallFailure::Session(CallError::new(kind, "")));
        assert_eq!(of_kind(CallErrorKind::TooLarge), None);
        assert_eq!(of_kind(CallErrorKind::MediaUnavailable), Some("WhatsApp no longer has the file"));
        assert_eq!(failed(CallFailure::NotReady), Some(NOT_CONNECTED));
        assert_eq!(
            failed(CallFailure::NotTaken(NotFetched::NoRoom(crate::uploads::NoRoom::OfOne))),
            Some(NO_ROOM)
        );
    }
}
