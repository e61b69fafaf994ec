//! [`SendQueue`]: what waits to be written to a worker, bounded in number and in bytes.
//!
//! Owns no socket. Putting something in never waits: a worker that stops reading fills its queue and nothing
//! else.

use std::sync::Arc;

use colmeia::protocol::{FrameError, MAX_HEAD, Part, ToWorker};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use colmeia_host::uploads::Upload;

/// How many messages may wait. A worker that lives reads them at once.
const MESSAGES: usize = 128;
/// How many bytes may wait: one head of the largest size, and what goes with it. Files wait on the disk.
const BYTES: usize = 2 * MAX_HEAD;

/// The way to a worker; cheap to clone.
#[derive(Debug, Clone)]
pub struct SendQueue {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// A frame, and the room that it takes until it is written.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) begin: Part,
    pub(super) file: Option<Upload>,
    /// Held until it is written.
    pub(super) room: OwnedSemaphorePermit,
}

/// Why a message was not taken. It will not be sent.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It fits into no frame.
    #[error("the message fits into no frame")]
    TooLarge(#[source] FrameError),
    /// The worker does not read.
    #[error("the worker does not read what it is sent")]
    Full,
}

pub(super) fn channel() -> (SendQueue, mpsc::Receiver<Waiting>) {
    let (queue, waiting) = mpsc::channel(MESSAGES);
    (SendQueue { queue, room: Arc::new(Semaphore::new(BYTES)) }, waiting)
}

impl SendQueue {
    /// Puts a message in, perhaps with a file as its frame's body.
    ///
    /// # Errors
    /// [`Refused`], and then nothing of it is sent.
    pub fn put(&self, message: &ToWorker, file: Option<Upload>) -> Result<(), Refused> {
        let length = file.as_ref().map_or(0, |file| usize::try_from(file.length()).unwrap_or(usize::MAX));
        let begin = Part::begin(message, length).map_err(Refused::TooLarge)?;
        let size = u32::try_from(begin.size()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(size).map_err(|_| Refused::Full)?;
        self.queue.try_send(Waiting { begin, file, room }).map_err(|_| Refused::Full)
    }
}

#[cfg(test)]
mod tests {
    use colmeia::protocol::Call;

    use super::*;

    #[test]
    fn a_worker_that_does_not_read_fills_only_its_own_queue() {
        let (send_queue, _waiting) = channel();
        let chat = colmeia::ChatId::normalise("5511988887777").expect("valid");
        let call = Call::text(chat, "x".repeat(MAX_HEAD / 8 * 7));
        let large = ToWorker::Request { id: 1, deadline_ms: 1, call };
        assert!(send_queue.put(&large, None).is_ok() && send_queue.put(&large, None).is_ok());
        assert!(matches!(send_queue.put(&large, None), Err(Refused::Full)));
        for _ in 2..MESSAGES {
            assert!(send_queue.put(&ToWorker::Stop, None).is_ok(), "small messages still fit");
        }
        assert!(matches!(send_queue.put(&ToWorker::Stop, None), Err(Refused::Full)));
    }

    #[test]
    fn what_fits_into_no_frame_is_refused_before_it_waits() {
        let (send_queue, _waiting) = channel();
        let chat = colmeia::ChatId::normalise("5511988887777").expect("valid");
        let call = Call::text(chat, "x".repeat(MAX_HEAD));
        let too_large = ToWorker::Request { id: 1, deadline_ms: 1, call };
        assert!(matches!(send_queue.put(&too_large, None), Err(Refused::TooLarge(_))));
    }
}
