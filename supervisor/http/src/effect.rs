//! [`Effect`]: what a request does besides answering, and the [`Effects`] of all routes, which `access` looks up.
//! Knows no handler.

use std::collections::HashMap;

use axum::extract::MatchedPath;
use axum::http::Method;

/// What a request for a route does besides answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it may be asked by mistake.
    None,
    /// It changes something, whatever its method; keeping a session awake is a change too. So is a WebSocket, which any
    /// page could open and read.
    Change,
    /// The same, but it is also a page: shown without the change, it asks for a click first.
    Page,
}

/// That the address had a slash at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndSlash;

/// Those of all routes.
#[derive(Debug)]
pub(crate) struct Effects(HashMap<(&'static str, Method), Effect>);

impl Effects {
    /// Of these routes: their paths and methods, and what each does.
    pub(crate) fn new(routes: impl Iterator<Item = (&'static str, Method, Effect)>) -> Self {
        Self(routes.map(|(path, method, effect)| ((path, method), effect)).collect())
    }

    /// What a request does. What is in no table does what its method says.
    pub(crate) fn of(&self, method: &Method, path: Option<&MatchedPath>) -> Effect {
        // `HEAD` is served by whoever serves `GET`.
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        // A slash more at the end is no other route.
        let path = path.map(MatchedPath::as_str);
        let path = path.map(|path| if path == "/" { path } else { path.trim_end_matches('/') });
        let known = path.and_then(|path| self.0.get(&(path, asked.clone())).copied());
        let looks = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        known.unwrap_or(if looks { Effect::None } else { Effect::Change })
    }
}
