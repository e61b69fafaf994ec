//! [`Route`]: one line of the table of routes. Who adds one says its effect; there is no other way to add one.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::effect::Effect;
use crate::state::Http;

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As the router has it, with names in braces.
    pub(crate) path: &'static str,
    pub(crate) effect: Effect,
    pub(crate) serve: MethodRouter<Http>,
}

impl Route {
    /// Any route.
    pub(crate) fn new<T: 'static>(
        method: Method,
        path: &'static str,
        effect: Effect,
        handler: impl Handler<T, Http>,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET); // the table has no other
        Self { method, path, effect, serve: on(filter, handler) }
    }

    /// A `GET` that only looks.
    pub(crate) fn look<T: 'static>(path: &'static str, handler: impl Handler<T, Http>) -> Self {
        Self::new(Method::GET, path, Effect::None, handler)
    }

    /// A `POST`.
    pub(crate) fn post<T: 'static>(path: &'static str, handler: impl Handler<T, Http>) -> Self {
        Self::new(Method::POST, path, Effect::Change, handler)
    }
}
