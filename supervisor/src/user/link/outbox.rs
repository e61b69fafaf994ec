//! [`Outbox`]: what waits to be written to a worker, bounded in number and in bytes.
//!
//! Owns no socket. Putting something in never waits: a worker that stops reading fills its outbox and nothing
//! else.

use std::sync::Arc;

use bytes::Bytes;
use colmeia::protocol::{Frame, FrameError, MAX_BODY, MAX_HEAD, ToWorker};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How many messages may wait. A worker that lives reads them at once.
const MESSAGES: usize = 128;
/// How many bytes may wait: one frame of the largest size, and what goes with it.
const BYTES: usize = MAX_BODY + 2 * MAX_HEAD;

/// The way to a worker; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// A frame, and the room that it takes until it is written.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) frame: Frame,
    _room: OwnedSemaphorePermit,
}

/// Why a message was not taken. It will not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It fits into no frame.
    #[error("the message fits into no frame")]
    TooLarge(#[source] FrameError),
    /// The worker does not read.
    #[error("the worker does not read what it is sent")]
    Full,
}

pub(super) fn channel() -> (Outbox, mpsc::Receiver<Waiting>) {
    let (queue, waiting) = mpsc::channel(MESSAGES);
    (Outbox { queue, room: Arc::new(Semaphore::new(BYTES)) }, waiting)
}

impl Outbox {
    /// Puts a message in.
    ///
    /// # Errors
    /// [`Refused`], and then nothing of it is sent.
    pub(crate) fn put(&self, message: &ToWorker, body: Bytes) -> Result<(), Refused> {
        let frame = Frame::new(message, body).map_err(Refused::TooLarge)?;
        let size = u32::try_from(frame.head.len() + frame.body.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(size).map_err(|_| Refused::Full)?;
        self.queue.try_send(Waiting { frame, _room: room }).map_err(|_| Refused::Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_does_not_read_fills_only_its_own_outbox() {
        let (outbox, _waiting) = channel();
        let body = Bytes::from(vec![0; MAX_BODY]);
        assert!(outbox.put(&ToWorker::Stop, body.clone()).is_ok());
        assert!(matches!(outbox.put(&ToWorker::Stop, body), Err(Refused::Full)));
        for _ in 1..MESSAGES {
            assert!(outbox.put(&ToWorker::Stop, Bytes::new()).is_ok(), "small messages still fit");
        }
        assert!(matches!(outbox.put(&ToWorker::Stop, Bytes::new()), Err(Refused::Full)));
    }

    #[test]
    fn what_fits_into_no_frame_is_refused_before_it_waits() {
        let (outbox, _waiting) = channel();
        let body = Bytes::from(vec![0; MAX_BODY + 1]);
        assert!(matches!(outbox.put(&ToWorker::Stop, body), Err(Refused::TooLarge(_))));
    }
}
