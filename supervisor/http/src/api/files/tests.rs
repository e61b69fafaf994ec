//! Files out of bodies, however they come in.

use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::lift::{Wrong, lift};
use colmeia_host::uploads::{Upload, Uploads};

const AT: &[&str] = &["file", "data"];

/// A body that comes in pieces of these lengths, again and again, and ends with an error or not.
struct Pieces<'a> {
    rest: &'a [u8],
    lengths: std::iter::Cycle<std::vec::IntoIter<usize>>,
    breaks: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.breaks {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let length = self.lengths.next().unwrap_or(1).min(buf.len()).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        buf[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

struct Place {
    _folder: tempfile::TempDir,
    uploads: Uploads,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let uploads = Uploads::open(folder.path().join("u")).expect("opened");
        Self { _folder: folder, uploads }
    }

    fn lift(&self, body: impl Read) -> Result<(Map<String, Value>, Option<Upload>), Wrong> {
        lift(body, AT, self.uploads.expect(u64::MAX, &colmeia_host::shares::Holder::Here).expect("room"))
    }

    fn lift_text(&self, body: &str) -> Result<(Map<String, Value>, Option<Upload>), Wrong> {
        self.lift(body.as_bytes())
    }
}

fn content(upload: &Upload) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let mut all = Vec::new();
    while (all.len() as u64) < upload.length() {
        all.extend(runtime.block_on(upload.piece(all.len() as u64)).expect("read"));
    }
    all
}

/// How a client may write the file.
fn dress(bytes: &[u8], padded: bool, scheme: bool, line: Option<usize>) -> String {
    let text = if padded { STANDARD.encode(bytes) } else { STANDARD_NO_PAD.encode(bytes) };
    let text = match line {
        Some(line) => {
            text.as_bytes().chunks(line).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n")
        }
        None => text,
    };
    if scheme { format!("data:text/plain;charset=utf-8;base64,{text}") } else { text }
}

proptest! {
    #[test]
    fn a_file_is_lifted_whole_however_the_body_is_cut(
        bytes in prop::collection::vec(any::<u8>(), 1..6000),
        lengths in prop::collection::vec(1_usize..700, 1..8),
        padded: bool,
        scheme: bool,
        line in prop::option::of(1_usize..80),
        escaped: bool,
        before: bool,
    ) {
        let data = dress(&bytes, padded, scheme, line);
        let other = json!({"chatId": "55", "n": [1, -2.5, null, true], "file": 1, "deep": {"data": "oi"}});
        let mut body = if before {
            format!(r#"{{"other":{other},"file":{{"data":{},"mimetype":"a/b"}},"z":"\u00e9"}}"#, json!(data))
        } else {
            format!(r#"  {{"file":{{"mimetype":"a/b","data":{}}},"z":"é","other":{other}}} "#, json!(data))
        };
        if escaped {
            // As PHP writes it.
            body = body.replace('/', "\\/");
        }
        let place = Place::new();
        let pieces = Pieces { rest: body.as_bytes(), lengths: lengths.into_iter().cycle(), breaks: false };
        let (fields, upload) = place.lift(pieces).expect("fine");
        let upload = upload.expect("a file");
        prop_assert_eq!(content(&upload), &bytes[..]);
        let digest = hex::encode(Sha256::digest(&bytes));
        let expected = json!({"other": other, "z": "é", "file": {"mimetype": "a/b", "data": digest}});
        prop_assert_eq!(Value::Object(fields), expected);
        drop(upload);
        prop_assert_eq!(place.uploads.taken(), 0);
    }

    #[test]
    fn without_a_file_the_rest_is_read_as_serde_reads_it(text in r#"[\[\]{}",:0-9a-z.eE+\\ \n-]{0,40}"#) {
        let place = Place::new();
        let ours = place.lift_text(&text).map(|(fields, _)| Value::Object(fields));
        match serde_json::from_str::<Value>(&text) {
            Ok(value @ Value::Object(_)) => prop_assert_eq!(ours.expect("fine"), value),
            _ if text.trim().is_empty() => prop_assert_eq!(ours.expect("nothing"), json!({})),
            _ => prop_assert!(matches!(ours, Err(Wrong::NoJson(_) | Wrong::NoObject)), "{ours:?}"),
        }
    }

    #[test]
    fn a_body_that_breaks_off_leaves_nothing(bytes in prop::collection::vec(any::<u8>(), 1..3000), cut in 1_usize..40) {
        let body = json!({"file": {"data": STANDARD.encode(&bytes)}, "x": "y"}).to_string();
        let place = Place::new();
        let rest = &body.as_bytes()[..body.len() - cut.min(body.len() - 1)];
        let pieces = |breaks| Pieces { rest, lengths: vec![100].into_iter().cycle(), breaks };
        prop_assert!(matches!(place.lift(pieces(true)), Err(Wrong::Broken)));
        prop_assert!(matches!(place.lift(pieces(false)), Err(Wrong::NoJson(_))));
        prop_assert_eq!(place.uploads.taken(), 0);
    }
}

#[test]
fn what_is_no_base64_is_told_from_what_is_no_json() {
    let place = Place::new();
    for data in ["no base64!", "a", "QQ==QQ==", "QQ=Q", "data:image/png,abc", "data:;base64", "====", "é"] {
        let body = json!({"file": {"data": data}}).to_string();
        assert!(matches!(place.lift_text(&body), Err(Wrong::NoBase64)), "{data}");
    }
    for body in [
        r#"{"file":{"data":"QUJD\x"}}"#,
        "{\"file\":{\"data\":\"QU\nJD\"}}",
        r#"{"file":{"data":"QUJD"}"#,
        "x",
    ] {
        assert!(matches!(place.lift_text(body), Err(Wrong::NoJson(_))), "{body}");
    }
    for body in ["[]", "1", r#""text""#] {
        assert!(matches!(place.lift_text(body), Err(Wrong::NoObject)), "{body}");
    }
    let twice = r#"{"file":{"data":"QUJD","data":"QUJD"}}"#;
    assert!(matches!(place.lift_text(twice), Err(Wrong::Twice(_))));
    assert_eq!(place.uploads.taken(), 0);
}

#[test]
fn only_a_text_at_its_place_is_a_file() {
    let place = Place::new();
    for body in [
        json!({"file": {"url": "x"}}),
        json!({"file": {"data": ["QUJD"]}}),
        json!({"file": ["data", {"data": "QUJD"}]}),
        json!({"file": {"data": {"data": "QUJD"}}}),
        json!({"data": "QUJD", "file": {"data": null}}),
        json!({"file": {"data": ""}}),
    ] {
        let (fields, upload) = place.lift_text(&body.to_string()).expect("fine");
        assert!(upload.is_none());
        assert_eq!(Value::Object(fields), body);
    }
}

#[test]
fn what_is_kept_in_memory_is_bounded() {
    let place = Place::new();
    let large = "x".repeat(1 << 20);
    for body in [
        json!({ "file": {"data": "QUJD"}, "caption": large }).to_string(),
        json!({ large.as_str(): 1 }).to_string(),
        format!(r#"{{"a":[{}1]}}"#, "1,".repeat(1 << 19)),
    ] {
        assert!(matches!(place.lift_text(&body), Err(Wrong::TooLarge)));
    }
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(place.lift_text(&deep), Err(Wrong::NoJson(_))));
}
