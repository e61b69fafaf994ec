//! The signals that mean something here: [`Signals`].
//!
//! Owns SIGTERM, SIGINT and SIGHUP. They are blocked in every thread and read from a descriptor, so that one that
//! comes while the program replaces itself waits for the next image and is not lost. Whatever we start inherits that, so
//! each start takes it back (`worker_process/spawn` in `supervisor/session`).

use std::io;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `SI_KERNEL` of sigaction(2): nobody sent it; a terminal has hung up.
const FROM_KERNEL: i32 = 0x80;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The end; by this signal.
    End(&'static str),
    /// The program's file may be a newer one: go on with it.
    Upgrade,
}

/// Where signals are read.
#[derive(Debug)]
pub(crate) struct Signals(AsyncFd<SignalFd>);

fn ours() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect()
}

/// Holds the signals back until they are read. Called before there is a second thread: threads inherit it.
///
/// # Errors
/// Those of the system.
pub(crate) fn hold_back() -> io::Result<()> {
    ours().thread_block().map_err(io::Error::from)
}

impl Signals {
    /// Begins to read.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn catch() -> io::Result<Self> {
        let descriptor = SignalFd::with_flags(&ours(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        watch(descriptor).map(Self)
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Asked {
        loop {
            let Ok(mut ready) = self.0.readable().await else {
                // The runtime ends, and whoever waits here with it.
                return std::future::pending().await;
            };
            match ready.get_inner().read_signal() {
                Ok(Some(signal)) => return meaning(signal.ssi_signo, signal.ssi_code),
                Ok(None) => ready.clear_ready(),
                Err(error) => {
                    tracing::error!(%error, "signals cannot be read");
                    ready.clear_ready();
                }
            }
        }
    }

    /// The next one that asks for the end.
    pub(crate) async fn end(&mut self) -> &'static str {
        loop {
            if let Asked::End(name) = self.next().await {
                return name;
            }
        }
    }
}

/// SIGHUP from a person or a service manager asks for the newer program; from a terminal that is gone, for the end.
fn meaning(number: u32, code: i32) -> Asked {
    match i32::try_from(number).ok().and_then(|number| Signal::try_from(number).ok()) {
        Some(Signal::SIGHUP) if code == FROM_KERNEL => Asked::End("SIGHUP"),
        Some(Signal::SIGHUP) => Asked::Upgrade,
        Some(signal) => Asked::End(signal.as_str()),
        None => Asked::End("a signal"),
    }
}

#[allow(unsafe_code)]
fn watch(descriptor: SignalFd) -> io::Result<AsyncFd<SignalFd>> {
    // SAFETY: the descriptor is owned by the value that is registered, so it stays open and the same until it is
    // deregistered; a `SignalFd` always returns the same descriptor.
    unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_up_that_was_sent_is_an_upgrade_and_one_of_a_terminal_the_end() {
        let number = Signal::SIGHUP as u32;
        assert_eq!(meaning(number, 0), Asked::Upgrade);
        assert_eq!(meaning(number, FROM_KERNEL), Asked::End("SIGHUP"));
        assert_eq!(meaning(Signal::SIGTERM as u32, 0), Asked::End("SIGTERM"));
        assert_eq!(meaning(Signal::SIGINT as u32, FROM_KERNEL), Asked::End("SIGINT"));
    }
}
