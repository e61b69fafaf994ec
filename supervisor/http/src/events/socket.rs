//! `/ws`: events over a WebSocket in WAHA's manner, from now on; with `after`, from there on.
//!
//! Owns the talk on an open socket. What the other side says is not listened to, only that it is there.

use std::time::Duration;

use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::super::access::{Basis, Caller};
use super::feed::Feed;
use super::query::EventQuery;
use super::{is_known, source};
use crate::errors::ApiError;
use crate::state::Http;
use colmeia_events::journal::Cursor;
use colmeia_host::shares::Holder;

/// How often the other side is asked whether it is there.
const PING: Duration = Duration::from_secs(25);
/// How long the other side may take to read.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many pings in a row may stay without any word.
const SILENCE: u32 = 3;
/// The largest message that is read.
const LARGEST: usize = 64 * 1024;

/// Opens a socket.
pub(super) async fn socket(
    State(http): State<Http>,
    Extension(caller): Extension<Caller>,
    Extension(holder): Extension<Holder>,
    basis: Option<Extension<Basis>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    let question = EventQuery::read(&query.unwrap_or_default())?;
    let place = http.places.socket(&holder, is_known(&http, &question).await)?;
    let from = question.cursor(Cursor::End);
    let feed = Feed::start(source(&http, question, caller, &headers), from).await?;
    let talk = async move |socket| {
        let _place = place;
        let basis = basis.map(|Extension(basis)| basis);
        talk(socket, feed, &http, basis).await;
    };
    Ok(upgrade.max_message_size(LARGEST).on_upgrade(talk))
}

async fn talk(mut socket: WebSocket, mut feed: Feed, http: &Http, basis: Option<Basis>) {
    let ended = async {
        match &basis {
            Some(basis) => http.access.ended(basis).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(ended);
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    loop {
        let message = tokio::select! {
            () = http.shutdown.cancelled() => {
                return close(socket, close_code::AWAY, "the service ends").await;
            }
            () = &mut ended => {
                return close(socket, close_code::POLICY, "the key does not allow this any more").await;
            }
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    silent = 0;
                    continue;
                }
            },
            told = feed.next() => match told {
                Some(told) => Message::Text(told.json.into()),
                None => return,
            },
            _ = pings.tick() => {
                if silent >= SILENCE {
                    return;
                }
                silent += 1;
                Message::Ping(Vec::new().into())
            }
        };
        // One who does not read is let go: the journal has it all.
        if !matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(PING, socket.send(Message::Close(Some(frame)))).await; // who is gone needs no word
}
