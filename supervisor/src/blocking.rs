//! How calls that block are run, beside what is asynchronous.
//!
//! Owns the runtime's few threads for them, the turn of those that take long, and threads of their own for those that
//! wait for somebody outside. Never knows what is run.

use std::io;

use colmeia_base::tasks;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinError;

/// How many calls that block run at once; more wait their turn, so none may wait for the network or for long. Each
/// thread brings its own heap: with a thousand users started at once 512 of them left 60 MB behind.
const THREADS: usize = 8;

/// The runtime of the whole service.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().max_blocking_threads(THREADS).build()
}

/// Runs what may take seconds, such as removing a profile: one at a time, so that what others wait for finds a thread.
///
/// # Errors
/// When it panics.
pub(crate) async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    static TURN: Semaphore = Semaphore::const_new(1);
    // It is never closed.
    let _turn = TURN.acquire().await;
    tasks::blocking("in turn", work).await
}

/// Begins what waits for somebody outside on a thread of its own. The caller bounds how many there are.
///
/// # Errors
/// When there is no thread. The answer fails when the work panics.
pub(crate) fn apart<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<impl Future<Output = Result<T, RecvError>>> {
    let (told, answer) = oneshot::channel();
    tasks::passing_thread(name, move || {
        // Nobody may wait for it any more.
        let _ = told.send(work());
    })?;
    Ok(answer)
}
