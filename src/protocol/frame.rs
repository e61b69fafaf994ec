//! The frame: one JSON head and an optional binary body, each with a cap.
//!
//! ```text
//! ┌────────────────┬────────────────┬──────────────┬──────────────┐
//! │ u32 BE: head   │ u32 BE: body   │ head (JSON)  │ body (bytes) │
//! └────────────────┴────────────────┴──────────────┴──────────────┘
//! ```
//!
//! Owns the byte layout. Media travels as the body, never as base64 in the head. A length beyond its cap is
//! an error before a byte of it is buffered: the other side may be hostile. Neither side needs a whole body in memory:
//! it may go out in [`Part`]s, and come in in them ([`PartCodec`]). On the wire that is the same.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{Decoder, Encoder};

/// The largest head, in bytes: 1,000 messages of WhatsApp's longest text would be larger, so a worker answers
/// such a request with an error that says so; everyday answers are below 1 MiB.
pub const MAX_HEAD: usize = 16 * 1024 * 1024;
/// The largest body, in bytes: WhatsApp's cap for everyday media (64 MB) plus room.
pub const MAX_BODY: usize = 68 * 1024 * 1024;

/// A body of at most so many bytes may be kept in memory; a larger one belongs on the disk.
pub const SMALL_BODY: usize = 256 * 1024;

const PREFIX: usize = 8;
/// How much of a body comes in at once.
const PIECE: usize = 64 * 1024;

/// One frame.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// JSON.
    pub head: Bytes,
    /// Anything; empty where a message has none.
    pub body: Bytes,
}

/// What can be wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The announced head is too large.
    #[error("a frame announces a head of {0} bytes; at most {MAX_HEAD} are allowed")]
    HeadTooLarge(usize),
    /// The announced body is too large.
    #[error("a frame announces a body of {0} bytes; at most {MAX_BODY} are allowed")]
    BodyTooLarge(usize),
    /// The head is not the JSON that was expected.
    #[error("a frame's head is not a valid message")]
    Head(#[source] serde_json::Error),
    /// The socket failed.
    #[error("the socket failed")]
    Io(#[from] io::Error),
}

/// The size tells enough; the content may be private.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} + {} bytes)", self.head.len(), self.body.len())
    }
}

impl Frame {
    /// A frame with this message as its head.
    ///
    /// # Errors
    /// [`FrameError::HeadTooLarge`] and [`FrameError::BodyTooLarge`], so that the sender learns it and not
    /// the receiver.
    pub fn new<T: Serialize>(message: &T, body: Bytes) -> Result<Self, FrameError> {
        let head = serde_json::to_vec(message).map_err(FrameError::Head)?;
        check(head.len(), body.len())?;
        Ok(Self { head: head.into(), body })
    }

    /// The head as a message.
    ///
    /// # Errors
    /// [`FrameError::Head`] when it is something else.
    pub fn message<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        serde_json::from_slice(&self.head).map_err(FrameError::Head)
    }
}

fn check(head: usize, body: usize) -> Result<(), FrameError> {
    if head > MAX_HEAD {
        return Err(FrameError::HeadTooLarge(head));
    }
    if body > MAX_BODY {
        return Err(FrameError::BodyTooLarge(body));
    }
    Ok(())
}

/// A piece of a frame whose body is written bit by bit: the beginning once, then its whole body.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// The head, and how long the body is that follows.
    Begin {
        /// JSON.
        head: Bytes,
        /// In bytes; exactly so many have to follow before the next frame begins.
        body: usize,
    },
    /// Some more of the body.
    Body(Bytes),
}

impl Part {
    /// The beginning of a frame with this message as its head and a body of this length.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn begin<T: Serialize>(message: &T, body: usize) -> Result<Self, FrameError> {
        let head = serde_json::to_vec(message).map_err(FrameError::Head)?;
        check(head.len(), body)?;
        Ok(Self::Begin { head: head.into(), body })
    }

    /// How many bytes of it are in memory.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Begin { head, .. } => head.len(),
            Self::Body(bytes) => bytes.len(),
        }
    }
}

/// The size tells enough; the content may be private.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Begin { head, body } => write!(f, "Begin({} + {body} bytes)", head.len()),
            Self::Body(bytes) => write!(f, "Body({} bytes)", bytes.len()),
        }
    }
}

/// How long the next frame's head and body are, once that has come; nothing is taken from what came.
fn lengths(src: &BytesMut) -> Result<Option<(usize, usize)>, FrameError> {
    let Some(mut prefix) = src.get(..PREFIX) else { return Ok(None) };
    let (head, body) = (prefix.get_u32() as usize, prefix.get_u32() as usize);
    check(head, body)?;
    Ok(Some((head, body)))
}

/// Reads and writes frames in [`Part`]s: no more than a piece of a body is ever buffered.
#[derive(Debug, Default, Clone, Copy)]
pub struct PartCodec {
    /// How much of the present frame's body has not come yet.
    left: usize,
}

impl Decoder for PartCodec {
    type Item = Part;
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Part>, FrameError> {
        if self.left > 0 {
            let piece = self.left.min(src.len()).min(PIECE);
            if piece == 0 {
                src.reserve(self.left.min(PIECE));
                return Ok(None);
            }
            self.left -= piece;
            return Ok(Some(Part::Body(src.split_to(piece).freeze())));
        }
        let Some((head, body)) = lengths(src)? else { return Ok(None) };
        if src.len() < PREFIX + head {
            src.reserve(PREFIX + head - src.len());
            return Ok(None);
        }
        src.advance(PREFIX);
        self.left = body;
        Ok(Some(Part::Begin { head: src.split_to(head).freeze(), body }))
    }
}

impl Encoder<Part> for PartCodec {
    type Error = FrameError;

    fn encode(&mut self, part: Part, dst: &mut BytesMut) -> Result<(), FrameError> {
        FrameCodec.encode(part, dst)
    }
}

/// Reads and writes [`Frame`]s.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use colmeia::protocol::{Frame, FrameCodec};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let head = serde_json::json!({ "type": "request", "id": 7 });
/// let frame = Frame::new(&head, Bytes::from_static(b"a picture")).expect("below both caps");
/// let mut wire = BytesMut::new();
/// FrameCodec.encode(frame.clone(), &mut wire).expect("below both caps");
///
/// let last = wire.split_off(wire.len() - 1);
/// assert_eq!(FrameCodec.decode(&mut wire).expect("nothing wrong"), None, "not until the last byte is there");
/// wire.unsplit(last);
/// assert_eq!(FrameCodec.decode(&mut wire).expect("nothing wrong"), Some(frame));
///
/// let mut hostile = BytesMut::from(&[0xff; 8][..]);
/// assert!(FrameCodec.decode(&mut hostile).is_err(), "refused before a byte of it is buffered");
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct FrameCodec;

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some((head, body)) = lengths(src)? else { return Ok(None) };
        let whole = PREFIX + head + body;
        if src.len() < whole {
            src.reserve(whole - src.len());
            return Ok(None);
        }
        src.advance(PREFIX);
        Ok(Some(Frame { head: src.split_to(head).freeze(), body: src.split_to(body).freeze() }))
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), FrameError> {
        self.encode(Part::Begin { head: frame.head, body: frame.body.len() }, dst)?;
        self.encode(Part::Body(frame.body), dst)
    }
}

impl Encoder<Part> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, part: Part, dst: &mut BytesMut) -> Result<(), FrameError> {
        match part {
            Part::Begin { head, body } => {
                check(head.len(), body)?;
                let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX); // never taken: both caps fit
                dst.reserve(PREFIX + head.len());
                dst.put_u32(length(head.len()));
                dst.put_u32(length(body));
                dst.put(head);
            }
            Part::Body(bytes) => dst.put(bytes),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_length_beyond_its_cap_is_refused_before_it_is_buffered() {
        let mut bytes = BytesMut::new();
        bytes.put_u32(u32::MAX);
        bytes.put_u32(0);
        assert!(matches!(FrameCodec.decode(&mut bytes), Err(FrameError::HeadTooLarge(_))));
        let mut bytes = BytesMut::new();
        bytes.put_u32(2);
        bytes.put_u32(u32::MAX);
        assert!(matches!(PartCodec::default().decode(&mut bytes), Err(FrameError::BodyTooLarge(_))));
        assert!(matches!(FrameCodec.decode(&mut bytes), Err(FrameError::BodyTooLarge(_))));
    }

    proptest! {
        #[test]
        fn frames_survive_any_split(
            frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..64), prop::collection::vec(any::<u8>(), 0..64)), 0..8),
            step in 1usize..40,
        ) {
            let frames: Vec<Frame> =
                frames.into_iter().map(|(head, body)| Frame { head: head.into(), body: body.into() }).collect();
            let mut wire = BytesMut::new();
            for frame in &frames {
                FrameCodec.encode(frame.clone(), &mut wire).expect("small");
            }
            let (mut buffer, mut seen) = (BytesMut::new(), Vec::new());
            for piece in wire.chunks(step) {
                buffer.extend_from_slice(piece);
                while let Some(frame) = FrameCodec.decode(&mut buffer).expect("valid") {
                    seen.push(frame);
                }
            }
            prop_assert_eq!(seen, frames);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn a_body_in_pieces_is_the_same_frame(
            head in prop::collection::vec(any::<u8>(), 0..64),
            body in prop::collection::vec(any::<u8>(), 0..512),
            step in 1usize..100,
        ) {
            let (head, body) = (Bytes::from(head), Bytes::from(body));
            let (mut whole, mut pieces) = (BytesMut::new(), BytesMut::new());
            FrameCodec.encode(Frame { head: head.clone(), body: body.clone() }, &mut whole).expect("small");
            FrameCodec.encode(Part::Begin { head, body: body.len() }, &mut pieces).expect("small");
            for piece in body.chunks(step) {
                FrameCodec.encode(Part::Body(Bytes::copy_from_slice(piece)), &mut pieces).expect("small");
            }
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn what_comes_in_in_parts_is_the_same_however_it_was_cut(
            frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..64), prop::collection::vec(any::<u8>(), 0..512)), 0..6),
            step in 1usize..200,
        ) {
            let mut wire = BytesMut::new();
            for (head, body) in &frames {
                let (head, body) = (Bytes::from(head.clone()), Bytes::from(body.clone()));
                FrameCodec.encode(Frame { head, body }, &mut wire).expect("small");
            }
            let (mut codec, mut buffer) = (PartCodec::default(), BytesMut::new());
            let mut seen: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            let mut announced = Vec::new();
            for piece in wire.chunks(step) {
                buffer.extend_from_slice(piece);
                while let Some(part) = codec.decode(&mut buffer).expect("valid") {
                    match part {
                        Part::Begin { head, body } => {
                            announced.push(body);
                            seen.push((head.to_vec(), Vec::new()));
                        }
                        Part::Body(bytes) => seen.last_mut().expect("begun").1.extend_from_slice(&bytes),
                    }
                }
            }
            prop_assert!(buffer.is_empty());
            prop_assert_eq!(announced, frames.iter().map(|(_, body)| body.len()).collect::<Vec<_>>());
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let (mut parts, mut codec) = (BytesMut::from(&bytes[..]), PartCodec::default());
            while let Ok(Some(_)) = codec.decode(&mut parts) {}
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(frame)) = FrameCodec.decode(&mut buffer) {
                let _ = frame.message::<crate::protocol::FromWorker>();
                let _ = frame.message::<crate::protocol::ToWorker>();
            }
        }
    }
}
