//! How calls that block are run, beside what is asynchronous.
//!
//! Owns the runtime's threads for them, how many of them each purpose may have, the turn of those that take long, and
//! threads of their own for those that wait for somebody outside. Never knows what is run.
//!
//! A disk that does not answer holds every call that is made to it, for minutes. So no purpose may have all threads: with
//! users' folders on such a disk, `/proc` is still read, and with a sick `/proc` files still come in.

use std::io;

use colmeia_base::tasks;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinError;

/// How many calls that block run at once; more wait their turn, so none may wait for the network or for long. Each
/// thread brings its own heap: with a thousand users started at once 512 of them left 60 MB behind.
const THREADS: usize = 24;
/// How many of them may be with users' folders: marks, tokens, starts of workers.
const FOLDERS: usize = 8;
/// How many may look at processes, control groups and what dead workers left.
const LOOKS: usize = 4;
/// How many may be with files that come from workers.
const DOWNLOADS: usize = 6;

/// The runtime of the whole service.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().max_blocking_threads(THREADS).build()
}

/// Runs what is done to a user's folders, which lie on a disk that may be slow.
///
/// # Errors
/// When it panics.
pub async fn in_folders<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    static FREE: Semaphore = Semaphore::const_new(FOLDERS);
    with_one_of("folders", &FREE, work).await
}

/// Runs what looks at processes.
///
/// # Errors
/// When it panics.
pub async fn looking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    static FREE: Semaphore = Semaphore::const_new(LOOKS);
    with_one_of("looking", &FREE, work).await
}

/// Runs what is done to files that come from workers.
///
/// # Errors
/// When it panics.
pub async fn with_downloads<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    static FREE: Semaphore = Semaphore::const_new(DOWNLOADS);
    with_one_of("downloads", &FREE, work).await
}

/// Runs what may take seconds, such as removing a profile: one at a time, so that what others wait for finds a thread.
///
/// # Errors
/// When it panics.
pub async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    static TURN: Semaphore = Semaphore::const_new(1);
    with_one_of("in turn", &TURN, work).await
}

async fn with_one_of<T: Send + 'static>(
    name: &'static str,
    free: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    // It is never closed. Who no longer waits leaves the thread where it is, so the place goes with the work.
    let place = free.acquire().await;
    tasks::blocking(name, move || {
        let _place = place;
        work()
    })
    .await
}

/// Begins what waits for somebody outside on a thread of its own. The caller bounds how many there are.
///
/// # Errors
/// When there is no thread. The answer fails when the work panics.
pub fn apart<T: Send + 'static>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_disk_that_holds_every_call_leaves_the_other_purposes_their_threads() {
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Arc::new(std::sync::Mutex::new(held));
        let stuck: Vec<_> = (0..3 * THREADS)
            .map(|_| {
                let held = std::sync::Arc::clone(&held);
                tokio::spawn(in_folders(move || held.lock().expect("no panic").recv()))
            })
            .collect();
        // They are given up by who asked, and the disk holds them all the same.
        tokio::task::yield_now().await;
        stuck.iter().take(THREADS).for_each(tokio::task::JoinHandle::abort);
        for _ in 0..THREADS {
            assert_eq!(looking(|| 7).await.expect("runs"), 7);
            assert_eq!(tasks::blocking("other", || 7).await.expect("runs"), 7);
        }
        drop(release);
        for stuck in stuck {
            let _ = stuck.await;
        }
    }
}
