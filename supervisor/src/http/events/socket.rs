//! `/ws`: events over a WebSocket in WAHA's manner, from now on; with `after`, from there on.
//!
//! Owns the talk on an open socket. What the other side says is not listened to, only that it is there.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::super::Http;
use super::super::access::Caller;
use super::feed::Feed;
use super::query::Question;
use super::refusal::Refusal;
use super::source;
use crate::journal::Cursor;

/// The most sockets at once.
pub(in super::super) const SOCKETS: usize = 256;
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
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let question = Question::read(&query.unwrap_or_default())?;
    let place = Arc::clone(&http.sockets).try_acquire_owned();
    let place = place.map_err(|_| Refusal::busy("too many WebSockets are open; try again later"))?;
    let from = question.cursor(Cursor::End);
    let feed = Feed::start(source(&http, question, caller), from).await?;
    let shutdown = http.shutdown.clone();
    Ok(upgrade.max_message_size(LARGEST).on_upgrade(move |socket| talk(socket, feed, shutdown, place)))
}

async fn talk(
    mut socket: WebSocket,
    mut feed: Feed,
    shutdown: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    loop {
        let message = tokio::select! {
            () = shutdown.cancelled() => {
                let frame = CloseFrame { code: close_code::AWAY, reason: "the service ends".into() };
                let _ = timeout(PING, socket.send(Message::Close(Some(frame)))).await;
                return;
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
