//! The table of all routes, once, each with whether it changes anything: the router is made of it, and so is what
//! `access` looks up.

use crate::effect::{Effect, Effects};
use crate::route::Route;
use crate::{api, events, flask, page, watch};

/// All of them but the files of `/docs`, which only show.
pub(super) fn all() -> impl Iterator<Item = Route> {
    let parts = [flask::routes(), api::routes(), page::routes(), watch::routes(), events::routes()];
    parts.into_iter().flatten()
}

/// What each of them does besides answering.
pub(super) fn effects() -> Effects {
    Effects::new(all().map(|route| (route.path, route.method, route.effect)))
}

/// The table for people and tests, a route a line: method, path, and `changes`, `asks` or `looks`.
pub fn listed() -> String {
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

    use axum::http::Method;

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
        assert_eq!(effects().of(&Method::PATCH, None), Effect::Change);
        assert_eq!(effects().of(&Method::HEAD, None), Effect::None);
    }
}
