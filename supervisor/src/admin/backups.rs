//! `/v1/backups`: backing sessions up, looking at what is there, restoring. Owns the routes and the form of their answers;
//! what is done is [`colmeia_control::backups`]'s.
//!
//! An answer has one line for each user, as it comes: a bucket may be slow, and sessions many.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use colmeia::admin::{Backup, BackupRequest};
use colmeia::errors::chain;
use colmeia_control::backups::{BackupError, Lines};
use colmeia_control::operators::Asker;
use futures::stream;

use super::socket::Peer;
use super::{Admin, Refusal, refuse};

/// `POST /v1/backups`.
pub(super) async fn back_up(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<BackupRequest>,
) -> Result<Response, Refusal> {
    Ok(streamed(admin.app.backups.back_up(request, asker(peer)).await?))
}

/// `POST /v1/backups/restore`.
pub(super) async fn restore(
    State(admin): State<Admin>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<BackupRequest>,
) -> Result<Response, Refusal> {
    Ok(streamed(admin.app.backups.restore(request, asker(peer)).await?))
}

/// `POST /v1/backups/list`: it has a key in it, and so a body.
pub(super) async fn list(
    State(admin): State<Admin>,
    Json(request): Json<BackupRequest>,
) -> Result<Response, Refusal> {
    let lines = admin.app.backups.list(request).await?;
    Ok(([(CONTENT_TYPE, LINES)], lines.iter().flat_map(encode).collect::<Vec<u8>>()).into_response())
}

const LINES: &str = "application/x-ndjson";

fn asker(peer: Peer) -> Asker {
    Asker::Process { uid: peer.uid, pid: peer.pid }
}

fn streamed(lines: Lines) -> Response {
    let lines = stream::unfold(lines, |mut lines| async {
        let line = lines.recv().await?;
        Some((Ok::<_, Infallible>(Bytes::from(encode(&line))), lines))
    });
    ([(CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response()
}

fn encode(line: &Backup) -> Vec<u8> {
    // It always has a JSON form.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text
}

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::User(error) => error.into(),
            BackupError::Busy => refuse(StatusCode::CONFLICT, chain(&error)),
            BackupError::Look(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, chain(&error)),
            error => refuse(StatusCode::UNPROCESSABLE_ENTITY, chain(&error)),
        }
    }
}
