//! What must hold for any bytes from the other side of a socket, be it a worker's or a caller's. Shared by cargo-fuzz and the test on stable, so
//! that both look for the same thing. A target panics where something does not hold.
#![allow(dead_code)] // each binary of cargo-fuzz runs one of them

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use colmeia::config::WorkerConfig;
use colmeia::layout::{AUTH_PREFIX, StateLayout};
use colmeia::operations::{ChannelId, MessageRef};
use colmeia::passkey::{self, Assertion, Request, WHATSAPP};
use colmeia::protocol::{Frame, FrameCodec, FromWorker, MAX_BODY, MAX_HEAD, ToWorker};
use colmeia::{ChatId, Secret, UserId};
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
    let whole = colmeia_http::fuzzing::lifted(body, body.len());
    assert_eq!(whole, colmeia_http::fuzzing::lifted(body, usize::from(*cut)), "the cut matters");
    let Some((fields, file)) = whole else { return };
    assert!(fields.is_object());
    assert!(
        file.as_ref()
            .is_none_or(|file| !file.is_empty() && file.len() as u64 <= colmeia_host::uploads::LARGEST)
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
    let Some((session, ids, limit, after)) = colmeia_http::fuzzing::asked(query) else { return };
    assert!((1..=1000).contains(&limit));
    let mut again = format!("limit={limit}");
    session.iter().for_each(|session| again.push_str(&format!("&session={session}")));
    after.iter().for_each(|after| again.push_str(&format!("&after={after}")));
    ids.iter().for_each(|id| again.push_str(&format!("&id={id}")));
    assert_eq!(colmeia_http::fuzzing::asked(&again), Some((session, ids, limit, after)));
}

/// The headers of a request, one on each line. The first byte says who sent them: a trusted proxy or a stranger, an old
/// program, and whether a path is configured. Whatever they say: a stranger's word as a proxy counts for nothing, what
/// goes into answers and cookies has no character that means anything there, and hearing once more changes nothing.
pub(crate) fn headers(data: &[u8]) {
    let Some((who, lines)) = data.split_first() else { return };
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let (trusted, configured, old) = (who & 1 == 1, who & 2 == 2, who & 4 == 4);
    let peer: IpAddr = if trusted { [10, 0, 0, 1].into() } else { [203, 0, 113, 9].into() };
    let base_path = if configured { "/colmeia" } else { "" };
    let mut settled = headers.clone();
    let heard = colmeia_http::fuzzing::heard(Some(peer), base_path, old, &mut settled);

    let rest = heard.base.strip_prefix(if heard.is_tls { "https://" } else { "http://" });
    let harmless =
        |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    assert!(rest.is_some_and(|rest| harmless(rest, b".-:[]_/~")), "{:?}", heard.base);
    assert!(heard.cookie_path.starts_with('/') && harmless(&heard.cookie_path, b"-._~/"), "{heard:?}");
    assert!(!heard.base.ends_with('/') && (!configured || heard.cookie_path == "/colmeia"), "{heard:?}");
    assert!(["pt-BR", "en"].contains(&&*heard.language));
    assert!(heard.may_look || !heard.may_change);
    if !trusted {
        let proxied = headers.keys().any(|name| SIGNS.contains(&name.as_str()));
        assert_eq!(heard.caller, (!proxied && !old).then_some(peer));
        assert!(!settled.contains_key("x-forwarded-host") && !heard.is_tls, "a stranger's word");
    }
    for name in ["forwarded", "x-forwarded-for", "x-real-ip", "via", "x-forwarded-port"] {
        assert!(!settled.contains_key(name), "{name} is left for others to believe");
    }
    for name in ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix"] {
        assert!(settled.get_all(name).iter().count() <= 1, "{name} is there twice");
    }
    if trusted {
        let mut again = settled.clone();
        let twice = colmeia_http::fuzzing::heard(Some(peer), base_path, old, &mut again);
        assert_eq!((&twice.base, &twice.cookie_path), (&heard.base, &heard.cookie_path));
    }
    if let Some(uri) = headers.get("x-original-uri").and_then(|uri| uri.to_str().ok()?.parse().ok())
        && let Some(below) = colmeia_http::fuzzing::below(&uri)
    {
        assert!(below.path().starts_with('/') && below.query() == uri.query(), "{uri} became {below}");
    }
}

/// What only proxies say.
const SIGNS: [&str; 12] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
];

/// A passkey's answer: refused or kept, the same once it was written and read again, and nothing of it in words.
pub(crate) fn passkey(data: &[u8]) {
    let Ok(assertion) = serde_json::from_slice::<Assertion>(data) else { return };
    let request = Request {
        challenge: Secret::new("YSBjaGFsbGVuZ2U"),
        timeout: 600_000,
        rp_id: WHATSAPP.0.to_owned(),
        origin: WHATSAPP.1.to_owned(),
        allow_credentials: Vec::new(),
        user_verification: "required".to_owned(),
        extensions: None,
        since_ms: 0,
        until_ms: 600_000,
    };
    let checked = passkey::check(&assertion, &request);
    let written = serde_json::to_vec(&assertion).expect("what was read can be written");
    let again: Assertion = serde_json::from_slice(&written).expect("what was written can be read");
    assert!(again == assertion && passkey::check(&again, &request) == checked);
    assert_eq!(format!("{assertion:?}"), "[passkey assertion]");
    if checked.is_ok() {
        let elsewhere = Request { challenge: Secret::new("b3RoZXI"), ..request.clone() };
        assert!(passkey::check(&assertion, &elsewhere).is_err(), "it answers any challenge");
        let elsewhere = Request { origin: "https://example.com".to_owned(), ..request };
        assert!(passkey::check(&assertion, &elsewhere).is_err(), "it answers on any origin");
    }
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
