//! [`Route`]: the table of all routes, once, each with whether it changes anything.
//!
//! Owns the form of a line, and what is asked of the table: the router is made of it, and `access` looks up the effect
//! of a request in it. Who adds a route says its effect; there is no other way to add one.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::MatchedPath;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use super::{Http, api, events, flask, page, watch};

/// What a request for a route does besides answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: it may be asked by mistake.
    None,
    /// It changes something, whatever its method; keeping a session awake is a change too. So is a WebSocket, which any
    /// page could open and read.
    Change,
    /// The same, but it is also a page: shown without the change, it asks for a click first.
    Page,
}

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    /// As the router has it, with names in braces.
    pub(super) path: &'static str,
    pub(super) effect: Effect,
    pub(super) serve: MethodRouter<Http>,
}

impl Route {
    /// Any route.
    pub(super) fn new<T: 'static>(
        method: Method,
        path: &'static str,
        effect: Effect,
        handler: impl Handler<T, Http>,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET); // the table has no other
        Self { method, path, effect, serve: on(filter, handler) }
    }

    /// A `GET` that only looks.
    pub(super) fn look<T: 'static>(path: &'static str, handler: impl Handler<T, Http>) -> Self {
        Self::new(Method::GET, path, Effect::None, handler)
    }

    /// A `POST`.
    pub(super) fn post<T: 'static>(path: &'static str, handler: impl Handler<T, Http>) -> Self {
        Self::new(Method::POST, path, Effect::Change, handler)
    }
}

/// All of them but the files of `/docs`, which only show.
pub(super) fn all() -> impl Iterator<Item = Route> {
    let parts = [flask::routes(), api::routes(), page::routes(), watch::routes(), events::routes()];
    parts.into_iter().flatten()
}

/// What a request does. What is in no table does what its method says.
pub(super) fn effect(method: &Method, path: Option<&MatchedPath>) -> Effect {
    static EFFECTS: LazyLock<HashMap<(&str, Method), Effect>> =
        LazyLock::new(|| all().map(|route| ((route.path, route.method), route.effect)).collect());
    // `HEAD` is served by whoever serves `GET`.
    let asked = if *method == Method::HEAD { &Method::GET } else { method };
    // A slash more at the end is no other route.
    let path = path.map(MatchedPath::as_str);
    let path = path.map(|path| if path == "/" { path } else { path.trim_end_matches('/') });
    let known = path.and_then(|path| EFFECTS.get(&(path, asked.clone())).copied());
    let looks = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    known.unwrap_or(if looks { Effect::None } else { Effect::Change })
}

/// The table for people and tests, a route a line: method, path, and `changes`, `asks` or `looks`.
pub(crate) fn listed() -> String {
    let word = |effect| match effect {
        Effect::None => "looks",
        Effect::Change => "changes",
        Effect::Page => "asks",
    };
    let mut lines: Vec<_> =
        all().map(|route| format!("{} {} {}\n", route.method, route.path, word(route.effect))).collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_names_each_route_once_and_every_change() {
        let mut seen = HashSet::new();
        for Route { method, path, effect, .. } in all() {
            assert!(seen.insert((path, method.clone())), "{method} {path} twice");
            assert!(method == Method::GET || effect == Effect::Change, "{method} {path} is a change");
        }
        let listed = listed();
        for line in [
            "GET /api/sendText changes",
            "GET /qr asks",
            "GET /qr/events changes",
            "GET /ws changes",
            "GET /api/{session}/presence/{chatId} changes",
            "GET /language/{tag} changes",
            "GET /status looks",
            "GET /api/sessions looks",
            "POST /send changes",
            "DELETE /api/sessions/{session} changes",
        ] {
            assert!(listed.lines().any(|known| known == line), "{line}");
        }
        assert_eq!(effect(&Method::PATCH, None), Effect::Change);
        assert_eq!(effect(&Method::HEAD, None), Effect::None);
    }
}
