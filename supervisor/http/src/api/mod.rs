//! The surface below `/api`: the convention that WAHA's clients speak, in English.
//!
//! `table` lists every operation once: from it come the router, the scopes and the document at `/openapi.json`. A
//! row names its handler or says why there is none; what is not offered answers 501 with its name, never 404 or a
//! fake success. `route` is what each request passes, one file per group has the handlers, `models` the answers. `mcp` offers
//! the same rows to agents.
//!
//! **A handler goes the same way as Flask's routes**: the user's handle, IPC, the worker. None knows a process.

mod address;
mod answer;
mod channels;
mod chats;
mod chatting;
mod config;
mod configuring;
mod contacts;
pub(crate) mod context;
mod examples;
mod fields;
pub(crate) mod files;
mod groups;
mod input;
mod keys;
mod labels;
mod linking;
mod lists;
mod looks;
mod mcp;
mod models;
mod openapi;
mod passkey;
mod profile;
mod repeat;
mod restrictions;
mod route;
mod serve;
mod server;
pub(crate) mod session;
mod sessions;
mod statuses;
mod table;
mod unique;
mod wording;

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::errors::ApiError;
use crate::route::Route;

pub(super) use configuring::configure;
pub(super) use openapi::docs;

/// Its routes.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = operations();
    routes.extend([openapi::route(), mcp::route()]);
    routes
}

/// The routes of the table's rows.
fn operations() -> Vec<Route> {
    let rows = table::rows();
    let deeper: Vec<_> = rows.iter().map(|row| row.deeper(&rows)).collect();
    rows.into_iter().zip(deeper).map(|(row, deeper)| row.route(deeper)).collect()
}

/// 404 for a path below `/api` that nobody serves; 400 where only a part of it is missing.
pub(super) fn unknown_route(method: &Method, path: &str) -> Response {
    let unknown = || ApiError::not_found("There is no such route below /api");
    address::lacking(&table::rows(), method, path).unwrap_or_else(unknown).into_response()
}

/// 405 for a path that has other methods; 400 where only a part of another path is missing.
pub(super) fn wrong_method(method: &Method, path: &str) -> Response {
    let wrong = || ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "This route has other methods");
    address::lacking(&table::rows(), method, path).unwrap_or_else(wrong).into_response()
}

/// Whether the bodies of an operation may hold a file. It reads them itself.
pub(super) fn takes_file(method: &Method, path: &str) -> bool {
    static OPERATIONS: LazyLock<HashSet<(&str, Method)>> = LazyLock::new(|| {
        let with_file = table::rows().into_iter().filter(|row| row.file_at.is_some());
        with_file.map(|row| (row.path, row.method)).collect()
    });
    OPERATIONS.contains(&(path, method.clone()))
}
