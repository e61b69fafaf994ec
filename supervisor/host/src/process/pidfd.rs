//! Waiting for a process's end through its pidfd.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How often is looked where nobody can be told.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until the process has ended. It may still have to be reaped. It takes no descriptor, and nothing but the
/// process's end makes it return: a machine without means must not look like a dead worker.
pub async fn ended(handle: BorrowedFd<'_>) {
    while !has_ended(handle) {
        match watch(handle) {
            Ok(watched) => drop(watched.readable().await),
            // The kernel has no room for one more to be watched.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Whether it has, as far as the kernel says.
fn has_ended(handle: BorrowedFd<'_>) -> bool {
    let mut asked = [PollFd::new(&handle, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

#[allow(unsafe_code)]
fn watch(handle: BorrowedFd<'_>) -> io::Result<AsyncFd<BorrowedFd<'_>>> {
    // SAFETY: the descriptor is borrowed for as long as it is registered, so it stays open and the same until it is
    // deregistered; a `BorrowedFd` always returns the same descriptor.
    unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) }.map_err(Into::into)
}
