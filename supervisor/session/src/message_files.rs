//! The files of messages, for webhooks that want them inside of events: asks the message's session. Keeps nothing.

use std::time::Duration;

use colmeia::UserId;
use colmeia::protocol::{Call, CallErrorKind, Reply};
use colmeia_events::delivery::{Files, NoFile};
use colmeia_host::uploads::{Fetched, NotFetched};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::CallFailure;
use crate::registry::Registry;

impl Files for Registry {
    fn fetch(
        &self,
        user: &UserId,
        message: &str,
        most: u64,
        within: Duration,
    ) -> BoxFuture<'_, Result<Fetched, NoFile>> {
        let handle = self.find(user);
        let call = Call::DownloadMedia { message: message.to_owned(), most: Some(most) };
        async move {
            match handle.ok_or(NoFile::NotConnected)?.call(call, None, within).await {
                Ok((Reply::Media { .. }, file)) => Ok(file),
                Ok(_) => Err(NoFile::Failed),
                Err(failure) => Err(no_file(&failure)),
            }
        }
        .boxed()
    }

    fn status_data(&self, user: &UserId, status: &str) -> Option<Value> {
        self.find(user)?.view().status_data(status)
    }
}

/// What a failed call means for whoever wanted the file.
fn no_file(failure: &CallFailure) -> NoFile {
    match failure {
        CallFailure::Session(error) => match error.kind {
            CallErrorKind::TooLarge => NoFile::TooLarge,
            CallErrorKind::MediaUnavailable | CallErrorKind::NotFound => NoFile::Gone,
            CallErrorKind::NotReady => NoFile::NotConnected,
            _ => NoFile::Failed,
        },
        CallFailure::NotReady | CallFailure::WorkerGone | CallFailure::ShuttingDown => NoFile::NotConnected,
        CallFailure::TooLarge => NoFile::TooLarge,
        CallFailure::Deadline => NoFile::Late,
        CallFailure::NotTaken(NotFetched::NoRoom(_)) => NoFile::NoRoom,
        CallFailure::DiskFull | CallFailure::NotTaken(NotFetched::Disk(_)) => NoFile::Failed,
    }
}
