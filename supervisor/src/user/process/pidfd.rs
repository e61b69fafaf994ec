//! Waiting for a process's end through its pidfd.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits until the process has ended. It may still have to be reaped.
pub(super) async fn ended(handle: OwnedFd) -> io::Result<()> {
    drop(watch(handle)?.readable().await?);
    Ok(())
}

#[allow(unsafe_code)]
fn watch(handle: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the value that is registered, so it stays open and the same until it is
    // deregistered; an `OwnedFd` always returns the same descriptor.
    unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) }.map_err(Into::into)
}
