//! The registry of tasks: whatever a program does beside the call in hand is begun here, with a name and with what
//! follows from its failure. Nothing ends unheard.
//!
//! Owns the table of who runs, and the three policies. [`vital`]: the process ends, because it would only pretend to go
//! on; what it did is taken up by the one after it. [`restarted`]: it begins anew, after a pause. [`passing`]: it may end;
//! that it failed is logged by name, counted, and told to whoever waits for it.
//!
//! To fail is to panic. A task that returns has come to its end: its work is done, or nobody is there any more who wants
//! something of it. Never knows what a task does.

#![allow(clippy::disallowed_methods)] // the one place

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use futures::FutureExt as _;
use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

/// The exit code of a process whose vital task has failed: `EX_SOFTWARE` of sysexits(3).
pub const EXIT_TASK_FAILED: i32 = 70;

/// The first and the longest pause before a task is begun anew.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// What is known of the tasks of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// How many run now.
    pub running: u64,
    /// How many have failed since the start.
    pub failed: u64,
}

static TABLE: Mutex<BTreeMap<&'static str, TaskCounts>> = Mutex::new(BTreeMap::new());
static FAREWELL: OnceLock<fn()> = OnceLock::new();

fn rows() -> MutexGuard<'static, BTreeMap<&'static str, TaskCounts>> {
    TABLE.lock()
}

/// Every name under which something was begun, with what is known of it.
#[must_use]
pub fn table() -> Vec<(&'static str, TaskCounts)> {
    rows().iter().map(|(name, row)| (*name, *row)).collect()
}

/// What is still to be done when a vital task has failed, before the process ends: to bring the last lines of its log
/// to where they are read. Only the first word counts.
pub fn before_the_end(farewell: fn()) {
    let _ = FAREWELL.set(farewell);
}

/// Counts as running until it is dropped, also when its task is aborted.
struct Running(&'static str);

impl Running {
    fn begin(name: &'static str) -> Self {
        rows().entry(name).or_default().running += 1;
        Self(name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        rows().entry(self.0).or_default().running -= 1;
    }
}

type Panic = Box<dyn Any + Send>;

fn words(panic: &Panic) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

fn failed(name: &'static str, panic: &Panic) {
    rows().entry(name).or_default().failed += 1;
    tracing::error!(task = name, panic = words(panic), "a task has failed");
}

fn end_process(name: &'static str, panic: &Panic) -> ! {
    failed(name, panic);
    tracing::error!(task = name, "the process cannot go on without this task, and ends");
    if let Some(farewell) = FAREWELL.get() {
        farewell();
    }
    std::process::exit(EXIT_TASK_FAILED)
}

/// A future under this name, for a task that is begun by an owner of its own, such as a set of tasks: that it failed is
/// logged and counted.
pub async fn watched<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let _running = Running::begin(name);
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            failed(name, &panic);
            resume_unwind(panic)
        }
    }
}

/// A task has failed; what it said is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// The same for who can go on without: the failure is an outcome.
///
/// # Errors
/// [`Failed`] when the work did.
pub async fn caught<T>(name: &'static str, work: impl Future<Output = T>) -> Result<T, Failed> {
    let _running = Running::begin(name);
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        failed(name, &panic);
        Failed
    })
}

/// Begins a task that may end. Whoever waits for it is told that it failed.
pub fn passing<T: Send + 'static>(
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(watched(name, work))
}

/// Begins a task without which the process is not what it seems to be: it ends with it.
pub fn vital<T: Send + 'static>(
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(async move {
        let _running = Running::begin(name);
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(done) => done,
            Err(panic) => end_process(name, &panic),
        }
    })
}

/// Begins a task that keeps nothing of its own: after a failure it begins anew, after a pause that grows with each.
pub fn restarted<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    mut begin: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut pause = PAUSES.0;
        loop {
            let work = begin();
            let outcome = {
                let _running = Running::begin(name);
                AssertUnwindSafe(work).catch_unwind().await
            };
            let Err(panic) = outcome else { return };
            failed(name, &panic);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    })
}

/// Runs what blocks on one of the runtime's threads for that. Whoever waits for it is told that it failed.
pub fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    tokio::task::spawn_blocking(move || {
        let _running = Running::begin(name);
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            failed(name, &panic);
            resume_unwind(panic)
        })
    })
}

/// Begins a thread without which the process is not what it seems to be: it ends with it.
///
/// # Errors
/// When the system gives no thread.
pub fn vital_thread(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread(name, None, move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            end_process(name, &panic);
        }
    })
}

/// Begins a thread that may end; that it failed is logged by name and counted.
///
/// # Errors
/// When the system gives no thread.
pub fn passing_thread(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    passing_thread_with(name, None, work)
}

/// The same with so many bytes of stack.
///
/// # Errors
/// When the system gives no thread.
pub fn passing_thread_with(
    name: &'static str,
    stack: impl Into<Option<usize>>,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    thread(name, stack.into(), move || {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            failed(name, &panic);
        }
    })
}

fn thread(name: &'static str, stack: Option<usize>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let body = move || {
        let _running = Running::begin(name);
        work();
    };
    let mut thread = std::thread::Builder::new().name(name.to_owned());
    if let Some(bytes) = stack {
        thread = thread.stack_size(bytes);
    }
    thread.spawn(body).map(drop)
}

/// Fails where a test has put a file called `panic-<name>` into this folder, once. Programs that are built for use do
/// not look.
///
/// # Panics
/// When there is such a file.
pub fn trip(folder: &Path, name: &str) {
    if cfg!(debug_assertions) && std::fs::remove_file(folder.join(format!("panic-{name}"))).is_ok() {
        panic!("a test has asked for it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn row(name: &str) -> TaskCounts {
        table().into_iter().find(|(known, _)| *known == name).map(|(_, row)| row).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_passing_task_that_fails_is_counted_and_told_to_who_waits() {
        let fine = passing("fine", async { 7 });
        assert_eq!(fine.await.expect("done"), 7);
        assert_eq!(row("fine"), TaskCounts { running: 0, failed: 0 });
        let broken: JoinHandle<()> = passing("broken", async { panic!("by itself") });
        assert!(broken.await.expect_err("failed").is_panic());
        assert_eq!(row("broken"), TaskCounts { running: 0, failed: 1 });
        let blocked: JoinHandle<()> = blocking("blocked", || panic!("on a thread"));
        assert!(blocked.await.expect_err("failed").is_panic());
        assert_eq!(row("blocked"), TaskCounts { running: 0, failed: 1 });
    }

    #[tokio::test]
    async fn one_that_is_aborted_runs_no_more_and_has_not_failed() {
        let task = passing("endless", std::future::pending::<()>());
        while row("endless").running == 0 {
            tokio::task::yield_now().await;
        }
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
        assert_eq!(row("endless"), TaskCounts { running: 0, failed: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_restarted_task_begins_anew_until_it_is_done() {
        let times = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&times);
        let task = restarted("stumbling", move || {
            let time = counted.fetch_add(1, Ordering::Relaxed);
            async move { assert!(time >= 3, "stumbled") }
        });
        task.await.expect("done in the end");
        assert_eq!((times.load(Ordering::Relaxed), row("stumbling").failed), (4, 3));
    }

    #[test]
    fn a_trip_fails_once_and_only_where_it_was_laid() {
        let dir = tempfile::tempdir().expect("folder");
        trip(dir.path(), "this");
        std::fs::write(dir.path().join("panic-this"), "").expect("laid");
        trip(dir.path(), "that");
        assert!(catch_unwind(|| trip(dir.path(), "this")).is_err());
        trip(dir.path(), "this");
    }
}
