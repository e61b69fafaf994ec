//! A worker's own lines: the last ones, or all that come from now on.
//!
//! Owns no line: the worker keeps them in a file of its own, so that they outlive both of us.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use colmeia::admin::{Line, Lines};
use colmeia_base::tasks;
use futures::stream;
use serde::Deserialize;

use super::{Admin, Refusal, broken, parse};
use colmeia_control::operators::{LogTail, Position};

/// How many lines are given when nobody says how many.
const USUAL: usize = 50;
/// The most that are given.
const MOST: usize = 500;
/// How often a followed file is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// What may stand behind a `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogsQuery {
    lines: Option<usize>,
    follow: bool,
}

/// `GET /v1/sessions/{user}/logs`.
pub(super) async fn logs(
    State(admin): State<Admin>,
    Path(user): Path<String>,
    Query(wishes): Query<LogsQuery>,
) -> Result<Response, Refusal> {
    let user = parse(&user)?;
    admin.app.operators.known(&user).await?;
    let tail = admin.app.operators.tail(&user);
    let most = wishes.lines.unwrap_or(USUAL).min(MOST);
    let (lines, position) = read(tail.clone(), most).await?;
    if !wishes.follow {
        return Ok(Json(Lines { lines }).into_response());
    }
    let following = stream::unfold(Some((tail, lines, position)), |state| async {
        let (tail, mut lines, mut position) = state?;
        while lines.is_empty() {
            tokio::time::sleep(LOOK).await;
            let of = tail.clone();
            let news = tasks::blocking("log", move || of.since(position)).await;
            (lines, position) = news.ok()?;
        }
        Some((Ok::<_, std::convert::Infallible>(encode(lines)), Some((tail, Vec::new(), position))))
    });
    let until = admin.end.clone().cancelled_owned();
    let body = Body::from_stream(futures::StreamExt::take_until(following, Box::pin(until)));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

async fn read(tail: LogTail, most: usize) -> Result<(Vec<String>, Position), Refusal> {
    tasks::blocking("log", move || tail.last(most)).await.map_err(|error| broken(&error))
}

fn encode(lines: Vec<String>) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        // Text always has a JSON form.
        text.extend(serde_json::to_vec(&Line { line }).unwrap_or_default());
        text.push(b'\n');
    }
    text.into()
}
