//! What a supervisor says, message by message. Owns where a message's body goes while it comes in: a large one to the disk,
//! piece by piece. A body that the disk does not take is read to its end all the same, because the next message comes
//! after it.

use std::io;

use bytes::{Bytes, BytesMut};
use colmeia::protocol::{FrameError, Part, PartCodec, SMALL_BODY, ToWorker};
use futures::StreamExt as _;
use interprocess::local_socket::tokio::Stream;
use tokio::io::ReadHalf;
use tokio_util::codec::FramedRead;

use crate::files::{Body, Draft, Files};

/// A message.
pub(super) struct Said {
    pub(super) message: ToWorker,
    /// How many bytes its body has.
    pub(super) length: usize,
}

/// The end from which a supervisor is heard.
pub(super) struct Incoming(FramedRead<ReadHalf<Stream>, PartCodec>);

impl Incoming {
    pub(super) fn new(stream: ReadHalf<Stream>) -> Self {
        Self(FramedRead::new(stream, PartCodec::default()))
    }

    /// The next message; its body follows. `None` at the end.
    pub(super) async fn message(&mut self) -> Option<Result<Said, FrameError>> {
        let said = |part| match part {
            Part::Begin { head, body } => {
                let message = serde_json::from_slice(&head).map_err(FrameError::Head)?;
                Ok(Said { message, length: body })
            }
            // A body was not asked for to its end.
            Part::Body(_) => Err(cut_short()),
        };
        Some(self.0.next().await?.and_then(said))
    }

    /// The body of the message before, which has so many bytes. The inner error is the disk's: the connection goes on.
    ///
    /// # Errors
    /// Those of the socket, also when it ends before the body does.
    pub(super) async fn body(
        &mut self,
        length: usize,
        files: &Files,
    ) -> Result<io::Result<Body>, FrameError> {
        if length <= SMALL_BODY {
            let mut bytes = BytesMut::with_capacity(length);
            while bytes.len() < length {
                bytes.extend_from_slice(&self.piece().await?);
            }
            return Ok(Ok(Body::Memory(bytes.freeze())));
        }
        let (mut come, mut draft) = (0, files.draft(length as u64).await);
        while come < length {
            let piece = self.piece().await?;
            come += piece.len();
            draft = match draft {
                Ok(draft) => draft.taking(piece).await,
                Err(error) => Err(error),
            };
        }
        Ok(draft.map(Draft::finish))
    }

    async fn piece(&mut self) -> Result<Bytes, FrameError> {
        match self.0.next().await {
            Some(Ok(Part::Body(bytes))) => Ok(bytes),
            Some(Err(error)) => Err(error),
            Some(Ok(Part::Begin { .. })) | None => Err(cut_short()),
        }
    }
}

fn cut_short() -> FrameError {
    FrameError::Io(io::ErrorKind::UnexpectedEof.into())
}
