//! `colmeia-worker`: one process, one user, one browser session, one auth directory.
//!
//! Reads its [`WorkerConfig`] as JSON from standard input, says `ready` on standard output once its socket
//! listens, and ends when its session ends, with the reason in its last report and its exit code.
//! It links no HTTP server and no database, and it believes only its supervisor.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

mod browser;
mod convert;
mod engine;
#[cfg(test)]
mod fake;
mod files;
mod ipc;
mod logging;
mod page;
mod profile;
mod session;
mod setup;
mod spool;
mod walls;
#[cfg(test)]
mod want;

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use colmeia::ExitReason;
use colmeia::config::WorkerConfig;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia_base::{awake, tasks};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::files::Files;
use crate::ipc::Server;
use crate::session::{SessionHandle, SessionTask};
use crate::setup::{Setup, SetupError, ownership};
use crate::spool::{Outbox, Spool};
use colmeia::errors::{chain, is_disk_full, lack_of};
use colmeia::session::{EXIT_DISK_FULL, EXIT_MACHINE};

/// The largest configuration that is read.
const MAX_CONFIG: u64 = 64 * 1024;

/// How long the last events may wait for a disk that takes none.
const FLUSH: Duration = Duration::from_secs(5);

/// How long a session that ended by itself waits for a supervisor that is on its way: one that has just started us may
/// not have connected yet, and would find no reason.
const HEARING: Duration = Duration::from_secs(2);

/// How long killed processes may take to be gone.
const LEFTOVERS: Duration = Duration::from_secs(3);

/// Why a worker cannot even begin. Everything later is a reason of the session's.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("standard input cannot be read")]
    Input(#[source] std::io::Error),
    #[error("standard input is no worker configuration")]
    Config(#[source] serde_json::Error),
    #[error(transparent)]
    RuntimeDir(#[from] colmeia::layout::RuntimeDirTooLong),
    #[error("the user's process cannot be set up")]
    Setup(#[from] SetupError),
    #[error("the spool cannot be opened")]
    Spool(#[from] spool::SpoolError),
    #[error("the profile cannot be looked at")]
    Profile(#[source] std::io::Error),
    #[error("the socket cannot be served")]
    Socket(#[from] ipc::ListenError),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["convert", order] => return convert::run(order),
        ["namespaces"] => return browser::try_out(),
        _ => {}
    }
    let config = configuration();
    tasks::before_the_end(logging::finish);
    logging::start(config.as_ref().ok().map(|config| &config.user));
    let code = match config.and_then(start) {
        Ok(reason) => exit_code(&reason),
        Err(error) => {
            let why = chain(&error);
            tracing::error!(error = %why, "the worker cannot start");
            let (word, code) = match (is_disk_full(&error), lack_of(&error)) {
                (true, _) => ("disk_full", EXIT_DISK_FULL),
                (false, Some(_)) => ("machine", EXIT_MACHINE),
                (false, None) => ("failed", 1),
            };
            // Its log may not be open yet, so the supervisor is told. It may be gone already; then nobody reads it.
            let _ = writeln!(std::io::stdout(), "{word} {}", why.replace('\n', " "));
            ExitCode::from(code)
        }
    };
    logging::finish();
    code
}

/// 0 for an end that was asked for; 2 for one that the session came to by itself. 1 is a worker that could not
/// even begin, [`EXIT_DISK_FULL`] one that could not for want of room, [`EXIT_MACHINE`] for want of descriptors or memory.
fn exit_code(reason: &ExitReason) -> ExitCode {
    match reason {
        ExitReason::Stopped | ExitReason::LoggedOut | ExitReason::Orphaned => ExitCode::SUCCESS,
        _ => ExitCode::from(2),
    }
}

fn configuration() -> Result<WorkerConfig, StartError> {
    let mut text = Vec::new();
    std::io::stdin().take(MAX_CONFIG).read_to_end(&mut text).map_err(StartError::Input)?;
    serde_json::from_slice(&text).map_err(StartError::Config)
}

fn start(config: WorkerConfig) -> Result<ExitReason, StartError> {
    // One thread is enough for one session, and each further one costs memory per user.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Runtime)?;
    runtime.block_on(run(config))
}

async fn run(config: WorkerConfig) -> Result<ExitReason, StartError> {
    let state = StateLayout::new(&config.state_dir, &config.client_prefix);
    let paths = RunLayout::new(&config.runtime_dir)?;
    // Held until the process ends: whoever holds it owns the auth directory.
    let setup = Setup::enter(&config, &state, &paths)?;
    logging::keep(&state.worker_log(&config.user));
    let spool = Spool::open(&state.spool_dir(&config.user))?;
    let files = Files::open(state.files_dir(&config.user));
    let (outbox, events) = Outbox::new(spool);
    let server = Server::bind(
        &paths.worker_socket(&config.user),
        config.user.clone(),
        config.token.clone(),
        ownership::supervisor(config.ownership),
    )?;
    // The supervisor may be gone already; then nobody reads it.
    let _ = writeln!(std::io::stdout(), "ready");
    tracing::info!(pid = std::process::id(), "worker listens");

    awake::watch();
    let end = CancellationToken::new();
    let connected = server.connected();
    let mut hearing = connected.clone();
    let profile = profile::start(&state, &config.user).map_err(StartError::Profile)?;
    let launcher = page::ChromiumLauncher::new(&config, files.clone(), profile.clone());
    let (task, session) = SessionTask::new(launcher, config.deadlines, events.clone(), profile);
    let outbox = tasks::vital("spool", outbox.run());
    let served = tasks::vital("socket", server.run(session.clone(), events.clone(), files, end.clone()));
    let watchers = [
        tasks::vital("orphanage", stop_when_orphaned(connected, session.clone(), config.deadlines.orphan_ms)),
        tasks::vital("signals", stop_on_signal(session.clone())),
    ];
    drop(session);

    let reason = task.run().await;
    tracing::info!(reason = reason.label(), "session ended");
    if tokio::time::timeout(FLUSH, events.flush()).await.is_err() {
        tracing::error!("the last events could not be written");
    }
    if !matches!(reason, ExitReason::Stopped | ExitReason::Orphaned) {
        // Without one the exit status has to do.
        let _ = tokio::time::timeout(HEARING, hearing.wait_for(|connected| *connected)).await;
    }
    end.cancel();
    let _ = served.await;
    watchers.iter().for_each(tokio::task::JoinHandle::abort);
    outbox.abort();
    let left = browser::kill_descendants(LEFTOVERS).await;
    match left {
        Ok(0) => {}
        Ok(left) => tracing::error!(left, "processes of the browser do not end"),
        Err(error) => tracing::error!(%error, "it cannot be seen whether the browser has ended"),
    }
    setup.leave();
    Ok(reason)
}

/// A session that nobody can reach for so long serves nobody; its events stay in the spool.
async fn stop_when_orphaned(mut connected: watch::Receiver<bool>, session: SessionHandle, grace_ms: u64) {
    while connected.wait_for(|connected| !connected).await.is_ok() {
        let back = async { connected.wait_for(|connected| *connected).await.is_ok() };
        match awake::within(Duration::from_millis(grace_ms), back).await {
            Some(true) => {}
            Some(false) => return,
            None => {
                tracing::warn!(grace_ms, "no supervisor came back");
                return session.stop(ExitReason::Orphaned).await;
            }
        }
    }
}

/// SIGTERM and SIGINT are requests for a clean stop. A terminal's Ctrl-C reaches the supervisor alone, because
/// a worker has a process group of its own.
async fn stop_on_signal(session: SessionHandle) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return tracing::error!("signals cannot be listened to");
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    session.stop(ExitReason::Stopped).await;
}
