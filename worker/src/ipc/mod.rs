//! The worker's own Unix socket: who may connect, one supervisor at a time, the newest wins.
//!
//! Owns the listener. Accepts only peers of the supervisor's user id (or root), and tells them nothing until they
//! have said the token, because other users' browsers may have the same user id; what else is said on a connection is
//! [`connection`]'s business. Never touches the session's state.

mod connection;
mod incoming;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use colmeia::{Secret, UserId};
use colmeia_base::files::if_there;
use colmeia_base::tasks;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::files::Files;
use crate::session::SessionHandle;
use crate::spool::OutboxHandle;
use colmeia::errors::chain;
use connection::Connection;

/// How long connections may take to say their last word at the end.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How many peers may be connected without having said Hello.
const STRANGERS: usize = 16;

/// The socket cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}", path.display())]
pub(crate) struct ListenError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The listening socket.
pub(crate) struct Server {
    listener: Listener,
    user: UserId,
    token: Secret,
    supervisor: u32,
    connected: watch::Sender<bool>,
}

impl Server {
    /// Listens on `path` with mode 0600, for this user id and root. A socket that a dead worker left there is replaced; the caller holds
    /// the user's lock, so no living worker can own it.
    pub(crate) fn bind(
        path: &Path,
        user: UserId,
        token: Secret,
        supervisor: u32,
    ) -> Result<Self, ListenError> {
        let fail = |source| ListenError { path: path.to_owned(), source };
        if_there(std::fs::remove_file(path)).map_err(fail)?;
        let name = path.to_fs_name::<GenericFilePath>().map_err(fail)?;
        let listener = ListenerOptions::new().name(name).mode(0o600).create_tokio().map_err(fail)?;
        Ok(Self { listener, user, token, supervisor, connected: watch::Sender::new(false) })
    }

    /// Whether a supervisor is connected.
    pub(crate) fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    /// Serves supervisors until `end` is cancelled; then the connection says its last word and closes.
    pub(crate) async fn run(
        self,
        session: SessionHandle,
        outbox: OutboxHandle,
        files: Files,
        end: CancellationToken,
    ) {
        let tracker = TaskTracker::new();
        let strangers = Arc::new(Semaphore::new(STRANGERS));
        // Who speaks now. Each connection that has said Hello cancels the one before.
        let current = Arc::new(Mutex::new(end.child_token()));
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = end.cancelled() => break,
            };
            let stream = match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "a connection could not be accepted");
                    // Out of descriptors, most likely: give the others time to end.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if let Err(why) = allowed(&stream, self.supervisor) {
                tracing::warn!(why, "a connection was refused");
                continue;
            }
            let Ok(permit) = Arc::clone(&strangers).try_acquire_owned() else {
                tracing::warn!("a connection was refused: too many have not said hello yet");
                continue;
            };
            let mut connection = Connection::new(stream, session.clone(), outbox.clone(), files.clone());
            let (user, token) = (self.user.clone(), self.token.clone());
            let connected = self.connected.clone();
            let (current, end) = (Arc::clone(&current), end.clone());
            tracker.spawn(tasks::watched("connection", async move {
                if let Err(error) = connection.hello(&user, &token).await {
                    tracing::warn!(error = %chain(&error), "a supervisor could not say hello");
                    return;
                }
                drop(permit);
                let token = end.child_token();
                {
                    let mut current = current.lock();
                    std::mem::replace(&mut *current, token.clone()).cancel();
                    connected.send_replace(true);
                }
                if let Err(error) = connection.run(&token).await {
                    tracing::warn!(error = %chain(&error), "the supervisor's connection ended");
                }
                let _current = current.lock();
                // A connection that was superseded says nothing about its successor.
                if !token.is_cancelled() {
                    connected.send_replace(false);
                }
            }));
        }
        tracker.close();
        let _ = tokio::time::timeout(LAST_WORD, tracker.wait()).await;
    }
}

fn allowed(stream: &Stream, supervisor: u32) -> Result<(), &'static str> {
    let credentials = stream.peer_creds().map_err(|_| "its credentials are unknown")?;
    match credentials.euid() {
        Some(0) => Ok(()),
        Some(uid) if uid == supervisor => Ok(()),
        _ => Err("it belongs to another user of this machine"),
    }
}

#[cfg(test)]
mod tests;
