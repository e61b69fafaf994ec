//! The readers of requests, opened for those who search them with made-up input (`fuzz/`, `tests/fuzz.rs`).

use std::io::Read;
use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, Version};
use colmeia::config::ServiceConfig;
use serde_json::Value;
use tempfile::TempDir;

use crate::access::site::Site;
use crate::api::files::lift::lift;
use crate::effect::Effect;
use crate::events::query::EventQuery;
use crate::{external, negotiate};
use colmeia_host::shares::Holder;
use colmeia_host::uploads::{LARGEST, Uploads, testing::content};

/// What is made of a request's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who called.
    pub caller: Option<IpAddr>,
    /// The address in answers.
    pub base: String,
    /// Where cookies lead.
    pub cookie_path: String,
    /// Whether the caller came by TLS.
    pub is_tls: bool,
    /// Whether it wants a page.
    pub wants_html: bool,
    /// In which language.
    pub language: String,
    /// Whether the page behind it may look.
    pub may_look: bool,
    /// Whether it may change something.
    pub may_change: bool,
}

/// It; the headers are afterwards what handlers see. Proxies of 10.0.0.0/8 are trusted.
pub fn heard(peer: Option<IpAddr>, base_path: &str, old: bool, headers: &mut HeaderMap) -> Heard {
    let config = ServiceConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
        base_path: base_path.to_owned(),
        ..ServiceConfig::default()
    };
    let version = if old { Version::HTTP_10 } else { Version::HTTP_11 };
    let caller = external::Proxies::new(&config).settle(peer, version, headers);
    let site = Site::of(headers, external::host(headers));
    Heard {
        caller,
        base: external::base(headers, ([127, 0, 0, 1], 5001).into()),
        cookie_path: external::cookie_path(headers).to_owned(),
        is_tls: external::is_tls(headers),
        wants_html: negotiate::wants_html(headers),
        language: negotiate::Language::of(headers).tag().to_owned(),
        may_look: site.may_cause(Effect::None),
        may_change: site.may_cause(Effect::Change),
    }
}

/// The address as we know it, of one that a proxy may have left longer.
pub fn below(uri: &Uri) -> Option<Uri> {
    external::below("/colmeia", uri)
}

/// What a question for events asks for: the session, the ids, how many; and what it begins after.
pub type Asked = (Option<String>, Vec<String>, usize, Option<String>);

/// It, if it is understood.
pub fn asked(query: &str) -> Option<Asked> {
    let question = EventQuery::read(query).ok()?;
    let after = question.after.map(|id| id.to_string());
    let ids = question.ids.iter().map(ToString::to_string).collect();
    Some((question.session.as_ref().map(ToString::to_string), ids, question.limit, after))
}

/// How a body is read that comes in pieces of this length: its fields and its file.
pub fn lifted(body: &[u8], piece: usize) -> Option<(Value, Option<Vec<u8>>)> {
    thread_local! {
        /// A folder for all searches of a thread; it goes with the thread.
        static UPLOADS: (TempDir, Uploads) = {
            let folder = tempfile::tempdir().expect("a folder");
            let uploads = Uploads::open(folder.path().to_owned()).expect("opened");
            (folder, uploads)
        };
    }
    let room = UPLOADS.with(|(_, uploads)| uploads.expect(LARGEST, &Holder::Here)).expect("room");
    let (fields, upload) = lift(Pieces { rest: body, piece }, &["file", "data"], room).ok()?;
    // As they were read: written and read again, a number may be the next one.
    Some((Value::Object(fields), upload.map(|upload| content(&upload))))
}

struct Pieces<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let (piece, rest) = self.rest.split_at(self.piece.max(1).min(buf.len()).min(self.rest.len()));
        buf[..piece.len()].copy_from_slice(piece);
        self.rest = rest;
        Ok(piece.len())
    }
}
