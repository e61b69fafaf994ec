//! The line on which the page's modules come: one for all pages, of a chosen speed.
//!
//! Owns only time. Nothing is transferred: a page asks how long so many kB take, and is answered when they would be
//! there. Pieces of several pages take turns, as packets do.

use std::time::Duration;

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use tokio::time::sleep;

use crate::world::Shared;

/// The largest piece that goes without letting another page have its turn, in kB.
const PIECE: u64 = 50;
/// No page asks for more at once.
const MOST: u64 = 100_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/sim/line", get(transfer))
}

/// `?kilobytes=`.
#[derive(Debug, Deserialize)]
struct Wanted {
    kilobytes: u64,
}

async fn transfer(State(shared): State<Shared>, Query(wanted): Query<Wanted>) -> StatusCode {
    if wanted.kilobytes > MOST {
        return StatusCode::BAD_REQUEST;
    }
    let Some(kbit) = shared.settings.line_kbit.filter(|kbit| *kbit > 0) else {
        return StatusCode::NO_CONTENT;
    };
    let mut left = wanted.kilobytes;
    while left > 0 {
        let piece = left.min(PIECE);
        // Whoever holds it has the line; waiters get it in the order in which they came.
        let _turn = shared.line.lock().await;
        sleep(Duration::from_millis(piece * 8 * 1000 / kbit)).await;
        left -= piece;
    }
    StatusCode::NO_CONTENT
}
