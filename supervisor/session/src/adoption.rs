//! What is found at boot: workers that outlived another supervisor, sockets of dead ones, sessions on disk.
//!
//! Owns the order: first the living are taken over, then the dead are cleared away, then everyone who has a
//! session is brought back. It never restarts a worker that answers.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use colmeia::UserId;
use colmeia::errors::{Lack, chain, lack_of};
use colmeia::protocol::ToWorker;
use tokio::time::timeout;

use crate::connection::{self, Handshake, HandshakeError};
use crate::registry::Registry;
use crate::worker_process::WorkerProcess;
use crate::{Adopted, Host, Phase, marks, token_of};
use colmeia_host::process::{Traces, sweep};
use colmeia_host::{folders, kept, staging};

/// The longest that a found worker may take to answer: the HTTP port waits for this.
const HELLO: Duration = Duration::from_secs(3);
/// How long one user's task may take to queue: only the order depends on it.
const QUEUED: Duration = Duration::from_millis(500);

/// What was found in a user's runtime folder.
enum Found {
    /// A worker that goes on.
    Living(Box<Adopted>),
    /// Nothing alive any more.
    Dead,
    /// Something that is not ours to touch.
    Foreign,
}

/// Takes over living workers and clears away dead ones.
pub async fn adopt_workers(host: &Arc<Host>, registry: &Registry) {
    let users = match host.shortage.outlast(|| kept::users_in(&host.run.user_dirs())).await {
        Ok(users) => users,
        Err(error) => {
            tracing::error!(error = chain(&error), "the runtime folders cannot be read; nothing is adopted");
            return;
        }
    };
    let found = futures::future::join_all(users.iter().map(|user| async {
        loop {
            match look(host, user).await {
                Ok(found) => break found,
                // Nobody is declared dead because nobody could look.
                Err(lack) => host.shortage.wait_out(lack).await,
            }
        }
    }))
    .await;
    for (user, found) in users.iter().zip(found) {
        match found {
            Found::Living(adopted) => {
                tracing::info!(%user, pid = adopted.process.id(), "worker adopted");
                host.metrics.boot_found(user);
                registry.adopt(user, *adopted);
            }
            Found::Dead => {
                let _ = fs::remove_dir_all(host.run.user_dir(user));
            }
            Found::Foreign => {}
        }
    }
}

/// Wakes everyone who has a session on disk, the most recently active first. The admission queue staggers them:
/// so many at once, and only as many as there is memory for.
///
/// # Errors
/// When the state directory cannot be read.
pub async fn bring_back(host: &Host, registry: &Registry) -> io::Result<()> {
    // A restore that broke off has touched nothing else.
    if let Err(error) = staging::tidy(&host.state) {
        tracing::warn!(%error, "what is left of a restore cannot be removed");
    }
    folders::remove_in_background(host.shortage.outlast(|| folders::all_set_aside(&host.state)).await?);
    let mut users = host.shortage.outlast(|| folders::users_on_disk(&host.state)).await?;
    users.sort_by_key(|user| std::cmp::Reverse(folders::last_active(&host.state, user)));
    let parked = host.shortage.outlast(|| folders::users_parked(&host.state)).await.unwrap_or_else(|error| {
        tracing::error!(error = chain(&error), "it cannot be read who is parked");
        Vec::new()
    });
    for user in parked {
        // It shows why, and starts nothing.
        if let Err(error) = registry.find_or_create_known(&user) {
            tracing::error!(%user, %error, "a parked user cannot be shown");
        }
    }
    for user in users {
        // Where nobody can say, its own task says so.
        if host.shortage.outlast(|| folders::may_be_linked(&host.state, &user)).await.unwrap_or(true) {
            host.metrics.boot_found(&user);
            match registry.find_or_create_known(&user) {
                Ok(handle) => {
                    handle.settled().await;
                    let mut view = handle.watch();
                    handle.wake();
                    // Its wish is in the queue before the next one's.
                    let queued = view.wait_for(|view| view.phase != Phase::Stopped);
                    let _ = timeout(QUEUED, queued).await;
                }
                Err(error) => tracing::error!(%user, %error, "cannot bring the session back"),
            }
        }
    }
    Ok(())
}

/// # Errors
/// What the machine has none left of to look with: then nothing is known.
async fn look(host: &Arc<Host>, user: &UserId) -> Result<Found, Lack> {
    let marks = marks(host, user);
    let expected = |uid| host.uids.expects(user, uid);
    let peer = match connection::open(&host.run.worker_socket(user), HELLO, expected).await {
        Ok(peer) => peer,
        Err(HandshakeError::ForeignUid(uid)) => {
            tracing::error!(%user, uid, "a worker of another system user is in our runtime folder; left alone");
            return Ok(Found::Foreign);
        }
        Err(error) if let Some(lack) = lack_of(&error) => return Err(lack),
        Err(error) => {
            tracing::info!(%user, reason = chain(&error), "no living worker behind this socket");
            sweep(Traces { session: None, marks }).await;
            return Ok(Found::Dead);
        }
    };
    let process = match WorkerProcess::adopt(peer.pid, marks, &host.launch.children) {
        Ok(process) => process,
        Err(error) if let Some(lack) = lack_of(&error) => return Err(lack),
        Err(error) => {
            tracing::warn!(%user, %error, "what listens here is no worker of ours; left alone");
            return Ok(Found::Foreign);
        }
    };
    let greeted = match token_of(host, user).await {
        Ok(token) => connection::greet(peer, user, token, HELLO).await,
        Err(error) => Err(HandshakeError::NoToken(error)),
    };
    Ok(match greeted {
        // Where nobody can say, the living go on.
        Ok(greeted) if kept::is_there(&host.state.auth_dir(user)).unwrap_or(true) => {
            Found::Living(Box::new(Adopted { process, greeted }))
        }
        Ok(greeted) => {
            tracing::warn!(%user, "a worker whose session was deleted is stopped");
            dismiss(host, process, greeted).await;
            Found::Dead
        }
        Err(error) if let Some(lack) = lack_of(&error) => return Err(lack),
        Err(error) => {
            tracing::warn!(%user, reason = chain(&error), "a worker cannot be adopted and is ended");
            end(&process).await;
            Found::Dead
        }
    })
}

async fn dismiss(host: &Host, process: WorkerProcess, mut greeted: Handshake) {
    let patience = Duration::from_millis(host.config.stop_deadline_ms);
    let stopped = async {
        greeted.say(&ToWorker::Stop).await?;
        process.ended().await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    if !matches!(timeout(patience, stopped).await, Ok(Ok(()))) {
        end(&process).await;
    }
}

async fn end(process: &WorkerProcess) {
    process.kill();
    process.ended().await;
}
