//! What must hold for any bytes from the other side of a socket, be it a worker's or a caller's. Shared by cargo-fuzz and the test on stable, so
//! that both look for the same thing. A target panics where something does not hold.
#![allow(dead_code)] // each binary of cargo-fuzz runs one of them

use bytes::{Bytes, BytesMut};
use colmeia::config::WorkerConfig;
use colmeia::layout::{AUTH_PREFIX, StateLayout};
use colmeia::operations::{ChannelId, MessageRef};
use colmeia::protocol::{Frame, FrameCodec, FromWorker, MAX_BODY, MAX_HEAD, ToWorker};
use colmeia::{ChatId, UserId};
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

/// A body with a file in it: read the same however it is cut; where there is no file in it, as any reader of JSON would
/// read it; and the file is the base64 that stood there. The first byte says how the rest is cut.
pub(crate) fn upload(data: &[u8]) {
    let Some((cut, body)) = data.split_first() else { return };
    let whole = crate::stage::http::lifted(body, body.len());
    assert_eq!(whole, crate::stage::http::lifted(body, usize::from(*cut)), "the cut matters");
    let Some((fields, file)) = whole else { return };
    let fields: serde_json::Value = serde_json::from_str(&fields).expect("fields are JSON");
    assert!(fields.is_object());
    assert!(
        file.as_ref()
            .is_none_or(|file| !file.is_empty() && file.len() as u64 <= crate::stage::uploads::LARGEST)
    );
    if let (None, Ok(plain)) = (&file, serde_json::from_slice::<serde_json::Value>(body)) {
        let text = plain.pointer("/file/data").and_then(serde_json::Value::as_str);
        // What is a file's place and holds none is empty then.
        assert!(text.is_some() || plain == fields, "{plain} is not {fields}");
    }
}

/// What stands behind a `?`: refused or understood, within the bounds, and understood the same once more.
pub(crate) fn query(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let Some((session, ids, limit, after)) = crate::stage::http::asked(query) else { return };
    assert!((1..=1000).contains(&limit));
    let mut again = format!("limit={limit}");
    session.iter().for_each(|session| again.push_str(&format!("&session={session}")));
    after.iter().for_each(|after| again.push_str(&format!("&after={after}")));
    ids.iter().for_each(|id| again.push_str(&format!("&id={id}")));
    assert_eq!(crate::stage::http::asked(&again), Some((session, ids, limit, after)));
}

/// Names of users, chats, channels, messages and events: refused or kept, and never more than a name.
pub(crate) fn ids(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(user) = text.parse::<UserId>() {
        let kept = user.as_str();
        assert!(kept == text && (1..=64).contains(&kept.len()), "{kept:?} of {text:?}");
        assert!(kept.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)), "no path: {kept:?}");
        assert_eq!(StateLayout::user_of_auth_dir(&format!("{AUTH_PREFIX}{kept}")), Some(user));
    }
    if let Ok(chat) = ChatId::normalise(text) {
        let (user, server) = chat.as_str().split_once('@').expect("a server");
        assert!(["c.us", "g.us", "lid", "newsletter"].contains(&server));
        assert!(user.bytes().all(|b| b.is_ascii_digit() || b == b'-') && user.len() <= 512 + text.len());
        assert_eq!(ChatId::normalise(chat.as_str()), Ok(chat.clone()), "once more");
    }
    let quoted = serde_json::Value::String(text.to_owned());
    for name in [
        serde_json::from_value::<ChannelId>(quoted.clone()).map(|id| id.as_str().to_owned()),
        serde_json::from_value::<MessageRef>(quoted.clone()).map(|id| id.as_str().to_owned()),
    ] {
        assert!(name.is_err() || name.is_ok_and(|name| name == text && !name.chars().any(char::is_control)));
    }
    if let Ok(event) = text.parse::<colmeia_events::journal::EventId>() {
        assert_eq!(event.to_string().parse(), Ok(event));
    }
}
