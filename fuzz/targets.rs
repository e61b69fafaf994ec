//! What must hold for any bytes from the other side of a socket. Shared by cargo-fuzz and the test on stable, so
//! that both look for the same thing. A target panics where something does not hold.
#![allow(dead_code)] // each binary of cargo-fuzz runs one of them

use bytes::{Bytes, BytesMut};
use colmeia::config::WorkerConfig;
use colmeia::protocol::{Frame, FrameCodec, FromWorker, MAX_BODY, MAX_HEAD, ToWorker};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// The decoder: the same frames however the bytes are cut, the same bytes when they are written again, and no
/// more memory than the caps allow. The first byte says how the rest is cut.
pub(crate) fn frame(data: &[u8]) {
    let Some((cut, wire)) = data.split_first() else { return };
    let (whole, whole_fine) = decode(wire.chunks(wire.len().max(1)));
    let (pieces, pieces_fine) = decode(wire.chunks(usize::from(*cut).max(1)));
    assert_eq!((&whole, whole_fine), (&pieces, pieces_fine), "the cut matters");
    let mut again = BytesMut::new();
    for frame in whole {
        FrameCodec.encode(frame, &mut again).expect("what came fits");
    }
    assert!(wire.starts_with(&again), "other bytes than those that came");
}

/// All frames, and whether the rest may still become one.
fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, bool) {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match FrameCodec.decode(&mut buffer) {
                Ok(Some(frame)) => {
                    assert!(frame.head.len() <= MAX_HEAD && frame.body.len() <= MAX_BODY);
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
        assert!(buffer.capacity() <= 2 * (MAX_HEAD + MAX_BODY), "more memory than one frame can need");
    }
    (frames, true)
}

/// The messages: any head is refused or understood, and what is understood is the same after it was written and
/// read again.
pub(crate) fn wire(data: &[u8]) {
    let head = Bytes::copy_from_slice(data);
    same_again::<FromWorker>(&head);
    same_again::<ToWorker>(&head);
    same_again::<WorkerConfig>(&head);
}

fn same_again<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(head: &Bytes) {
    let Ok(message) = Frame { head: head.clone(), body: Bytes::new() }.message::<T>() else { return };
    let written = Frame::new(&message, Bytes::new()).expect("what was read can be written");
    assert_eq!(written.message::<T>().expect("what was written can be read"), message);
}
