//! The readers, as deep as they lie in the supervisor.

mod access;
mod api;
mod body;
mod events;
#[path = "../../../supervisor/http/src/external.rs"]
mod external;
#[path = "../../../supervisor/http/src/negotiate.rs"]
mod negotiate;

pub(crate) use api::lifted;
pub(crate) use events::asked;

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, Version};
use colmeia::config::ServiceConfig;

/// What routes do, as far as a page of another site is asked.
mod routes {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Effect {
        None,
        Change,
        Page,
    }
}

/// What is made of a request's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) caller: Option<IpAddr>,
    /// The address in answers, and where cookies lead.
    pub(crate) base: String,
    pub(crate) cookie_path: String,
    pub(crate) is_tls: bool,
    pub(crate) wants_html: bool,
    pub(crate) language: String,
    /// Whether the page behind it may only look, and change something.
    pub(crate) may_look: bool,
    pub(crate) may_change: bool,
}

/// It; the headers are afterwards what handlers see. Proxies of 10.0.0.0/8 are trusted.
pub(crate) fn heard(peer: Option<IpAddr>, base_path: &str, old: bool, headers: &mut HeaderMap) -> Heard {
    let config = ServiceConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().expect("a network")],
        base_path: base_path.to_owned(),
        ..ServiceConfig::default()
    };
    let version = if old { Version::HTTP_10 } else { Version::HTTP_11 };
    let caller = external::Proxies::new(&config).settle(peer, version, headers);
    let site = access::Site::of(headers, external::host(headers));
    Heard {
        caller,
        base: external::base(headers, ([127, 0, 0, 1], 5001).into()),
        cookie_path: external::cookie_path(headers).to_owned(),
        is_tls: external::is_tls(headers),
        wants_html: negotiate::wants_html(headers),
        language: negotiate::Language::of(headers).tag().to_owned(),
        may_look: site.may_cause(routes::Effect::None),
        may_change: site.may_cause(routes::Effect::Change),
    }
}

/// The address as we know it, of one that a proxy may have left longer.
pub(crate) fn below(uri: &Uri) -> Option<Uri> {
    external::below("/colmeia", uri)
}
