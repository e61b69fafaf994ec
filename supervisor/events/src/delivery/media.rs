//! Files of messages inside of events, for the webhooks that ask for it (`inlineMaxBytes`).
//!
//! Owns how long an event waits for its file and how many are fetched at once. An event goes out in any case, in
//! its order: where the file is larger than was asked for, only its address is told, and where it cannot be had, the
//! reason. It is fetched when the event is delivered and kept nowhere, so an attempt that is repeated fetches it again.

use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::envelope::{Envelope, Origin};
use colmeia::errors::chain;
use colmeia_host::uploads::Fetched;

/// How long an event waits for its file, and for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many files are fetched at once: an old worker gives each however large it is.
const AT_ONCE: usize = 2;

/// Why a message's file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFile {
    /// It has more bytes than were asked for.
    TooLarge,
    /// WhatsApp no longer has it.
    Gone,
    /// There is no session to ask.
    NotConnected,
    /// It did not come in time.
    Late,
    /// Too many files are on their way.
    NoRoom,
    /// The session could not fetch it, or the disk not keep it.
    Failed,
}

/// Who has the files of messages.
pub trait Files: Send + Sync {
    /// A message's file, if it has no more bytes than these.
    fn fetch(
        &self,
        user: &UserId,
        message: &str,
        most: u64,
        within: Duration,
    ) -> BoxFuture<'_, Result<Fetched, NoFile>>;

    /// What goes with a session's status while it is so.
    fn status_data(&self, _user: &UserId, _status: &str) -> Option<Value> {
        None
    }
}

/// Where readers of webhooks find files, and how files get into events.
#[derive(Clone)]
pub struct Media {
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
    /// Files are found there, and fetched by this.
    pub fn new(origin: Origin, files: Arc<dyn Files>) -> Self {
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
        let fetched = timeout(PATIENCE, fetching).await.unwrap_or(Err(NoFile::Late));
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
fn read(fetched: Result<Fetched, NoFile>, most: u64) -> Option<Result<Fetched, &'static str>> {
    Some(match fetched {
        Ok(file) if file.length() <= most => Ok(file),
        Ok(_) | Err(NoFile::TooLarge) => return None,
        Err(NoFile::Gone) => Err("WhatsApp no longer has the file"),
        Err(NoFile::NotConnected) => Err(NOT_CONNECTED),
        Err(NoFile::Late) => Err("the file did not come in time; its address may still have it"),
        Err(NoFile::NoRoom) => Err(NO_ROOM),
        Err(NoFile::Failed) => Err(NOT_FETCHED),
    })
}

const NOT_CONNECTED: &str = "the session is not connected; the file's address has it when it is";

const NOT_FETCHED: &str = "the file could not be fetched; its address may still have it";
const NO_ROOM: &str = "too many files were on their way; the file's address has it";

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::FutureExt as _;

    /// Nobody has any file.
    pub(in super::super) struct NoFiles;

    impl Files for NoFiles {
        fn fetch(&self, _: &UserId, _: &str, _: u64, _: Duration) -> BoxFuture<'_, Result<Fetched, NoFile>> {
            async { Err(NoFile::NotConnected) }.boxed()
        }
    }

    #[test]
    fn what_is_too_large_is_left_out_and_what_is_gone_is_said() {
        let came = |length| {
            let file = read(Ok(Bytes::from(vec![0; length]).into()), 3);
            file.map(|file| file.map(|file| file.length()))
        };
        assert_eq!((came(3), came(4)), (Some(Ok(3)), None));
        let failed = |why| read(Err(why), 3).map(|file| file.expect_err("failed"));
        assert_eq!(failed(NoFile::TooLarge), None);
        assert_eq!(failed(NoFile::Gone), Some("WhatsApp no longer has the file"));
        assert_eq!(failed(NoFile::NotConnected), Some(NOT_CONNECTED));
        assert_eq!(failed(NoFile::NoRoom), Some(NO_ROOM));
    }
}
